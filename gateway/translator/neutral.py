"""The neutral form as JSON, for people to read: what is unset is left out, and parts and events say what they are."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from typing import Any

from gateway.wire import ir, json
from omniroute.types import Usage

MAX_LINES = 2000
"""Events of a stream that are shown."""
_TYPED = (
    *(ir.Text, ir.Image, ir.File, ir.Audio, ir.Reasoning, ir.ToolCall, ir.ToolResult, ir.Refusal, ir.Unknown),
    *(ir.Started, ir.PartStarted, ir.PartDelta, ir.PartEnded, ir.Finished, ir.UsageReported, ir.Errored),
)
"""Of which there are several kinds in one place."""


def shown(value: Any) -> Any:
    """Of a request, a reply, an event or a part."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        told = {name: shown(item) for name, item in fields.items() if not _is_unset(item)}
        if isinstance(value, Usage):
            return {name: item for name, item in told.items() if item}
        return {"is": _spoken(type(value).__name__), **told} if isinstance(value, _TYPED) else told
    if isinstance(value, dict):
        return {str(name): shown(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return json.value(value)


def _is_unset(value: Any) -> bool:
    """An empty text says something; an empty list or object does not."""
    return value is None or (isinstance(value, list | tuple | dict) and not value)


def _spoken(name: str) -> str:
    """`tool call`, of `ToolCall`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
