import pytest

from gateway.wire import json
from omniroute.errors import InvalidRequest, UpstreamRefused, UpstreamTimeout
from tests.gateway.wire.openai_responses.sdk import FORMAT, check_response, server_events


def test_an_error_has_openais_shape():
    error = FORMAT.emit_error(InvalidRequest("Bad", param="input", code="invalid_value"))
    assert error == {
        "error": {
            "message": "Bad",
            "type": "invalid_request_error",
            "param": "input",
            "code": "invalid_value",
        }
    }


def test_a_provider_error_keeps_its_body_for_this_format():
    body = b'{"error":{"message":"no","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}'
    error = FORMAT.parse_error(400, body, {})
    assert (error.status, error.code, error.param, error.message) == (
        400,
        "context_length_exceeded",
        "input",
        "no",
    )
    assert (error.format, error.body) == ("openai_responses", body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b"null", b'{"detail":"x"}'])
def test_any_error_body_says_something(body):
    assert FORMAT.parse_error(500, body, {}).message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamTimeout("late"), "server_error"),
        (UpstreamRefused("slow", status=429), "rate_limit_exceeded"),
        (UpstreamRefused("long", status=400, code="context_length_exceeded"), "context_length_exceeded"),
    ],
)
def test_in_band_an_error_is_a_failed_response(error, code):
    (event,) = server_events(FORMAT.emit_stream_error(error))
    value = json.loads(event.data)
    assert (event.name, value["type"]) == (b"response.failed", "response.failed")
    assert (value["response"]["status"], value["response"]["error"]) == (
        "failed",
        {"code": code, "message": error.message},
    )
    assert isinstance(value["sequence_number"], int)
    if code != "context_length_exceeded":  # which Codex looks for, and the SDK's types do not list
        check_response(value["response"])
