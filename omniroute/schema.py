"""Bodies of the management API: camelCase outside, snake_case inside, text that databases can hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

MAX_INTEGER = 2**31 - 1
"""What an integer column of PostgreSQL holds."""


class CamelModel(BaseModel):
    """A plain pydantic model: ninja's Schema reads attributes, so that a body of "text" would pass."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, protected_namespaces=())


class StrictModel(CamelModel):
    """A body that is sent to the gateway: what a misspelt field leaves out must not be dropped in silence."""

    model_config = ConfigDict(extra="forbid")
    shown_as: ClassVar[type[CamelModel] | None] = None
    """How the same object is shown: what it has more (an id, when it was made) may come back, and is passed over."""

    @model_validator(mode="before")
    @classmethod
    def _without_fixed(cls, value: Any) -> Any:
        if cls.shown_as is None or not isinstance(value, dict):
            return value
        fixed = {to_camel(name) for name in cls.shown_as.model_fields.keys() - cls.model_fields.keys()}
        return {name: item for name, item in value.items() if name not in fixed}


def _printable(value: str) -> str:
    if any(character < " " or character == "\x7f" for character in value):
        raise ValueError("Control characters are not allowed")
    return value


def _aware(value: datetime) -> datetime:
    """A time without a zone is UTC. The conversion refuses what lies beyond the calendar's ends."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("The time is out of range") from None


def _written_out(value: Any) -> Any:
    if isinstance(value, str) and value.isdigit():
        raise ValueError("Write the day as 2026-03-09")
    return value


Day = Annotated[date, BeforeValidator(_written_out)]
"""Not 20260309, which pydantic would take for seconds since 1970."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_printable)]
"""One line of text, possibly empty."""
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
ModelName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
Secret = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Position = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Moment = Annotated[datetime, AfterValidator(_aware)]


class Success(CamelModel):
    success: bool = True


class Message(CamelModel):
    message: str


def row_id(text: str) -> int:
    """The primary key that an id in a path stands for; -1, which no row has, where it is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
