from __future__ import annotations

import pytest

from gateway.wire import json
from gateway.wire.kiro.errors import parse_error, parse_exception


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            {"message": "Input is too long.", "reason": "CONTENT_LENGTH_EXCEEDS_THRESHOLD"},
            "context_length_exceeded",
        ),
        (
            400,
            {"message": "Improperly formed request.", "reason": "REQUEST_BODY_INVALID"},
            "request_body_invalid",
        ),
        (402, {"message": "Limit reached", "reason": "MONTHLY_REQUEST_COUNT"}, "insufficient_quota"),
        (
            429,
            {"message": "Too many requests", "reason": "USER_REQUEST_RATE_EXCEEDED"},
            "user_request_rate_exceeded",
        ),
        (403, {"__type": "com.amazon.aws#AccessDeniedException", "message": "no"}, "permission_denied"),
        (400, {"__type": "ValidationException", "Message": "bad"}, "validationexception"),
    ],
)
def test_reasons_become_codes(status: int, body: dict[str, str], code: str) -> None:
    refused = parse_error(status, json.dumps(body), {})
    assert refused.status == status
    assert refused.message in body.values()
    if code != "validationexception":
        assert refused.code == code


def test_the_type_may_be_in_a_header() -> None:
    refused = parse_error(429, b"{}", {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/"})
    assert refused.code == "rate_limit_exceeded"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff\xfe", b'{"message": 7}', b"Bad Gateway"])
def test_a_body_of_any_kind_says_something(body: bytes) -> None:
    assert parse_error(502, body, {}).message


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ThrottlingException", 429),
        ("AccessDeniedException", 403),
        ("ModelNotReadyException", 503),
        ("Odd", 502),
    ],
)
def test_an_exception_in_a_stream_stands_for_a_status(kind: str, status: int) -> None:
    assert parse_exception(kind, b'{"message":"so"}').status == status
    assert parse_exception(kind, b"").message == kind
