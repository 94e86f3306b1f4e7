"""Recorded traffic of Gemini: nothing is lost on a round trip, however a stream is cut."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateway.wire import ir, sse
from gateway.wire.base import ModelProfile
from gateway.wire.gemini import Gemini, array
from tests.services import traffic_dir

pytestmark = pytest.mark.traffic
GEMINI = Gemini()
NOT_THERE = pytest.param(None, id="none")
CUTS = 200
"""At most so many positions are tried in one stream."""


def recordings() -> list[Any]:
    """Where there are none, one case is left for the `traffic` marker to skip with its reason."""
    found = [json.loads(path.read_text()) for path in sorted(traffic_dir().rglob("gemini*.json"))]
    return [pytest.param(record, id=record["id"]) for record in found] or [NOT_THERE]


def request_of(record):
    model = re.search(r"/models/([^:/?]+):", record["request"]["url"])
    assert model is not None
    return GEMINI.parse_request(record["request"]["body"], model[1], record["stream"])


def stream_of(record) -> bytes | None:
    reply = record["response"]
    if isinstance(reply.get("body"), list):
        return json.dumps(reply["body"], ensure_ascii=False).encode()
    return reply["body_text"].encode() if "body_text" in reply else None


def events_of(stream: bytes, cut: int):
    decoder = array.Decoder() if stream.lstrip().startswith(b"[") else sse.Decoder()
    parser = GEMINI.stream_parser()
    events = []
    for event in decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) + decoder.flush():
        events += parser.feed(event)
    return events + parser.close()


@pytest.mark.parametrize("record", recordings())
def test_requests_come_back_by_value(record):
    request = request_of(record)
    assert GEMINI.emit_request(request, ModelProfile(model=request.model)) == record["request"]["body"]


@pytest.mark.parametrize("record", recordings())
def test_answers_come_back_by_value(record):
    body = record["response"].get("body")
    if record["response"]["status"] >= 400:
        refused = GEMINI.parse_error(record["response"]["status"], json.dumps(body).encode(), {})
        assert refused.message == body["error"]["message"]
    elif isinstance(body, dict):
        response = GEMINI.parse_response(body)
        assert GEMINI.emit_response(response, request_of(record)) == body
        assert ir.fold(ir.unfold(response)) == response


@pytest.mark.parametrize("record", recordings())
def test_streams_say_the_same_however_they_are_cut(record):
    stream = stream_of(record)
    if stream is None or record["response"]["status"] >= 400:
        return
    whole = events_of(stream, 0)
    assert isinstance(whole[0], ir.Started)
    for cut in range(1, len(stream), max(1, len(stream) // CUTS)):
        assert events_of(stream, cut) == whole


@pytest.mark.parametrize("record", recordings())
def test_streams_keep_their_meaning(record):
    stream = stream_of(record)
    if stream is None or record["response"]["status"] >= 400:
        return
    events = events_of(stream, 0)
    emitter = GEMINI.stream_emitter(request_of(record))
    written = b"".join(emitter.emit(event) for event in events) + emitter.close()
    before, after = ir.fold(events), ir.fold(events_of(written, 0))
    assert after.usage == before.usage
    assert [candidate.parts for candidate in after.candidates] == [c.parts for c in before.candidates]
    assert [c.finish_reason for c in after.candidates] == [c.finish_reason for c in before.candidates]
