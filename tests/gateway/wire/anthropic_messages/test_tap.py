import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import json
from gateway.wire.anthropic_messages import signatures
from gateway.wire.base import Seen
from gateway.wire.sse import Decoder, ServerEvent
from omniroute.types import InboundRequest, JSONDict, Usage
from tests.gateway.wire.anthropic_messages.made_up import FORMAT

INBOUND = InboundRequest("1", "anthropic_messages", "generate", "m", True, b"{}", {}, {}, "/v1/messages")


def event(kind: str, **fields) -> ServerEvent:
    raw = json.dumps({"type": kind, **fields})
    return ServerEvent(b"", raw, kind.encode())


def delta(kind: str, **fields) -> ServerEvent:
    return event("content_block_delta", index=0, delta={"type": kind, **fields})


def start(**block) -> ServerEvent:
    return event("content_block_start", index=0, content_block=block)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (event("message_start", message={"usage": {"input_tokens": 3}}), Seen.NOTHING),
        (event("ping"), Seen.NOTHING),
        (ServerEvent(b": x\n\n", b""), Seen.NOTHING),
        (start(type="text", text=""), Seen.NOTHING),
        (start(type="thinking", thinking="", signature=""), Seen.NOTHING),
        (start(type="text", text="x"), Seen.CONTENT),
        (start(type="tool_use", id="t", name="n", input={}), Seen.CONTENT),
        (start(type="redacted_thinking", data="x"), Seen.CONTENT),
        (delta("text_delta", text=""), Seen.NOTHING),
        (delta("text_delta", text=" "), Seen.CONTENT),
        (delta("thinking_delta", thinking="x"), Seen.CONTENT),
        (delta("input_json_delta", partial_json=""), Seen.NOTHING),
        (delta("input_json_delta", partial_json="{"), Seen.CONTENT),
        (delta("signature_delta", signature="x"), Seen.CONTENT),
        (delta("citations_delta", citation={}), Seen.CONTENT),
        (event("content_block_stop", index=0), Seen.NOTHING),
        (event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}), Seen.CONTENT),
        (event("message_delta", delta={}, usage={"output_tokens": 1}), Seen.NOTHING),
        (event("message_stop"), Seen.LAST),
        (event("error", error={"type": "overloaded_error", "message": "x"}), Seen.ERROR),
        (event("something_new", x=1), Seen.NOTHING),
        (ServerEvent(b"", b"[DONE]"), Seen.NOTHING),
    ],
)
def test_what_an_event_is(seen, expected):
    assert FORMAT.tap(INBOUND).look(seen) is expected


def test_usage_is_the_larger_of_what_start_and_end_say():
    tap = FORMAT.tap(INBOUND)
    counts = {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1}
    tap.look(event("message_start", message={"usage": counts}))
    assert tap.usage == Usage(12, 1, 7)
    tap.look(
        event(
            "message_delta",
            delta={"stop_reason": "end_turn"},
            usage={"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}},
        )
    )
    assert tap.usage == Usage(12, 9, 7, 0, 4)
    assert tap.finished


def test_a_counted_input_at_the_end_comes_with_its_own_cache_counts():
    tap = FORMAT.tap(INBOUND)
    summary = {"input_tokens": 100, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 40}
    tap.look(event("message_start", message={"usage": summary | {"output_tokens": 7}}))
    answer = {"input_tokens": 181, "cache_read_input_tokens": 0, "output_tokens": 8}
    tap.look(event("message_delta", delta={}, usage=answer))
    assert tap.usage == Usage(221, 8, 0, 40)
    tap.look(event("message_delta", delta={}, usage={"input_tokens": 0, "cache_creation_input_tokens": 0}))
    assert tap.usage == Usage(221, 8, 0, 40)


def test_zeros_at_the_start_do_not_hide_the_counts_at_the_end():
    tap = FORMAT.tap(INBOUND)
    tap.look(event("message_start", message={"usage": {"input_tokens": 0, "output_tokens": 0}}))
    tap.look(event("message_delta", delta={}, usage={"input_tokens": 30, "output_tokens": 4}))
    assert tap.usage == Usage(30, 4)
    assert not tap.finished


def test_an_error_event_says_what_happened():
    tap = FORMAT.tap(INBOUND)
    tap.look(event("error", error={"type": "overloaded_error", "message": "Overloaded"}))
    assert tap.error is not None
    assert (tap.error.status, tap.error.code, tap.error.message) == (529, "overloaded", "Overloaded")


def test_odd_events_reach_the_client_all_the_same():
    tap = FORMAT.tap(INBOUND)
    odd = ServerEvent(b"", b'{"type":"content_block_delta","delta":"odd"}', b"content_block_delta")
    assert tap.look(odd) is Seen.CONTENT
    assert tap.look(ServerEvent(b"", b"not json", b"message_stop")) is Seen.LAST
    assert tap.finished


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_can_be_looked_at(data):
    tap = FORMAT.tap(INBOUND)
    for seen in Decoder().feed(b"data: " + data + b"\n\n"):
        assert isinstance(tap.look(seen), Seen)


# ---- Whole answers -----------------------------------------------------------------------------------------


def test_a_whole_answer_tells_its_usage():
    body = b'{"type":"message","content":[],"usage":{"input_tokens":3,"output_tokens":2}}'
    inspection = FORMAT.inspect(body)
    assert (inspection.usage, inspection.error) == (Usage(3, 2), None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', 429),
        (b'{"error":{"message":"x","code":401}}', 401),
        (b"{}", 502),
        (b"<html>", 502),
        (b'{"content":null}', 502),
    ],
)
def test_what_is_no_answer_under_status_200_is_an_error(body, status):
    error = FORMAT.inspect(body).error
    assert error is not None
    assert error.status == status


def test_an_answer_of_an_odd_shape_passes():
    assert FORMAT.inspect(b'{"content":[],"usage":"odd"}').error is None


# ---- The request on its way --------------------------------------------------------------------------------


def patched(body: JSONDict, model: str = "new") -> JSONDict:
    fields = dict(json.split(json.dumps(body)))
    FORMAT.patch(fields, model, True)
    value: JSONDict = json.loads(json.dumps(fields))
    return value


def test_only_the_model_is_patched():
    body = {"model": "old", "messages": [{"role": "user", "content": "x"}], "stream": True, "new": 0.70}
    fields = json.split(b'{"model":"old","messages":[ ],"temperature":0.70}')
    FORMAT.patch(fields, "new", True)
    assert json.dumps(fields) == b'{"model":"new","messages":[ ],"temperature":0.70}'
    assert patched(body) == {**body, "model": "new"}


def test_reasoning_of_other_vendors_does_not_reach_anthropic():
    marked = {"type": "thinking", "thinking": "x", "signature": signatures.pack("openai", "rs", "enc")}
    own = {"type": "thinking", "thinking": "y", "signature": "c2ln"}
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [marked]},
            {"role": "assistant", "content": [own, marked, {"type": "text", "text": "t"}]},
            {"role": "user", "content": "go on"},
        ],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    cleaned = patched(body)
    assert cleaned["messages"] == [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [own, {"type": "text", "text": "t"}]},
        {"role": "user", "content": "go on"},
    ]
    assert cleaned["thinking"] == body["thinking"]


def test_a_chain_that_loses_its_reasoning_stops_thinking():
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    marked = {"type": "thinking", "thinking": "", "signature": signatures.pack_call("proof")}
    body = {
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [marked, call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
        ],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "context_management": {"edits": [{"type": "clear_thinking_20251015"}, {"type": "clear_tool_uses"}]},
    }
    cleaned = patched(body)
    assert "thinking" not in cleaned
    assert cleaned["context_management"] == {"edits": [{"type": "clear_tool_uses"}]}
    adaptive = patched({**body, "thinking": {"type": "adaptive"}})
    assert adaptive["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize(
    ("seen", "last"),
    [
        (event("message_stop"), True),
        (ServerEvent(b"", b'{"type":"message_stop"   }'), True),
        (event("message_delta", delta={"stop_reason": "end_turn"}), False),
        (ServerEvent(b"", b"[DONE]"), False),
    ],
)
def test_message_stop_is_the_end(seen, last):
    assert FORMAT.is_end(seen) is last
