"""Answers cut where a model should have stopped."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.passage.base import Ends
from gateway.passage.other_format import OtherFormat
from gateway.wire import get_format, ir, stops
from gateway.wire.base import ModelProfile
from omniroute.types import InboundRequest, Usage


def response(*parts: ir.Part, reason: ir.FinishReason = "stop") -> ir.Response:
    return ir.Response("r", "m", 1, [ir.Candidate(list(parts), reason)], Usage(5, 7))


def streamed(answer: ir.Response, sequences: list[str], size: int) -> ir.Response:
    """The same by way of events, whose texts come in pieces of `size` characters."""
    stopper = stops.Stopper(sequences)
    events: list[ir.Event] = []
    for event in ir.unfold(copy.deepcopy(answer)):
        pieces = [event]
        if isinstance(event, ir.PartDelta):
            texts = [event.text[at : at + size] for at in range(0, len(event.text), size)]
            pieces = [ir.PartDelta(event.index, text, event.candidate) for text in texts]
        events += [shown for piece in pieces for shown in stopper.feed(piece)]
    return ir.fold(events)


def said(answer: ir.Response) -> tuple[str, int, str | None, str | None]:
    """(text, number of calls, finish reason, stop sequence)"""
    (candidate,) = answer.candidates
    text = "".join(part.text for part in candidate.parts if isinstance(part, ir.Text))
    calls = sum(isinstance(part, ir.ToolCall) for part in candidate.parts)
    return text, calls, candidate.finish_reason, candidate.stop_sequence


CALL = ir.ToolCall("c", "f", '{"a": "STOP"}')


@pytest.mark.parametrize(
    ("parts", "reason", "sequences", "outcome"),
    [
        ([ir.Text("one\nObservation: two")], "stop", ["\nObservation:"], ("one", 0, "stop_sequence", "\nObservation:")),
        ([ir.Text("one two")], "length", ["two", "e"], ("on", 0, "stop_sequence", "e")),
        ([ir.Text("abc")], "stop", ["bc", "b"], ("a", 0, "stop_sequence", "b")),
        ([ir.Text("abc")], "stop", ["c", "bc"], ("a", 0, "stop_sequence", "bc")),
        ([ir.Text("STOP")], "stop", ["STOP"], ("", 0, "stop_sequence", "STOP")),
        ([ir.Text("a STOP b"), CALL], "tool_calls", ["STOP"], ("a ", 0, "stop_sequence", "STOP")),
        ([ir.Text("a STO"), CALL], "tool_calls", ["STOP"], ("a STO", 1, "tool_calls", None)),
        ([ir.Reasoning("STOP"), ir.Text("a"), CALL], "tool_calls", ["STOP"], ("a", 1, "tool_calls", None)),
        ([ir.Text("STO"), ir.Text("P")], "stop", ["STOP"], ("STOP", 0, "stop", None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [0, 1, 2, 3, 100])
def test_what_follows_a_stop_sequence_is_not_said(parts, reason, sequences, outcome, size):
    answer = response(*parts, reason=reason)
    found = streamed(answer, sequences, size) if size else stops.cut(answer, sequences)
    assert said(found) == outcome
    assert found.usage == Usage(5, 7)


@given(
    st.text("ab\n", max_size=12),
    st.lists(st.text("ab\n", min_size=1, max_size=3), min_size=1),
    st.integers(1, 4),
)
def test_a_stream_is_cut_where_a_whole_answer_is(text, sequences, size):
    answer = response(ir.Text(text))
    assert said(streamed(answer, sequences, size)) == said(stops.cut(answer, sequences))


def test_sources_of_what_is_not_said_go_too():
    cited = [
        ir.Citation("https://a", start=0, end=3),
        ir.Citation("https://b", start=4, end=8),
        ir.Citation("https://c"),
    ]
    (text,) = stops.cut(response(ir.Text("one STOP two", citations=cited)), ["STOP"]).candidates[0].parts
    assert isinstance(text, ir.Text)
    assert [citation.url for citation in text.citations] == ["https://a", "https://c"]


def inbound(client: str, fields: dict[str, Any], stream: bool) -> InboundRequest:
    body = json.dumps(fields).encode()
    return InboundRequest("r", client, "generate", "m", stream, body, fields, {}, "/")


ASKED: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "Hi"}], "stop": ["\nEnd"]},
    "anthropic_messages": {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "stop_sequences": ["\nEnd"],
    },
    "gemini": {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": {"stopSequences": ["\nEnd"]}},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", ASKED)
def test_a_provider_of_responses_stops_all_the_same(client, stream):
    asked, provider = inbound(client, ASKED[client], stream), get_format("openai_responses")
    way = OtherFormat(Ends(asked, get_format(client), provider, ModelProfile(model="m")))
    assert "stop" not in str(way.fields())
    assert way.dropped == ()
    answer = response(ir.Text("A\nEnd B"))
    if stream:
        emitter, reader = provider.stream_emitter(ir.Request("m", [])), way.reader()
        sent = b"".join(emitter.emit(event) for event in ir.unfold(answer)) + emitter.close()
        told = b"".join(reader.feed(sent[at : at + 7]) for at in range(0, len(sent), 7)) + reader.close()
    else:
        told = way.whole(json.dumps(provider.emit_response(answer, ir.Request("m", []))).encode()).body
    assert b"End" not in told.replace(b'"stop_sequence":"\\nEnd"', b"")
    if client == "anthropic_messages":
        assert b'"stop_reason":"stop_sequence"' in told


def test_each_format_says_what_it_can():
    six = ["a", "b", "c", " ", "d", "e"]
    unsaid = {
        name: get_format(name).unsaid_stops(six)
        for name in ("openai_chat", "anthropic_messages", "gemini", "openai_responses", "kiro")
    }
    assert unsaid == {
        "openai_chat": ["d", "e"],
        "anthropic_messages": [" "],
        "gemini": ["e"],
        "openai_responses": six,
        "kiro": six,
    }
