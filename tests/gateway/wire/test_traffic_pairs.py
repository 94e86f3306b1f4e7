"""Recorded answers in every other vendor's format: its own SDK reads them, and they say what the recording says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gateway.wire import FORMATS, get_format, ir
from gateway.wire.sse import DONE, Decoder
from omniroute.errors import GatewayError
from tests import services
from tests.gateway.wire.openai_responses.sdk import check_response, events_of
from tests.gateway.wire.test_pairs import outline

pytestmark = pytest.mark.traffic

SPELT = {"anthropic": "anthropic_messages"}
"""Formats whose name in the recordings is another."""


@cache
def load(path: Path) -> ir.Response:
    """Raise `GatewayError` or `BrokenStream` for an error, or an answer that was cut."""
    record = json.loads(path.read_text())
    format = get_format(SPELT.get(record["format"], record["format"]))
    response = record["response"]
    if "body" in response and not isinstance(response["body"], list):
        return format.parse_response(response["body"])
    parser, array = format.stream_parser(), "body" in response
    raw = json.dumps(response["body"]) if array else response["body_text"]
    decoder = format.decoder(array)
    events = [*decoder.feed(raw.encode()), *decoder.flush()]
    return ir.fold([*[made for event in events for made in parser.feed(event)], *parser.close()])


def _is_one_answer(path: Path) -> bool:
    """Whether it is one answer, whole, of which all tells. The others' tests are those of each format."""
    try:
        response = load(path)
    except (GatewayError, ir.BrokenStream):
        return False
    return len(response.candidates) == 1 and response.usage is not None


def _pairs() -> list[Any]:
    """Good answers of the four formats with each other client, or one that is left out where there are none."""
    kept = []
    for path in sorted(services.traffic_dir().glob("*.json")):
        record = json.loads(path.read_text())
        name = SPELT.get(record["format"], record["format"])
        if name in FORMATS and record["response"]["status"] < 400 and _is_one_answer(path):
            kept += [pytest.param(path, one, id=f"{path.stem}-{one}") for one in FORMATS if one != name]
    return kept or [pytest.param(None, "", id="none")]


PAIRS = pytest.mark.parametrize(("path", "client"), _pairs())


def said(response: ir.Response, client: str) -> dict[str, object]:
    """What every format can say. Claude's has no count of thoughts; Gemini's and Responses' texts may be several."""
    usage = response.usage
    thoughts = usage.reasoning_tokens if usage and client != "anthropic_messages" else None
    return {**outline(response), "thought tokens": thoughts}


@cache
def _types(client: str, part: str) -> TypeAdapter[Any]:
    import anthropic.types
    import google.genai.types
    import openai.types.chat

    kinds: dict[tuple[str, str], Any] = {
        ("openai_chat", "whole"): openai.types.chat.ChatCompletion,
        ("openai_chat", "event"): openai.types.chat.ChatCompletionChunk,
        ("anthropic_messages", "whole"): anthropic.types.Message,
        ("anthropic_messages", "event"): anthropic.types.RawMessageStreamEvent,
        ("gemini", "whole"): google.genai.types.GenerateContentResponse,
        ("gemini", "event"): google.genai.types.GenerateContentResponse,
    }
    return TypeAdapter(kinds[client, part])


def check_stream(client: str, stream: bytes) -> None:
    if client == "openai_responses":
        events_of(stream)
        return
    decoder = Decoder()
    events = [*decoder.feed(stream), *decoder.flush()]
    assert (events[-1].data == DONE) == (client == "openai_chat")
    for event in events:
        if event.data and event.data != DONE:
            _types(client, "event").validate_json(event.data)


@PAIRS
def test_a_recorded_answer_says_the_same_to_every_other_client(path, client):
    response, format = load(path), get_format(client)
    body = json.loads(json.dumps(format.emit_response(response, ir.Request("m", [], include_usage=True))))
    if client == "openai_responses":
        check_response(body)
    else:
        _types(client, "whole").validate_json(json.dumps(body))
    assert said(format.parse_response(body), client) == said(response, client)


@PAIRS
def test_a_recorded_answer_streams_the_same_to_every_other_client(path, client):
    response, format = load(path), get_format(client)
    emitter = format.stream_emitter(ir.Request("m", [], stream=True, include_usage=True))
    stream = b"".join(emitter.emit(event) for event in ir.unfold(response)) + emitter.close()
    check_stream(client, stream)
    parser, decoder = format.stream_parser(), Decoder()
    events = [made for event in [*decoder.feed(stream), *decoder.flush()] for made in parser.feed(event)]
    assert said(ir.fold([*events, *parser.close()]), client) == said(response, client)
