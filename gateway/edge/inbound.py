"""A client's bytes into an `InboundRequest`. The format is known by the endpoint, with one exception (`_format_of`)."""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from time import time_ns
from typing import Any

import msgspec

from gateway.wire import json
from omniroute.errors import InvalidRequest
from omniroute.types import InboundRequest

MAX_MODEL_LENGTH = 250
_REQUIRED_LISTS = {
    "openai_chat": "messages",
    "ollama": "messages",
    "anthropic_messages": "messages",
    "gemini": "contents",
}
"""What a request cannot do without, by format. Everything else is the provider's to judge."""
_SINGLE = frozenset({"contents"})
"""Google takes one value for a list of one."""


def parse(
    body: bytes,
    *,
    format: str,
    path: str,
    headers: Mapping[str, str],
    operation: str = "generate",
    model: str | None = None,
    default_model: str = "",
    stream: bool | None = None,
    array: bool = False,
) -> InboundRequest:
    """`model` and `stream` are given where the format has them in the path (Gemini), `default_model` where none is
    obligatory.

    Raise `InvalidRequest` naming the field.
    """
    if not body:
        raise InvalidRequest("The request has no body")
    fields = json.split(body)
    if operation == "generate":
        format = _format_of(fields, format)
    required = _REQUIRED_LISTS.get(format)
    if required and operation in ("generate", "count"):
        _check_list(fields, required)
    return InboundRequest(
        id=request_id(),
        format=format,
        operation=operation,
        model=_model(fields, default_model) if model is None else check_model(model),
        stream=_stream(fields) if stream is None else stream,
        body=body,
        fields=fields,
        headers=headers,
        path=path,
        array=array,
    )


def request_id() -> str:
    """Begins with the time, so that an index of them grows at its end."""
    return f"req_{time_ns() // 1_000_000:012x}{getrandbits(64):016x}"


def _format_of(fields: dict[str, msgspec.Raw], format: str) -> str:
    """Cursor posts bodies of Responses to `chat/completions`, and reads the answer as what it sent."""
    if format == "openai_chat" and "messages" not in fields and "input" in fields:
        return "openai_responses"
    return format


def _model(fields: dict[str, msgspec.Raw], default: str) -> str:
    value = (json.field(fields, "model") if "model" in fields else None) or default
    if value is None or value == "":
        raise InvalidRequest("The field 'model' is missing", param="model")
    if not isinstance(value, str):
        raise InvalidRequest(f"The field 'model' must be a string, not {_kind(value)}", param="model")
    return check_model(value)


def check_model(name: str) -> str:
    if not name or len(name) > MAX_MODEL_LENGTH or not name.isprintable():
        raise InvalidRequest("That is no model name", param="model")
    return name


def _stream(fields: dict[str, msgspec.Raw]) -> bool:
    raw = fields.get("stream")
    if raw is None:
        return False
    value = json.loads(raw)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidRequest(f"The field 'stream' must be true or false, not {_kind(value)}", param="stream")


def _check_list(fields: dict[str, msgspec.Raw], name: str) -> None:
    raw = fields.get(name)
    if raw is None:
        raise InvalidRequest(f"The field '{name}' is missing", param=name)
    text = bytes(raw[:2] if isinstance(raw, bytes) else memoryview(raw)[:2])
    if name in _SINGLE and text.startswith(b"{"):
        return
    if not text.startswith(b"["):
        raise InvalidRequest(f"The field '{name}' must be a list, not {_kind(json.loads(raw))}", param=name)
    if text == b"[]":
        raise InvalidRequest(f"The field '{name}' must not be empty", param=name)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
