"""Errors of Chat Completions: every provider's shape (docs/protocol-notes.md, Error bodies), and OpenAI's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.wire import json
from gateway.wire.sse import encode
from omniroute.errors import GatewayError, InvalidRequest, UpstreamRefused
from omniroute.types import JSONDict

_TYPES: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "timeout",
    409: "conflict",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "server_error",
    504: "timeout",
    529: "overloaded",
}
"""docs/protocol-notes.md, Errors."""
_STATUS_OF_CODE: dict[str, int] = {
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "1002": 429,  # MiniMax base_resp
    "1004": 401,
    "1008": 402,
    "1039": 429,
    "2013": 400,
    "1113": 402,  # GLM
    "1302": 429,
    "1303": 429,
    "1305": 429,
    "1304": 429,
    "1308": 429,
    "1310": 429,
}
"""For errors that come under status 200."""
MESSAGE_LIMIT = 2000


def emit_error(error: GatewayError) -> JSONDict:
    kind = _TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.code}}


def emit_stream_error(error: GatewayError) -> bytes:
    """Without `[DONE]`, which would pass for a normal end."""
    return encode(json.dumps(emit_error(error)))


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
    try:
        value = json.loads(body)
    except InvalidRequest:
        value = None
    message, code, param = _describe(value)
    if not message:
        message = _plain_text(body, status)
    return UpstreamRefused(
        message[:MESSAGE_LIMIT],
        status=status,
        code=code,
        param=param,
        body=body,
        format="openai_chat",
        headers=headers,
    )


def parse_error_value(error: msgspec.Raw | bytes) -> UpstreamRefused:
    """An error object that came under status 200: its own code says which status it stands for."""
    try:
        value = json.loads(error)
    except InvalidRequest:
        value = None
    message, code, param = _describe({"error": value})
    status = _STATUS_OF_CODE.get(code or "", 502)
    if isinstance(value, dict) and status == 502:
        number = value.get("code") if isinstance(value.get("code"), int) else value.get("status")
        status = number if isinstance(number, int) and 400 <= number <= 599 else 502
    body = b'{"error":' + bytes(error) + b"}"
    return UpstreamRefused(
        (message or "The provider reported an error")[:MESSAGE_LIMIT],
        status=status,
        code=code,
        param=param,
        body=body,
        format="openai_chat",
    )


def _describe(value: Any) -> tuple[str, str | None, str | None]:
    """(message, code, param) out of the shapes that providers use."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return (value if isinstance(value, str) else ""), None, None
    error = value.get("error") or value.get("base_resp")
    if isinstance(error, str) and error:
        return error, _word(value.get("code")), None
    if isinstance(error, dict):
        value = error
    if isinstance(value.get("detail"), list):
        return _join_details(value["detail"])
    for key in ("message", "detail", "status_msg", "error", "title"):
        if isinstance(value.get(key), str):
            code = value.get("code") or value.get("status_code") or value.get("status") or value.get("type")
            return value[key], _word(code), _word(value.get("param"))
    return "", None, None


def _join_details(details: list[Any]) -> tuple[str, str | None, str | None]:
    """FastAPI's and Mistral's 422: [{loc, msg, type}]."""
    known = [detail for detail in details if isinstance(detail, dict)]
    return "; ".join(map(_one_detail, known)), _word(known[0].get("type")) if known else None, None


def _one_detail(detail: JSONDict) -> str:
    place, said = detail.get("loc"), str(detail.get("msg") or "")
    path = ".".join(map(str, place)) if isinstance(place, list) else ""
    return f"{path}: {said}" if path else said


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _plain_text(body: bytes, status: int) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    if not text or text.startswith("<"):
        return f"The provider answered with status {status}"
    return text
