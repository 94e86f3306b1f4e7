"""Errors: as in Chat Completions, in a stream as `response.failed` (docs/protocol-notes.md, Errors)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import uuid4

from gateway.wire import json
from gateway.wire.openai_chat import errors as chat
from gateway.wire.openai_responses.fields import NAME
from gateway.wire.sse import encode
from omniroute.errors import GatewayError, UpstreamRefused
from omniroute.types import JSONDict

emit_error = chat.emit_error

_ACTED_UPON = frozenset(
    {
        "context_length_exceeded",
        "insufficient_quota",
        "rate_limit_exceeded",
        "invalid_prompt",
        "usage_not_included",
    }
)
"""Codes that clients look for inside of `response.failed`."""
_BEHIND_ALL = 2**31 - 1
"""The sequence number of an error behind events that were not counted: higher than any of theirs."""


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
    refused = chat.parse_error(status, body, headers)
    refused.format = NAME
    return refused


def parse_error_value(error: bytes) -> UpstreamRefused:
    """The `error` of a response, or of an event, that came under status 200."""
    refused = chat.parse_error_value(error)
    refused.format = NAME
    return refused


def error_object(message: str, status: int, code: str | None) -> JSONDict:
    """`error` of a failed Response. Its codes are few; Codex acts upon some."""
    if code not in _ACTED_UPON:
        code = "rate_limit_exceeded" if status == 429 else "server_error"
    return {"code": code, "message": message}


def emit_broken_stream(error: GatewayError) -> bytes:
    """The end of a stream whose answer goes on being made: an error of the stream, not a failed Response."""
    said = error_object(error.message, error.status, error.code)
    event = {"type": "error", **said, "param": None, "sequence_number": _BEHIND_ALL}
    return encode(json.dumps(event), "error")


def emit_stream_error(error: GatewayError, opening: JSONDict | None = None) -> bytes:
    """A whole `response.failed`. `opening`: the response as the stream's first event told it, if that is known."""
    response: JSONDict = {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "",
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
        **(opening or {}),
        "status": "failed",
        "error": error_object(error.message, error.status, error.code),
    }
    event = {"type": "response.failed", "sequence_number": _BEHIND_ALL, "response": response}
    return encode(json.dumps(event), "response.failed")
