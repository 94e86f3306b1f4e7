"""Recorded traffic of real providers, where it is at hand (OMNIROUTE_TRAFFIC_DIR)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.wire import ir, json
from gateway.wire.base import ModelProfile
from gateway.wire.openai_responses.tap import ResponsesTap
from gateway.wire.sse import Decoder
from tests.gateway.wire.openai_responses.sdk import FORMAT, ask, events_of, server_events

pytestmark = pytest.mark.traffic
PROJECT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("OMNIROUTE_TRAFFIC_DIR", PROJECT.parent / "shared" / "traffic"))
MAX_CUTS = 400


def _recordings() -> list[dict[str, Any]]:
    if not FOLDER.is_dir():
        return []
    found = [json.loads(path.read_bytes()) for path in sorted(FOLDER.rglob("*responses*.json"))]
    return [record for record in found if record["format"] == "openai_responses"]


RECORDINGS = _recordings()
REQUESTS = [record for record in RECORDINGS if isinstance(record["request"].get("body"), dict)]
ANSWERED = [record for record in RECORDINGS if record["response"]["status"] < 400]
REPLIES = [record for record in ANSWERED if isinstance(record["response"].get("body"), dict)]
STREAMS = [record for record in ANSWERED if "sse" in record["features"]]
WHOLE_STREAMS = [record for record in STREAMS if "stream_cut" not in record["features"]]
ERRORS = [record for record in RECORDINGS if record["response"]["status"] >= 400]


def each(records: list[dict[str, Any]]) -> Any:
    if not records:
        skip = pytest.mark.skip(reason=f"no recorded Responses traffic in {FOLDER}")
        return pytest.mark.parametrize("record", [pytest.param({}, marks=skip)])
    return pytest.mark.parametrize("record", records, ids=[record["id"] for record in records])


def parse(stream: bytes) -> list[ir.Event]:
    parser = FORMAT.stream_parser()
    return [found for event in server_events(stream) for found in parser.feed(event)] + parser.close()


def text_of(record: dict[str, Any]) -> bytes:
    return str(record["response"]["body_text"]).encode()


@each(REQUESTS)
def test_a_recorded_request_comes_back_equal(record):
    body = record["request"]["body"]
    request = FORMAT.parse_request(body, body["model"], bool(body.get("stream")))
    assert FORMAT.emit_request(request, ModelProfile()) == body


@each(REPLIES)
def test_a_recorded_reply_comes_back_equal(record):
    body = record["response"]["body"]
    response = FORMAT.parse_response(body)
    assert FORMAT.emit_response(response, ask()) == body
    assert ir.fold(ir.unfold(response)) == response
    assert FORMAT.inspect(json.dumps(body)).usage == response.usage


@each(WHOLE_STREAMS)
def test_a_recorded_stream_says_what_its_end_says(record):
    stream = text_of(record)
    folded = ir.fold(parse(stream))
    whole = FORMAT.parse_response(
        next(value["response"] for event in server_events(stream) if is_end(value := json.loads(event.data)))
    )
    assert [brief(part) for part in folded.candidates[0].parts] == [
        brief(part) for part in whole.candidates[0].parts
    ]
    assert folded.candidates[0].finish_reason == whole.candidates[0].finish_reason
    assert (folded.id, folded.model, folded.usage) == (whole.id, whole.model, whole.usage)


def is_end(value: dict[str, Any]) -> bool:
    return value["type"] in ("response.completed", "response.incomplete")


def brief(part: ir.Part) -> tuple[str, ...]:
    """Without `encrypted_content`, which the vendor encrypts anew for each event."""
    match part:
        case ir.Text() | ir.Refusal() | ir.Reasoning():
            return type(part).__name__, part.text
        case ir.ToolCall():
            return part.kind, part.id, part.name, part.arguments
        case ir.Unknown():
            return "Unknown", part.type
        case _:
            return (type(part).__name__,)


@each(STREAMS)
def test_a_recorded_stream_is_the_same_however_it_is_cut(record):
    stream = text_of(record)
    whole = server_events(stream)
    for cut in range(1, len(stream), max(1, len(stream) // MAX_CUTS)):
        decoder = Decoder()
        assert [*decoder.feed(stream[:cut]), *decoder.feed(stream[cut:]), *decoder.flush()] == whole


@each(WHOLE_STREAMS)
def test_a_recorded_stream_passes_the_tap(record):
    stream = text_of(record)
    tap = ResponsesTap()
    for event in server_events(stream):
        tap.look(event)
    assert tap.finished
    assert tap.error is None
    assert tap.usage == ir.fold(parse(stream)).usage


@each([*WHOLE_STREAMS, *REPLIES])
def test_a_recorded_answer_is_emitted_in_strict_grammar(record):
    """Without what its own format knows, as the answer of another would be."""
    body = record["response"].get("body")
    events = list(ir.unfold(FORMAT.parse_response(body))) if body else parse(text_of(record))
    emitter = FORMAT.stream_emitter(ask())
    out = []
    for event in events:
        if isinstance(event, ir.PartStarted) and isinstance(event.part, ir.Unknown):
            continue
        for thing in (event, getattr(event, "part", None)):
            if hasattr(thing, "extra"):
                thing.extra = {}
        out.append(emitter.emit(event))
    final = events_of(b"".join(out) + emitter.close())[-1]["response"]
    assert final["status"] in ("completed", "incomplete")


@each(ERRORS)
def test_a_recorded_error_keeps_its_message(record):
    body = record["response"].get("body")
    error = FORMAT.parse_error(record["response"]["status"], json.dumps(body), {})
    assert error.message == body["error"]["message"]
