from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import ir, json
from gateway.wire.sse import Decoder, ServerEvent
from omniroute.types import JSONDict, Usage
from tests.gateway.wire.anthropic_messages.made_up import FORMAT, NAME

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
}
STOP = {"type": "message_stop"}


def end(reason: str | None = "end_turn", **usage) -> JSONDict:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7, **usage}}


def begin(index: int, **block) -> JSONDict:
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(index: int, kind: str, **delta) -> JSONDict:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def close(index: int) -> JSONDict:
    return {"type": "content_block_stop", "index": index}


def read(*events: JSONDict) -> list[ir.Event]:
    parser = FORMAT.stream_parser()
    out = [made for event in events for made in parser.feed(ServerEvent(b"", json.dumps(event)))]
    return out + parser.close()


def parts(*events: JSONDict) -> list[ir.Part]:
    return ir.fold(read(*events)).candidates[0].parts


def test_a_text_with_its_frame():
    assert read(
        START,
        begin(0, type="text", text=""),
        {"type": "ping"},
        more(0, "text_delta", text="Hel"),
        more(0, "text_delta", text=""),
        more(0, "text_delta", text="lo "),
        close(0),
        end(input_tokens=12),
        STOP,
    )[1:-1] == [
        ir.PartStarted(0, ir.Text("")),
        ir.PartDelta(0, "Hel"),
        ir.PartDelta(0, "lo "),
        ir.PartEnded(0),
        ir.Finished("stop"),
    ]


def test_the_frame_says_id_model_and_usage():
    response = ir.fold(read(START, end(cache_read_input_tokens=5, input_tokens=12), STOP))
    assert (response.id, response.model, response.usage) == ("msg_1", "claude-x", Usage(17, 7, 5))


def test_thinking_gets_its_signature_at_the_end():
    events = (
        START,
        begin(0, type="thinking", thinking="", signature=""),
        more(0, "thinking_delta", thinking="Hm."),
        more(0, "signature_delta", signature="c2ln"),
        close(0),
        begin(1, type="redacted_thinking", data="hid"),
        close(1),
        end(),
        STOP,
    )
    assert parts(*events) == [
        ir.Reasoning("Hm.", "c2ln", vendor="anthropic"),
        ir.Reasoning(redacted="hid", vendor="anthropic"),
    ]


def test_a_call_grows_from_its_deltas():
    events = (
        START,
        begin(0, type="tool_use", id="t", name="f", input={}),
        more(0, "input_json_delta", partial_json=""),
        more(0, "input_json_delta", partial_json='{"a": 1'),
        more(0, "input_json_delta", partial_json=".50}"),
        close(0),
        end("tool_use"),
        STOP,
    )
    assert parts(*events) == [ir.ToolCall("t", "f", '{"a": 1.50}')]
    assert ir.fold(read(*events)).candidates[0].finish_reason == "tool_calls"


def test_a_call_that_came_whole_is_told_once():
    whole = begin(0, type="tool_use", id="t", name="f", input={"a": 1})
    assert parts(START, whole, close(0), end(), STOP) == [ir.ToolCall("t", "f", '{"a":1}')]
    again = more(0, "input_json_delta", partial_json='{"a":1}')
    assert parts(START, whole, again, close(0), end(), STOP) == [ir.ToolCall("t", "f", '{"a":1}')]


def test_server_tools_come_whole_and_are_no_calls():
    events = (
        START,
        begin(0, type="server_tool_use", id="s", name="web_search", input={}),
        more(0, "input_json_delta", partial_json='{"query":'),
        more(0, "input_json_delta", partial_json='"x"}'),
        close(0),
        begin(1, type="web_search_tool_result", tool_use_id="s", content=[]),
        close(1),
        end("pause_turn"),
        STOP,
    )
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    assert parts(*events) == [
        ir.Unknown(NAME, "server_tool_use", use),
        ir.Unknown(NAME, "web_search_tool_result", result),
    ]
    assert ir.fold(read(*events)).candidates[0].finish_reason == "pause"


def test_citations_gather_in_extra():
    cite = {"type": "char_location", "cited_text": "a"}
    events = (
        START,
        begin(0, type="text", text="", citations=[]),
        more(0, "citations_delta", citation=cite),
        more(0, "text_delta", text="x"),
        more(0, "citations_delta", citation=cite),
        close(0),
        end(),
        STOP,
    )
    (text,) = parts(*events)
    assert text.extra == {NAME: {"citations": [cite, cite]}}
    assert [(source.quote, source.start, source.end) for source in text.citations] == [("a", 0, 1)] * 2


def test_imitators_may_forget_the_frame():
    events = (more(0, "text_delta", text="Hi"), end())
    out = read(*events)
    assert isinstance(out[0], ir.Started)
    assert ir.fold(out).candidates == [ir.Candidate([ir.Text("Hi")], "stop")]


def test_imitators_may_begin_blocks_without_their_empty_fields():
    events = (START, begin(0, type="text"), more(0, "text_delta", text="a"), close(0), end(), STOP)
    assert parts(*events) == [ir.Text("a")]
    assert parts(START, begin(0, type="thinking"), begin(1, type="tool_use", name="f"), end(), STOP) == [
        ir.Reasoning(vendor="anthropic"),
        ir.ToolCall("", "f"),
    ]


def test_an_imitators_done_is_no_event():
    parser = FORMAT.stream_parser()
    assert parser.feed(ServerEvent(b"", b"[DONE]")) == []


def test_a_block_that_begins_again_ends_the_one_before():
    events = (
        START,
        begin(0, type="text", text="a"),
        begin(0, type="text", text="b"),
        end(),
        STOP,
    )
    assert parts(*events) == [ir.Text("a"), ir.Text("b")]


def test_a_missing_stop_reason_is_told_by_the_calls():
    call = begin(0, type="tool_use", id="t", name="f", input={})
    assert ir.fold(read(START, call, close(0), STOP)).candidates[0].finish_reason == "tool_calls"


def test_a_stream_without_usage_reports_none():
    start = {"type": "message_start", "message": {"id": "x", "model": "m"}}
    out = read(start, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, STOP)
    assert not any(isinstance(event, ir.UsageReported) for event in out)


@pytest.mark.parametrize(
    "events",
    [(), (START,), (START, begin(0, type="text", text="half")), (START, more(0, "text_delta", text="half"))],
)
def test_an_answer_that_is_cut_ends_with_an_error(events):
    assert isinstance(read(*events)[-1], ir.Errored)
    assert not any(isinstance(event, ir.Finished) for event in read(*events))


def test_an_error_in_the_stream_keeps_its_status():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    late = more(0, "text_delta", text="never")
    assert read(START, error, late, STOP)[1:] == [ir.Errored("Overloaded", 529, "overloaded")]


@pytest.mark.parametrize(
    "data", [b"{half", b"\xff\xfe", b'{"type":"content_block_start","content_block":{"type":"tool_use"}}']
)
def test_a_broken_event_is_an_error(data):
    parser = FORMAT.stream_parser()
    assert isinstance(parser.feed(ServerEvent(b"", data))[-1], ir.Errored)
    assert parser.close() == []


_VALUES: st.SearchStrategy[Any] = (
    st.none() | st.integers(-1, 3) | st.text(max_size=3) | st.just({}) | st.just([])
)
_DELTAS = ["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta", "x"]
_BLOCKS = ["text", "thinking", "tool_use", "redacted_thinking", "server_tool_use"]
_PIECES = st.fixed_dictionaries(
    {"type": st.sampled_from(_DELTAS + _BLOCKS)},
    optional=dict.fromkeys(("text", "thinking", "partial_json", "signature", "id", "name", "data"), _VALUES),
)
_TYPES = ["message_start", "message_delta", "message_stop", "error", "ping", "x"]
_TYPES += ["content_block_start", "content_block_delta", "content_block_stop"]
_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(_TYPES)},
    optional={
        "index": st.integers(0, 2) | st.none(),
        "delta": _PIECES | _VALUES,
        "content_block": _PIECES | _VALUES,
        "message": _VALUES,
        "usage": _VALUES | st.fixed_dictionaries({"input_tokens": _VALUES}),
        "error": _VALUES,
    },
)


@settings(deadline=None)
@given(st.lists(_EVENTS, max_size=12))
def test_any_events_make_a_stream_that_can_be_sent(events):
    emitter = FORMAT.stream_emitter(ir.Request("m", []))
    sent = b"".join(emitter.emit(event) for event in read(*events)) + emitter.close()
    kinds = [event.name for event in Decoder().feed(sent)]
    assert (b"message_stop" in kinds) != (b"error" in kinds)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_can_be_parsed(data):
    parser = FORMAT.stream_parser()
    decoder = Decoder()
    for event in [*decoder.feed(data), *decoder.flush()]:
        parser.feed(event)
    parser.close()
