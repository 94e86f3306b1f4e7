"""Errors of Google's APIs: `{error: {code, message, status, details}}`, alone or in a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.wire import json
from gateway.wire.sse import encode
from omniroute.errors import GatewayError, InvalidRequest, UpstreamRefused
from omniroute.types import JSONDict

_STATUS: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
"""docs/protocol-notes.md, Errors."""
_HTTP: dict[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_CODES: dict[str, str] = {
    "API_KEY_INVALID": "invalid_api_key",
    "API_KEY_EXPIRED": "invalid_api_key",
    "ACCESS_TOKEN_EXPIRED": "invalid_api_key",
    "UNAUTHENTICATED": "invalid_api_key",
    "PERMISSION_DENIED": "permission_denied",
    "RESOURCE_EXHAUSTED": "rate_limit_exceeded",
    "INVALID_ARGUMENT": "invalid_request",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
    "INTERNAL": "server_error",
}
"""A detail's reason, or a status, in the gateway's words; any other is kept in lower case."""
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_DELAY = re.compile(r"^(\d+(?:\.\d+)?)s$")
_RETRY_IN = re.compile(r"retry in (\d+(?:\.\d+)?)(ms|s)", re.IGNORECASE)
_TOO_LONG = re.compile(r"token count.{0,40}exceeds|exceeds the maximum number of tokens", re.IGNORECASE)
MESSAGE_LIMIT = 2000


def emit_error(error: GatewayError) -> JSONDict:
    status = _STATUS.get(error.status, "INTERNAL" if error.status >= 500 else "INVALID_ARGUMENT")
    body: JSONDict = {"code": error.status, "message": error.message, "status": status}
    if error.retry_after is not None:
        body["details"] = [{"@type": _RETRY_INFO, "retryDelay": f"{max(0.0, error.retry_after):g}s"}]
    return {"error": body}


def emit_stream_error(error: GatewayError) -> bytes:
    return encode(json.dumps(emit_error(error)))


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
    try:
        value = json.loads(body)
    except InvalidRequest:
        value = None
    error = _error_object(value)
    message = error.get("message")
    return UpstreamRefused(
        (message if isinstance(message, str) and message else _plain_text(value, body, status))[
            :MESSAGE_LIMIT
        ],
        status=status,
        code=_code(error, status),
        retry_after=_retry_after(error, headers),
        body=body,
        format="gemini",
        headers=headers,
    )


def parse_error_value(error: bytes) -> UpstreamRefused:
    """An error object that came under status 200: its own code says which status it stands for."""
    try:
        value = json.loads(error)
    except InvalidRequest:
        value = None
    fields = value if isinstance(value, dict) else {}
    code = fields.get("code")
    status = code if isinstance(code, int) and 400 <= code <= 599 else 0
    refused = parse_error(
        status or _HTTP.get(str(fields.get("status")), 502), b'{"error":' + bytes(error) + b"}", {}
    )
    if not isinstance(fields.get("message"), str):
        refused.message = value if isinstance(value, str) else "The provider reported an error"
    return refused


def _error_object(value: Any) -> JSONDict:
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return {}
    error = value.get("error", value)
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _details(error: JSONDict) -> list[JSONDict]:
    details = error.get("details")
    return [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []


def _code(error: JSONDict, status: int) -> str:
    if _TOO_LONG.search(str(error.get("message") or "")):
        return "context_length_exceeded"
    if "PerDay" in _quota_ids(error):
        return "insufficient_quota"
    reasons = [str(detail["reason"]) for detail in _details(error) if isinstance(detail.get("reason"), str)]
    word = next((reason for reason in reasons if reason in _CODES), None)
    word = word or str(error.get("status") or _STATUS.get(status, "INTERNAL"))
    if word == "NOT_FOUND" and "models/" in str(error.get("message")):
        return "model_not_found"
    return _CODES.get(word, word.lower())


def _quota_ids(error: JSONDict) -> str:
    found = []
    for detail in _details(error):
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict):
                found.append(str(violation.get("quotaId") or ""))
    return " ".join(found)


def _retry_after(error: JSONDict, headers: Mapping[str, str]) -> float | None:
    """Seconds. A daily quota has none: Google names a short delay for it, which is wrong."""
    if "PerDay" in _quota_ids(error):
        return None
    for detail in _details(error):
        found = _DELAY.match(str(detail.get("retryDelay") or ""))
        if found:
            return float(found[1])
    said = _RETRY_IN.search(str(error.get("message") or ""))
    if said:
        return float(said[1]) / (1000 if said[2].lower() == "ms" else 1)
    header = headers.get("retry-after", "")
    return float(header) if header.isdecimal() else None


def _plain_text(value: Any, body: bytes, status: int) -> str:
    if isinstance(value, str) and value:
        return value
    text = body[:400].decode("utf-8", "replace").strip()
    if not text or text.startswith("<"):
        return f"The provider answered with status {status}"
    return text
