"""What providers really sent: every recording is read, and comes back equal or with the same meaning."""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import Any

import pytest

from gateway.wire import get_format, history, ir, tools
from gateway.wire.base import ModelProfile, Seen
from gateway.wire.openai_chat.tap import ChatTap, inspect
from gateway.wire.sse import Decoder
from omniroute.errors import UpstreamRefused
from tests.services import traffic_dir

pytestmark = pytest.mark.traffic
CHAT = get_format("openai_chat")
EVERY_BYTE_UP_TO = 4_000


@cache
def recordings() -> tuple[dict[str, Any], ...]:
    lines = (traffic_dir() / "index.tsv").read_text().splitlines()[1:]
    names = [line.split("\t")[0] for line in lines if line.split("\t")[2] == "openai_chat"]
    assert names
    return tuple(json.loads((traffic_dir() / f"{name}.json").read_text()) for name in names)


def requests() -> list[dict[str, Any]]:
    return [r["request"]["body"] for r in recordings() if isinstance(r["request"].get("body"), dict)]


def streams() -> list[tuple[dict[str, Any], bytes]]:
    return [(r, r["response"]["body_text"].encode()) for r in recordings() if "body_text" in r["response"]]


def parse(*chunks: bytes) -> list[ir.Event]:
    decoder, parser = Decoder(), CHAT.stream_parser()
    blocks = [block for chunk in chunks for block in decoder.feed(chunk)] + decoder.flush()
    return [event for block in blocks for event in parser.feed(block)] + parser.close()


def without_made_up_ids(events: list[ir.Event]) -> list[ir.Event]:
    for event in events:
        if isinstance(event, ir.PartStarted | ir.PartEnded) and isinstance(event.part, ir.ToolCall):
            event.part.id = ""
    return events


def meaning(events: list[ir.Event]) -> list[Any]:
    """Texts, calls and ends, whatever parts they came in."""
    said: list[Any] = []
    for candidate in ir.fold(events).candidates:
        for kind in (ir.Reasoning, ir.Text, ir.Refusal):
            said.append("".join(part.text for part in candidate.parts if isinstance(part, kind)))
        said += [(p.id, p.name, p.arguments) for p in candidate.parts if isinstance(p, ir.ToolCall)]
        said.append(candidate.finish_reason)
    return said


def test_every_request_comes_back_equal():
    for body in requests():
        before = json.dumps(body)
        request = CHAT.parse_request(body, str(body.get("model")), bool(body.get("stream")))
        assert CHAT.emit_request(request, ModelProfile()) == json.loads(before)
        assert json.dumps(body) == before


def test_every_request_can_be_repaired_for_a_strict_format():
    rules = get_format("anthropic_messages").rules
    for body in requests():
        request = CHAT.parse_request(body, "m", False)
        adapted, _ = tools.adapt(request, rules)
        roles = [message.role for message in history.repair(adapted, rules).messages]
        assert roles[0] == "user"
        assert all(one != two for one, two in itertools.pairwise(roles))


def test_every_reply_comes_back_equal():
    for recording in recordings():
        body = recording["response"].get("body")
        if not isinstance(body, dict):
            continue
        if recording["response"]["status"] >= 400:
            with pytest.raises(UpstreamRefused):
                CHAT.parse_response(body)
            assert CHAT.parse_error(400, json.dumps(body).encode(), {}).message
            continue
        response = CHAT.parse_response(body)
        assert CHAT.emit_response(response, ir.Request("m", [])) == body
        assert ir.fold(ir.unfold(response)) == response
        inspection = inspect(json.dumps(body).encode())
        assert inspection.error is None
        assert inspection.usage == response.usage


def test_every_stream_is_read_to_its_end():
    for recording, raw in streams():
        events = parse(raw)
        assert isinstance(events[0], ir.Started)
        failed = isinstance(events[-1], ir.Errored)
        assert failed == ("stream_error" in recording["features"])
        assert failed or any(ir.is_meaningful(event) for event in events)


def test_where_a_stream_is_cut_makes_no_difference():
    for _, raw in streams():
        whole = without_made_up_ids(parse(raw))
        step = max(1, len(raw) // EVERY_BYTE_UP_TO) * (1 if len(raw) <= EVERY_BYTE_UP_TO else 37)
        for position in range(0, len(raw), step):
            assert without_made_up_ids(parse(raw[:position], raw[position:])) == whole
        assert without_made_up_ids(parse(*(raw[i : i + 1] for i in range(len(raw))))) == whole


def test_every_stream_keeps_its_meaning_when_it_is_emitted():
    for recording, raw in streams():
        if "stream_error" in recording["features"]:
            continue
        events = parse(raw)
        emitter = CHAT.stream_emitter(ir.Request("m", []))
        emitted = b"".join(emitter.emit(event) for event in events) + emitter.close()
        assert emitted.endswith(b"data: [DONE]\n\n")
        assert meaning(parse(emitted)) == meaning(events)


def test_the_tap_sees_what_the_parser_sees():
    for recording, raw in streams():
        tap, decoder = ChatTap(wants_usage=True), Decoder()
        seen = [tap.look(block) for block in decoder.feed(raw) + decoder.flush()]
        events = parse(raw)
        reported = [event.usage for event in events if isinstance(event, ir.UsageReported)]
        assert tap.usage == (reported[-1] if reported else None)
        assert (tap.error is not None) == ("stream_error" in recording["features"])
        assert (Seen.CONTENT in seen) == any(ir.is_meaningful(event) for event in events)
        assert tap.finished or tap.error is not None
