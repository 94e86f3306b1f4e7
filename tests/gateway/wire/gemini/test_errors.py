"""Google's errors, both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.gemini import Gemini
from omniroute.errors import GatewayError

GEMINI = Gemini()


def parse(error, status=400, headers=None):
    body = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    return GEMINI.parse_error(status, body, headers or {})


def detail(kind, **fields):
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ({"message": "m", "status": "INVALID_ARGUMENT"}, 400, "invalid_request"),
        (
            {"message": "m", "details": [detail("ErrorInfo", reason="API_KEY_INVALID")]},
            400,
            "invalid_api_key",
        ),
        ({"message": "m", "status": "UNAUTHENTICATED"}, 401, "invalid_api_key"),
        ({"message": "models/x is not found", "status": "NOT_FOUND"}, 404, "model_not_found"),
        ({"message": "m", "status": "RESOURCE_EXHAUSTED"}, 429, "rate_limit_exceeded"),
        ({"message": "m", "status": "UNAVAILABLE"}, 503, "overloaded"),
        ({"message": "m", "status": "SOMETHING_NEW"}, 418, "something_new"),
        (
            {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."},
            400,
            "context_length_exceeded",
        ),
    ],
)
def test_codes_come_in_the_gateways_words(error, status, code):
    refused = parse(error, status)
    assert (refused.status, refused.code, refused.message) == (status, code, error["message"])
    assert refused.format == "gemini"


@pytest.mark.parametrize(
    ("error", "headers", "seconds"),
    [
        ({"message": "m", "details": [detail("RetryInfo", retryDelay="26.4s")]}, {}, 26.4),
        ({"message": "Please retry in 12.5s."}, {}, 12.5),
        ({"message": "Please retry in 250ms."}, {}, 0.25),
        ({"message": "m"}, {"retry-after": "7"}, 7.0),
        ({"message": "m"}, {}, None),
        ({"message": "m", "details": "odd"}, {}, None),
    ],
)
def test_it_reads_when_to_come_back(error, headers, seconds):
    assert parse(error, 429, headers).retry_after == seconds


def test_a_daily_quota_has_no_short_delay():
    quota = detail("QuotaFailure", violations=[{"quotaId": "GenerateRequestsPerDayPerProject"}])
    refused = parse({"message": "m", "details": [quota, detail("RetryInfo", retryDelay="3s")]}, 429)
    assert (refused.code, refused.retry_after) == ("insufficient_quota", None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'[{"error": {"message": "in a list"}}]', "in a list"),
        (b'{"error": "a word"}', "a word"),
        (b'{"message": "flat"}', "flat"),
        (b"plain words", "plain words"),
        (b"<html>", "The provider answered with status 500"),
        (b"", "The provider answered with status 500"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_it_always_says_something(body, message):
    assert parse(body, 500).message == message


@given(st.binary(), st.integers(400, 599))
def test_no_body_makes_it_fail(body, status):
    assert parse(body, status).message


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (402, "FAILED_PRECONDITION"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ABORTED"),
        (413, "INVALID_ARGUMENT"),
        (418, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (502, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (529, "UNAVAILABLE"),
        (599, "INTERNAL"),
    ],
)
def test_errors_have_googles_shape(status, word):
    assert GEMINI.emit_error(GatewayError("m", status=status)) == {
        "error": {"code": status, "message": "m", "status": word}
    }


def test_the_delay_comes_out_as_it_went_in():
    emitted = GEMINI.emit_error(GatewayError("m", status=429, retry_after=26.5))
    assert emitted["error"]["details"][0]["retryDelay"] == "26.5s"
    assert parse(emitted["error"], 429).retry_after == 26.5


def test_a_stream_error_is_one_event():
    assert GEMINI.emit_stream_error(GatewayError("m")) == (
        b'data: {"error":{"code":500,"message":"m","status":"INTERNAL"}}\n\n'
    )
