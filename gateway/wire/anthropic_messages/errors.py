"""Errors of Anthropic Messages, and those of the providers that imitate it (docs/protocol-notes.md, Errors)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.wire import json
from gateway.wire.sse import encode
from omniroute.errors import GatewayError, InvalidRequest, UpstreamRefused
from omniroute.types import JSONDict

MESSAGE_LIMIT = 2000
CONTEXT_EXCEEDED = "context_length_exceeded"
_TYPES: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUS_OF_TYPE: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""For errors that come under status 200: inside of a stream, or from an imitator."""
_CODES: dict[str, str] = {
    "authentication_error": "invalid_api_key",
    "billing_error": "insufficient_quota",
    "rate_limit_error": "rate_limit_exceeded",
    "overloaded_error": "overloaded",
}
_TOO_LONG = re.compile(
    r"prompt is too long|maximum context length|context[ _](?:length|window)|"
    r"exceeds? the (?:available context|context size)|input token count|input length and `max_tokens` exceed",
    re.IGNORECASE,
)
_NUMBERS: tuple[tuple[re.Pattern[str], bool], ...] = (
    (re.compile(r"(\d[\d,]*) tokens? > (\d[\d,]*)"), False),
    (re.compile(r"input token count \(?(\d[\d,]*)\)? exceeds .*?\(?(\d[\d,]*)\)?\W*$"), False),
    (re.compile(r"maximum context length is (\d[\d,]*) tokens.*?(\d[\d,]*) tokens", re.DOTALL), True),
    (re.compile(r"request \((\d[\d,]*) tokens\) exceeds .*?\((\d[\d,]*) tokens\)"), False),
)
"""(tokens, limit) in the vendors' wordings; True: the limit comes first."""


# ---- Emit --------------------------------------------------------------------------------------------------


def emit_error(error: GatewayError) -> JSONDict:
    return {
        "type": "error",
        "error": {"type": _type(error), "message": _message(error)},
        "request_id": _request_id(error),
    }


def emit_stream_error(error: GatewayError) -> bytes:
    """No message_stop follows, which would pass for a normal end."""
    return encode(json.dumps(emit_error(error)), "error")


def _type(error: GatewayError) -> str:
    if error.code == "insufficient_quota" and error.status in (400, 402, 403):
        return "billing_error"
    return _TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")


def _message(error: GatewayError) -> str:
    """Claude Code compacts the conversation when it reads `prompt is too long: N tokens > M maximum`."""
    message = error.message
    if error.status not in (400, 413, 422):
        return message
    if error.code != CONTEXT_EXCEEDED and not _TOO_LONG.search(message):
        return message
    if "prompt is too long" in message.lower():
        return message
    for pattern, limit_first in _NUMBERS:
        found = pattern.search(message)
        if found:
            tokens, limit = (found[2], found[1]) if limit_first else (found[1], found[2])
            tokens, limit = tokens.replace(",", ""), limit.replace(",", "")
            return f"prompt is too long: {tokens} tokens > {limit} maximum"
    return f"prompt is too long: {message}"


def _request_id(error: GatewayError) -> str | None:
    """The id under which the vendor's support finds the request, else the gateway's own."""
    if not isinstance(error, UpstreamRefused):
        return error.request_id
    for name in ("request-id", "x-request-id"):
        if error.headers.get(name):
            return error.headers[name]
    return error.request_id


# ---- Parse -------------------------------------------------------------------------------------------------


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
    """Never fails: whatever the body is, it says something."""
    try:
        value = json.loads(body)
    except InvalidRequest:
        value = None
    message, kind = describe(value)
    if not message:
        message = _plain_text(body, status)
    return UpstreamRefused(
        message[:MESSAGE_LIMIT],
        status=status,
        code=code_of(kind, message, status),
        body=body,
        format="anthropic_messages",
        headers=headers,
    )


def parse_error_value(value: Any, body: bytes) -> UpstreamRefused:
    """An error that came under status 200: its type says which status it stands for."""
    message, kind = describe(value)
    status = status_of(kind)
    return UpstreamRefused(
        (message or "The provider reported an error")[:MESSAGE_LIMIT],
        status=status,
        code=code_of(kind, message, status),
        body=body,
        format="anthropic_messages",
    )


def status_of(kind: str | None) -> int:
    if kind and kind.isdecimal() and len(kind) == 3 and 400 <= int(kind) <= 599:
        return int(kind)
    return _STATUS_OF_TYPE.get(kind or "", 502)


def code_of(kind: str | None, message: str, status: int) -> str | None:
    """A code that every format knows, where the error is of a kind that clients act upon; else the type."""
    if status in (400, 413, 422) and _TOO_LONG.search(message):
        return CONTEXT_EXCEEDED
    if "credit balance is too low" in message:
        return "insufficient_quota"
    if kind == "not_found_error" and "model" in message.lower():
        return "model_not_found"
    return _CODES.get(kind or "", kind)


def describe(value: Any) -> tuple[str, str | None]:
    """(message, type) of Anthropic's error object and of what imitators send in its place."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return (value if isinstance(value, str) else ""), None
    error = value.get("error")
    if isinstance(error, str):
        return error, _word(value.get("code"))
    source = error if isinstance(error, dict) else value
    for key in ("message", "detail", "msg"):
        if isinstance(source.get(key), str):
            kind = source.get("type")
            return source[key], _word(kind if kind not in (None, "error") else source.get("code"))
    return "", _word(source.get("type"))


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _plain_text(body: bytes, status: int) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    if not text or text.startswith("<"):
        return f"The provider answered with status {status}"
    return text
