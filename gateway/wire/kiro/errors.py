"""Errors of AWS's services, `{message, reason, __type}`, under a status or in the middle of a stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.wire import json
from omniroute.errors import InvalidRequest, UpstreamRefused
from omniroute.types import JSONDict

NAME = "kiro"
_STATUS = {
    "ThrottlingException": 429,
    "ServiceQuotaExceededException": 429,
    "LimitExceededException": 429,
    "ValidationException": 400,
    "ConflictException": 409,
    "AccessDeniedException": 403,
    "UnauthorizedException": 401,
    "ExpiredTokenException": 401,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "ModelNotReadyException": 503,
    "InternalServerException": 500,
}
"""What an exception within a stream would have been under."""
_CODES = {
    "CONTENT_LENGTH_EXCEEDS_THRESHOLD": "context_length_exceeded",
    "MONTHLY_REQUEST_COUNT": "insufficient_quota",
    "DAILY_REQUEST_COUNT": "insufficient_quota",
    "OVERAGE_REQUEST_LIMIT_EXCEEDED": "insufficient_quota",
    "INSUFFICIENT_MODEL_CAPACITY": "overloaded",
    "ThrottlingException": "rate_limit_exceeded",
    "ServiceQuotaExceededException": "insufficient_quota",
    "AccessDeniedException": "permission_denied",
    "UnauthorizedException": "invalid_api_key",
    "ExpiredTokenException": "invalid_api_key",
    "ValidationException": "invalid_request",
}
"""A reason, or else an exception, in the gateway's words; any other is kept in lower case."""
_TOO_LONG = re.compile(r"input is too long|content length exceeds", re.IGNORECASE)
_LIMIT = 2000


def parse_error(status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamRefused:
    error = _object(body)
    said = _text(error, "message", "Message", "errorMessage") or _plain(body, status)
    kind = _kind(error, headers.get("x-amzn-errortype", ""))
    return UpstreamRefused(
        said[:_LIMIT],
        status=status,
        code=_code(said, _text(error, "reason"), kind, status),
        body=body,
        format=NAME,
        headers=headers,
    )


def parse_exception(kind: str, payload: bytes) -> UpstreamRefused:
    """What came in the middle of a stream: the exception's own name says which status it stands for."""
    error = _object(payload)
    kind = kind or _kind(error, "")
    refused = parse_error(_STATUS.get(kind, 502), payload, {"x-amzn-errortype": kind})
    if not error:
        refused.message = kind or "The provider reported an error"
    return refused


def _code(said: str, reason: str, kind: str, status: int) -> str:
    if _TOO_LONG.search(said):
        return "context_length_exceeded"
    word = reason or kind
    known = _CODES.get(reason) or _CODES.get(kind if not reason else "")
    return known or (word.lower() if word else "upstream_error" if status >= 500 else "upstream_refused")


def _kind(error: JSONDict, header: str) -> str:
    """`com.amazon.kiro#ThrottlingException`, `ThrottlingException:http://…` -> ThrottlingException"""
    name = _text(error, "__type", "code") or header
    return name.rpartition("#")[2].partition(":")[0]


def _object(body: bytes) -> JSONDict:
    try:
        value = json.loads(body)
    except InvalidRequest:
        return {}
    return value if isinstance(value, dict) else {}


def _text(error: JSONDict, *names: str) -> str:
    values: list[Any] = [error.get(name) for name in names]
    return next((value for value in values if isinstance(value, str) and value), "")


def _plain(body: bytes, status: int) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    return text if text and not text.startswith(("<", "{")) else f"The provider answered with status {status}"
