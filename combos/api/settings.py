"""The settings of a combo in the management API: the same at every level of the cascade."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from django.core.exceptions import ValidationError
from pydantic import (
    AliasChoices,
    Field,
    SerializerFunctionWrapHandler,
    StrictInt,
    model_serializer,
)

from combos.models import ProviderRouting, TargetOptions
from omniroute.schema import StrictModel

Milliseconds = Annotated[StrictInt, Field(ge=1, le=86_400_000)]

_PLAIN = ("max_retries", "retry_delay_ms", "concurrency_per_model", "queue_timeout_ms", "queue_depth")
_SECONDS = {
    "target_timeout_ms": "target_timeout_s",
    "combo_timeout_ms": "combo_timeout_s",
    "hedge_after_ms": "hedge_after_s",
}


class ComboConfig(StrictModel):
    """Absent or null: as the next wider level says. Unknown entries are refused: a setting that nothing reads would
    look as if it worked."""

    max_retries: Annotated[StrictInt, Field(ge=0, le=20)] | None = None
    retry_delay_ms: Annotated[StrictInt, Field(ge=0, le=600_000)] | None = None
    target_timeout_ms: Annotated[
        Milliseconds | None,
        Field(validation_alias=AliasChoices("targetTimeoutMs", "timeoutMs", "target_timeout_ms")),
    ] = None
    combo_timeout_ms: Milliseconds | None = None
    concurrency_per_model: Annotated[StrictInt, Field(ge=0, le=100_000)] | None = None
    """0: no limit."""
    queue_timeout_ms: Annotated[StrictInt, Field(ge=0, le=3_600_000)] | None = None
    queue_depth: Annotated[StrictInt, Field(ge=0, le=100_000)] | None = None
    hedge: Literal["off", "after", "p95"] | None = None
    hedge_after_ms: Annotated[StrictInt, Field(ge=1, le=3_600_000)] | None = None
    health_check_enabled: Annotated[Literal[True] | None, Field(exclude=True)] = None
    """This and the next two are fixed, and taken because OmniRoute's clients send them."""
    max_combo_depth: Annotated[Literal[3] | None, Field(exclude=True)] = None
    track_metrics: Annotated[Literal[True] | None, Field(exclude=True)] = None

    @model_serializer(mode="wrap")
    def _only_what_is_said(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None}

    @classmethod
    def of(cls, row: TargetOptions) -> Self:
        """What the row says."""
        values = {name: getattr(row, name) for name in _PLAIN}
        values |= {name: _milliseconds(getattr(row, column, None)) for name, column in _SECONDS.items()}
        return cls(**values, hedge=row.hedge or None)  # type: ignore[arg-type]  # the choices

    @classmethod
    def nothing(cls) -> Self:
        """Every setting taken back."""
        return cls(**dict.fromkeys((*_PLAIN, *_SECONDS, "hedge")))

    def apply(self, row: TargetOptions) -> None:
        """Set what is present. Raise `ValidationError` for the whole combo's limit on a single provider."""
        present = self.model_fields_set
        for name in _PLAIN:
            if name in present:
                setattr(row, name, getattr(self, name))
        for name, column in _SECONDS.items():
            value = getattr(self, name)
            if name not in present:
                continue
            if isinstance(row, ProviderRouting) and name == "combo_timeout_ms":
                if value is not None:
                    raise ValidationError({"comboTimeoutMs": "A combo has one, a provider has none."})
                continue
            setattr(row, column, None if value is None else value / 1000)
        if "hedge" in present:
            row.hedge = self.hedge or ""


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
