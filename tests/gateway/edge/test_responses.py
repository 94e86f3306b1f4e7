"""Errors on their way back to the client."""

from __future__ import annotations

import json

import pytest

from gateway.edge.responses import error_response
from gateway.wire import FORMATS, get_format

MISTRAL = {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}


@pytest.mark.parametrize(
    "body", [{"detail": "Invalid API Key"}, MISTRAL, {"error": "nope"}, [{"error": {"message": "x"}}]]
)
def test_a_refusal_in_the_clients_format_is_passed_on_in_the_providers_words(body) -> None:
    chat = get_format("openai_chat")
    answer = error_response(chat, chat.parse_error(401, json.dumps(body).encode(), {}))
    assert (answer.status_code, json.loads(answer.content)) == (401, body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"Unauthorized", b"{}", b"[]", b"null", b'{"a']
)
@pytest.mark.parametrize("name", FORMATS)
def test_what_tells_an_sdk_nothing_becomes_an_error_of_the_clients_format(name, body) -> None:
    format = get_format(name)
    error = format.parse_error(502, body, {})
    answer = error_response(format, error)
    assert answer.status_code == 502
    assert json.loads(answer.content) == json.loads(json.dumps(format.emit_error(error)))
    assert error.message


@pytest.mark.parametrize("client", [name for name in FORMATS if name != "openai_chat"])
def test_a_refusal_of_another_format_is_told_in_the_clients(client) -> None:
    error = get_format("openai_chat").parse_error(422, json.dumps(MISTRAL).encode(), {})
    told = json.loads(error_response(get_format(client), error).content)
    assert "Invalid model: x" in told["error"]["message"]
