import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.errors import (
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    NoTargetAvailable,
    RequestTooLarge,
    Unauthorized,
    UpstreamRefused,
    UpstreamTimeout,
)
from omniroute.types import JSONDict
from tests.gateway.wire.anthropic_messages.made_up import FORMAT


def parse(status: int, body: object, headers: dict[str, str] | None = None) -> UpstreamRefused:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return FORMAT.parse_error(status, raw, headers or {})


def said(kind: str, message: str) -> JSONDict:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (Unauthorized("x"), "authentication_error"),
        (ModelNotFound("x"), "not_found_error"),
        (RequestTooLarge("x"), "request_too_large"),
        (NoTargetAvailable("x"), "overloaded_error"),
        (UpstreamTimeout("x"), "timeout_error"),
        (GatewayError("x"), "api_error"),
        (GatewayError("x", status=402), "billing_error"),
        (GatewayError("x", status=403), "permission_error"),
        (GatewayError("x", status=403, code="insufficient_quota"), "billing_error"),
        (GatewayError("x", status=418), "invalid_request_error"),
        (GatewayError("x", status=429), "rate_limit_error"),
        (GatewayError("x", status=529), "overloaded_error"),
        (GatewayError("x", status=502), "api_error"),
    ],
)
def test_each_status_has_its_type(error, kind):
    assert FORMAT.emit_error(error) == {
        "type": "error",
        "error": {"type": kind, "message": "x"},
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "prompt is too long: 210000 tokens > 200000 maximum",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
        (
            "The maximum context length is 128,000 tokens. Your messages resulted in 130,001 tokens.",
            "prompt is too long: 130001 tokens > 128000 maximum",
        ),
        (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "prompt is too long: 1200000 tokens > 1048576 maximum",
        ),
        (
            "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
            "prompt is too long: 9000 tokens > 8192 maximum",
        ),
        (
            "Your input exceeds the context window of this model.",
            "prompt is too long: Your input exceeds the context window of this model.",
        ),
    ],
)
def test_a_prompt_that_is_too_long_is_told_in_the_words_that_claude_code_reads(message, shown):
    refused = UpstreamRefused(message, status=400, code="context_length_exceeded")
    assert FORMAT.emit_error(refused)["error"] == {"type": "invalid_request_error", "message": shown}


def test_other_errors_keep_their_words():
    error = GatewayError("maximum context length is 5", status=500)
    assert FORMAT.emit_error(error)["error"]["message"] == "maximum context length is 5"


def test_the_vendors_request_id_is_passed_on():
    refused = parse(500, said("api_error", "x"), {"request-id": "req_9"})
    assert FORMAT.emit_error(refused)["request_id"] == "req_9"


def test_an_error_in_the_stream_has_its_event_and_no_end():
    raw = FORMAT.emit_stream_error(NoTargetAvailable("all down"))
    assert raw.startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"')
    assert raw.endswith(b"\n\n")
    assert b"message_stop" not in raw


@pytest.mark.parametrize(
    ("status", "body", "message", "code"),
    [
        (401, said("authentication_error", "invalid x-api-key"), "invalid x-api-key", "invalid_api_key"),
        (404, said("not_found_error", "model: claude-9"), "model: claude-9", "model_not_found"),
        (404, said("not_found_error", "Not found"), "Not found", "not_found_error"),
        (429, said("rate_limit_error", "Slow"), "Slow", "rate_limit_exceeded"),
        (529, said("overloaded_error", "Overloaded"), "Overloaded", "overloaded"),
        (400, said("invalid_request_error", "bad"), "bad", "invalid_request_error"),
        (
            400,
            said("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"),
            "prompt is too long: 2 tokens > 1 maximum",
            "context_length_exceeded",
        ),
        (
            400,
            said("invalid_request_error", "Your credit balance is too low to access the API."),
            "Your credit balance is too low to access the API.",
            "insufficient_quota",
        ),
        (401, {"error": {"message": "no key", "code": 1004}}, "no key", "1004"),
        (500, {"error": "broken"}, "broken", "upstream_refused"),
        (422, {"detail": "missing"}, "missing", "upstream_refused"),
        (500, {"type": "error", "msg": "odd"}, "odd", "upstream_refused"),
        (502, b"<html>bad gateway</html>", "The provider answered with status 502", "upstream_refused"),
        (503, b"try later", "try later", "upstream_refused"),
        (500, b"", "The provider answered with status 500", "upstream_refused"),
        (500, [], "[]", "upstream_refused"),
        (500, said("9" * 5000, "odd"), "odd", "9" * 5000),
    ],
)
def test_a_providers_error_is_put_into_words(status, body, message, code):
    refused = parse(status, body)
    assert (refused.status, refused.message, refused.code) == (status, message, code)
    assert refused.format == "anthropic_messages"


def test_the_body_is_kept_for_clients_of_the_same_format():
    assert parse(400, b'{"type":"error"}').body == b'{"type":"error"}'


def test_a_long_message_is_cut():
    assert len(parse(500, said("api_error", "x" * 9000)).message) == 2000


@settings(deadline=None)
@given(st.integers(400, 599), st.binary(max_size=60))
def test_any_bytes_are_an_error(status, body):
    refused = parse(status, body)
    assert refused.message
    assert FORMAT.emit_error(refused)["type"] == "error"
