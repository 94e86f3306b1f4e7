"""Small readers of foreign JSON: each says which field is wrong, and how."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from gateway.wire import ir
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

NAME = "openai_responses"
VENDOR = "openai"
"""Whose `encrypted_content` a reasoning item carries, where nothing says otherwise."""

SHAPE = "openai_responses.shape"
"""Key in `extra` for what concerns the outer form only."""
STORED = ("previous_response_id", "conversation", "prompt")
"""Fields that name what is stored at the vendor: no other vendor can know it."""

T = TypeVar("T")


def invalid(param: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid value for '{param}': {message}", param=param, code="invalid_value")


def typed(value: Any, kind: type[T] | tuple[type[T], ...], param: str, expected: str) -> T:
    """`value`, if it is of that type; booleans are no numbers."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise invalid(param, f"expected {expected}")
    return value


def optional(body: JSONDict, name: str, kind: type[T] | tuple[type[T], ...], expected: str) -> T | None:
    value = body.get(name)
    return None if value is None else typed(value, kind, name, expected)


def leftover(value: JSONDict, known: Collection[str]) -> JSONDict:
    """The fields that the neutral form does not hold."""
    return {key: item for key, item in value.items() if key not in known}


def own(extra: ir.Extra) -> JSONDict:
    """What this format itself said about a thing; empty for a thing of another format."""
    value = extra.get(NAME)
    return value if isinstance(value, dict) else {}
