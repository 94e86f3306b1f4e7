from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from gateway.wire import ir, json
from gateway.wire.anthropic_messages import signatures
from gateway.wire.sse import Decoder
from omniroute.types import JSONDict, Usage
from tests.gateway.wire.anthropic_messages.made_up import FORMAT

ASKED = ir.Request("my-combo", [ir.Message("user", [ir.Text("word" * 100)])])
VALID = TypeAdapter(RawMessageStreamEvent)
STARTED = ir.Started("chatcmpl-1", "gpt-x")


def send(*events: ir.Event) -> list[JSONDict]:
    emitter = FORMAT.stream_emitter(ASKED)
    raw = b"".join(emitter.emit(event) for event in events) + emitter.close()
    sent = []
    for event in Decoder().feed(raw):
        value = json.loads(event.data)
        assert event.name.decode() == value["type"]
        if value["type"] != "error":
            VALID.validate_json(event.data)
        sent.append(value)
    check_blocks(sent)
    return sent


def check_blocks(events: list[JSONDict]) -> None:
    """One block at a time, with contiguous indexes, none after message_delta."""
    opened, count = None, 0
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert opened is None
                assert event["index"] == count
                opened, count = count, count + 1
            case "content_block_delta":
                assert event["index"] == opened
            case "content_block_stop":
                assert event["index"] == opened
                opened = None
            case "message_delta":
                assert opened is None


def kinds(events: list[JSONDict]) -> list[str]:
    return [event["type"] for event in events]


def blocks(events: list[JSONDict]) -> list[JSONDict]:
    return [event["content_block"] for event in events if event["type"] == "content_block_start"]


def deltas(events: list[JSONDict]) -> list[JSONDict]:
    return [event["delta"] for event in events if event["type"] == "content_block_delta"]


def test_a_text_in_its_frame():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.Text("")),
        ir.PartDelta(0, "Hel"),
        ir.PartDelta(0, "lo\n"),
        ir.PartEnded(0),
        ir.Finished("stop"),
        ir.UsageReported(Usage(10, 5, 4, 0, 2)),
    )
    assert kinds(events) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    message = events[0]["message"]
    assert (message["id"], message["model"]) == ("msg_chatcmpl-1", "gpt-x")
    assert deltas(events) == [{"type": "text_delta", "text": "Hel"}, {"type": "text_delta", "text": "lo\n"}]
    assert events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }


def test_the_start_tells_an_estimate_of_the_input_where_nothing_is_known():
    assert 100 <= send(STARTED, ir.Finished("stop"))[0]["message"]["usage"]["input_tokens"] <= 110
    known = ir.Started("x", "m", usage=Usage(7, 0))
    assert send(known, ir.Finished("stop"))[0]["message"]["usage"]["input_tokens"] == 7


def test_the_stop_sequence_is_told():
    assert send(STARTED, ir.Finished("stop_sequence", "END"))[-2]["delta"] == {
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
    }


def test_parallel_calls_follow_one_another():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.ToolCall("functions.a:0", "a")),
        ir.PartStarted(1, ir.ToolCall("2", "b", "{")),
        ir.PartDelta(1, "}"),
        ir.PartDelta(0, "{}"),
        ir.PartEnded(0),
        ir.PartEnded(1),
        ir.Finished("tool_calls"),
    )
    assert [(block["id"], block["name"], block["input"]) for block in blocks(events)] == [
        ("functions_a_0", "a", {}),
        ("2", "b", {}),
    ]
    assert [delta["partial_json"] for delta in deltas(events)] == ["{}", "{", "}"]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_claudes_reasoning_keeps_its_signature():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.Reasoning(vendor="anthropic")),
        ir.PartDelta(0, "Hm."),
        ir.PartEnded(0, ir.Reasoning(signature="c2ln", vendor="anthropic")),
        ir.PartStarted(1, ir.Reasoning(redacted="hid", vendor="anthropic")),
        ir.PartEnded(1),
        ir.Finished("stop"),
    )
    assert blocks(events) == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "redacted_thinking", "data": "hid"},
    ]
    assert deltas(events)[1] == {"type": "signature_delta", "signature": "c2ln"}


def test_reasoning_of_others_is_marked():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.Reasoning(vendor="openai", id="rs_1")),
        ir.PartDelta(0, "Hm."),
        ir.PartEnded(0, ir.Reasoning(signature="enc", vendor="openai")),
        ir.PartStarted(1, ir.Reasoning()),
        ir.PartDelta(1, "open"),
        ir.PartEnded(1),
        ir.PartStarted(2, ir.Reasoning(vendor="openai", id="rs_2")),
        ir.PartEnded(2, ir.Reasoning(signature="only", vendor="openai")),
        ir.Finished("stop"),
    )
    said = [delta["signature"] for delta in deltas(events) if delta["type"] == "signature_delta"]
    assert [signatures.unpack(signature) for signature in said] == [
        ("openai", "rs_1", "enc"),
        (None, None, None),
        ("openai", "rs_2", "only"),
    ]


def test_the_proof_of_a_call_rides_in_front_of_it():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.ToolCall("1", "f", "{}", signature="proof")),
        ir.PartEnded(0),
        ir.Finished("tool_calls"),
    )
    assert [block["type"] for block in blocks(events)] == ["thinking", "tool_use"]
    assert signatures.unpack(deltas(events)[0]["signature"]) == (signatures.CALL, None, "proof")


def test_what_says_nothing_makes_no_block():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.Text("")),
        ir.PartEnded(0),
        ir.PartStarted(1, ir.Reasoning()),
        ir.PartEnded(1),
        ir.PartStarted(2, ir.Image("image/png", "AA==")),
        ir.PartEnded(2),
        ir.PartStarted(3, ir.Refusal("No.")),
        ir.PartEnded(3),
        ir.Finished("content_filter"),
    )
    assert blocks(events) == [{"type": "text", "text": ""}]
    assert deltas(events) == [{"type": "text_delta", "text": "No."}]
    assert events[-2]["delta"]["stop_reason"] == "refusal"


def test_usage_that_came_after_the_end_is_told():
    events = send(STARTED, ir.Finished("stop"), ir.UsageReported(Usage(3, 4)))
    assert events[-2]["usage"]["output_tokens"] == 4


def test_an_error_in_the_stream_is_no_normal_end():
    events = send(STARTED, ir.PartStarted(0, ir.Text("half")), ir.Errored("overloaded", 529))
    assert kinds(events)[-1] == "error"
    assert events[-1]["error"] == {"type": "overloaded_error", "message": "overloaded"}
    assert "message_stop" not in kinds(events)


def test_events_that_just_stop_end_with_an_error():
    events = send(STARTED, ir.PartStarted(0, ir.Text("half")))
    assert kinds(events)[-1] == "error"


def test_a_second_candidate_is_not_mixed_in():
    events = send(
        STARTED,
        ir.PartStarted(0, ir.Text("a")),
        ir.PartStarted(0, ir.Text("b"), 1),
        ir.PartEnded(0),
        ir.Finished("stop"),
        ir.Finished("length", candidate=1),
    )
    assert [delta["text"] for delta in deltas(events)] == ["a"]
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


def test_the_keep_alive_is_a_ping():
    assert FORMAT.keepalive == b'event: ping\ndata: {"type": "ping"}\n\n'
