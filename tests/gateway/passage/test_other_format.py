"""Answers of one format for a client of another: a stream that breaks, a model that does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.edge.inbound import parse
from gateway.passage.base import Ends, Reader
from gateway.passage.other_format import OtherFormat
from gateway.wire import FORMATS, get_format
from gateway.wire.base import ModelProfile
from omniroute.errors import UpstreamBroken, UpstreamError

ASKED: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "anthropic_messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini": {"contents": [{"parts": [{"text": "Hi"}]}]},
    "openai_responses": {"input": "Hi"},
}


def chat(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def gemini(text: str, finish: str | None = None) -> dict[str, Any]:
    parts = [{"text": text}] if text else []
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish}]}


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": 0, **fields}


def response(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": 0, **fields}


BEGUN: dict[str, list[dict[str, Any]]] = {
    "openai_chat": [chat("Hel")],
    "gemini": [gemini("Hel")],
    "anthropic_messages": [
        {"type": "message_start", "message": {"id": "msg_1", "content": [], "usage": {"input_tokens": 5}}},
        block("start", content_block={"type": "text", "text": ""}),
        block("delta", delta={"type": "text_delta", "text": "Hel"}),
    ],
    "openai_responses": [
        response("created", response={"id": "resp_1", "model": "m"}),
        response("output_text.delta", content_index=0, delta="Hel"),
    ],
}
ERRORS: dict[str, dict[str, Any]] = {
    "openai_chat": {"error": {"message": "overloaded", "type": "server_error", "code": 503}},
    "gemini": {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}},
    "anthropic_messages": {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}},
    "openai_responses": response(
        "failed", response={"error": {"code": "server_error", "message": "overloaded"}}
    ),
}
NORMAL_ENDS = (
    '"stop_reason":"',
    '"finishReason":"',
    '"finish_reason":"',
    "[DONE]",
    "message_stop",
    ".completed",
)
PAIRS = [(provider, client) for provider in FORMATS for client in FORMATS if provider != client]
each_pair = pytest.mark.parametrize(("provider", "client"), PAIRS)


def between(provider: str, client: str, stream: bool = True) -> OtherFormat:
    body = json.dumps({"model": "m", **ASKED[client]}).encode()
    asked = parse(body, format=client, path="/", headers={}, model="m", stream=stream)
    return OtherFormat(Ends(asked, get_format(client), get_format(provider), ModelProfile(model="m")))


def through(reader: Reader, data: bytes) -> str:
    return (reader.feed(data) + reader.close()).decode()


def sse(*events: dict[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


@each_pair
@pytest.mark.parametrize("broken", [True, False], ids=["cut", "error"])
def test_a_stream_that_breaks_behind_its_first_word_has_no_normal_end(
    provider: str, client: str, broken: bool
) -> None:
    reader = between(provider, client).reader()
    told = through(reader, sse(*BEGUN[provider], *([] if broken else [ERRORS[provider]])))
    assert "Hel" in told
    assert '"error":{' in told
    assert not any(end in told for end in NORMAL_ENDS)
    assert reader.error is not None


@each_pair
@pytest.mark.parametrize("broken", [True, False], ids=["cut", "error"])
def test_a_stream_that_breaks_before_is_the_next_targets(provider: str, client: str, broken: bool) -> None:
    reader = between(provider, client).reader()
    events = [] if broken else [ERRORS[provider]]
    with pytest.raises(UpstreamError, match=r"ended|overloaded"):
        through(reader, sse(*events))


FAULTS: dict[str, Any] = {
    "gemini": lambda text: gemini(text, "MALFORMED_FUNCTION_CALL"),
    "openai_chat": lambda text: chat(text, "error"),
}
from_faulty = pytest.mark.parametrize(("provider", "client"), [pair for pair in PAIRS if pair[0] in FAULTS])


@from_faulty
def test_a_model_that_breaks_off_before_a_word_has_not_answered(provider: str, client: str) -> None:
    fault = FAULTS[provider]("")
    reader = between(provider, client).reader()
    with pytest.raises(UpstreamBroken):
        through(reader, sse(fault))
    with pytest.raises(UpstreamBroken):
        between(provider, client, stream=False).whole(json.dumps(fault).encode())
    with pytest.raises(UpstreamBroken):
        between(provider, client, stream=False).parse_stream(sse(fault))


@from_faulty
def test_a_model_that_breaks_off_behind_a_word_has_answered(provider: str, client: str) -> None:
    fault = FAULTS[provider]("Hel")
    reader = between(provider, client).reader()
    told = through(reader, sse(fault))
    assert "Hel" in told
    assert reader.error is None
    assert b"Hel" in between(provider, client, stream=False).whole(json.dumps(fault).encode()).body


LOST: dict[str, dict[str, Any]] = {
    "openai_chat": {"logit_bias": {"1": 2}, "reasoning_effort": "low", "tools": []},
    "anthropic_messages": {"context_management": {"edits": []}, "thinking": {"type": "disabled"}},
    "gemini": {"safetySettings": [], "generationConfig": {"maxOutputTokens": 5}},
    "openai_responses": {"truncation": "auto", "store": False, "include": []},
}


@each_pair
def test_what_another_format_has_no_words_for_is_told(provider: str, client: str) -> None:
    body = json.dumps({"model": "m", **ASKED[client], **LOST[client]}).encode()
    asked = parse(body, format=client, path="/", headers={}, model="m", stream=False)
    way = OtherFormat(Ends(asked, get_format(client), get_format(provider), ModelProfile(model="m")))
    way.fields()
    assert way.dropped == (next(iter(LOST[client])),)


@pytest.mark.parametrize("format", FORMATS)
def test_within_one_format_nothing_is_lost(format: str) -> None:
    body = json.dumps({"model": "m", **ASKED[format], **LOST[format]}).encode()
    asked = parse(body, format=format, path="/", headers={}, model="m", stream=False)
    way = OtherFormat(Ends(asked, get_format(format), get_format(format), ModelProfile(model="m")))
    way.fields()
    assert way.dropped == ()
