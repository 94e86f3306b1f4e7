import pytest

from gateway.wire import ir, json
from gateway.wire.openai_responses.sealed import unseal
from omniroute.types import Usage
from tests.gateway.wire.openai_responses.sdk import FORMAT, ask, emit

STARTED = ir.Started("chatcmpl-1", "up", 1700000000)
USAGE = ir.UsageReported(Usage(10, 5, 2, 1, 3))
END = ir.Finished("stop"), USAGE


def text(index, *pieces):
    return (
        ir.PartStarted(index, ir.Text("")),
        *(ir.PartDelta(index, piece) for piece in pieces),
        ir.PartEnded(index),
    )


def kinds(events):
    return [event["type"].removeprefix("response.") for event in events]


def test_a_text_goes_through_its_whole_grammar():
    events = emit(ask(), STARTED, *text(0, "Hel", "lo"), *END)
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["delta"] for event in events if "delta" in event] == ["Hel", "lo"]
    assert events[2]["item"]["status"] == "in_progress"
    assert events[6]["text"] == "Hello"
    assert events[8]["item"]["content"] == [
        {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    ]
    final = events[-1]["response"]
    assert (final["id"], final["model"], final["status"]) == ("resp_chatcmpl-1", "up", "completed")
    assert final["usage"]["total_tokens"] == 15
    assert final["usage"]["input_tokens_details"] == {"cached_tokens": 2, "cache_write_tokens": 1}
    assert all(event["response"]["id"] == final["id"] for event in (events[0], events[1]))
    assert events[0]["response"]["usage"] is None


def test_there_is_no_done_marker():
    emitter = FORMAT.stream_emitter(ask())
    stream = b"".join(emitter.emit(event) for event in (STARTED, *text(0, "x"), *END)) + emitter.close()
    assert b"[DONE]" not in stream


def test_reasoning_text_and_calls_are_items_in_order():
    events = emit(
        ask(tools=[{"type": "function", "name": "f"}]),
        STARTED,
        ir.PartStarted(0, ir.Reasoning("")),
        ir.PartDelta(0, "H"),
        ir.PartDelta(0, "m"),
        ir.PartEnded(0),
        *text(1, "Hi"),
        ir.PartStarted(2, ir.ToolCall("c1", "f")),
        ir.PartDelta(2, '{"a"'),
        ir.PartDelta(2, ":1}"),
        ir.PartEnded(2),
        ir.PartStarted(3, ir.ToolCall("c2", "f")),
        ir.PartEnded(3),
        ir.Finished("tool_calls"),
        USAGE,
    )
    assert [(item["type"], item.get("call_id")) for item in events[-1]["response"]["output"]] == [
        ("reasoning", None),
        ("message", None),
        ("function_call", "c1"),
        ("function_call", "c2"),
    ]
    assert kinds(events)[2:8] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ]
    done = [event for event in events if event["type"] == "response.function_call_arguments.done"]
    assert [(event["arguments"], event["name"]) for event in done] == [('{"a":1}', "f"), ("{}", "f")]
    added = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert added[2]["arguments"] == ""
    assert events[-1]["response"]["status"] == "completed"


def test_calls_that_interleave_come_one_after_the_other():
    events = emit(
        ask(),
        STARTED,
        ir.PartStarted(0, ir.ToolCall("c1", "f")),
        ir.PartStarted(1, ir.ToolCall("c2", "g")),
        ir.PartDelta(0, "[1"),
        ir.PartDelta(1, "[2"),
        ir.PartDelta(0, "]"),
        ir.PartDelta(1, "]"),
        ir.PartEnded(0),
        ir.PartEnded(1),
        *END,
    )
    output = events[-1]["response"]["output"]
    assert [(item["name"], item["arguments"]) for item in output] == [("f", "[1]"), ("g", "[2]")]


def test_neighbouring_texts_and_refusals_are_one_message():
    events = emit(
        ask(),
        STARTED,
        *text(0, "a"),
        *text(1, "b"),
        ir.PartStarted(2, ir.Refusal("")),
        ir.PartDelta(2, "no"),
        ir.PartEnded(2),
        *END,
    )
    (message,) = events[-1]["response"]["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "output_text", "refusal"]
    assert {event["content_index"] for event in events if "content_index" in event} == {0, 1, 2}
    assert "refusal.done" in kinds(events)


def test_a_custom_call_has_events_of_its_own():
    events = emit(
        ask(),
        STARTED,
        ir.PartStarted(0, ir.ToolCall("c", "patch", kind="custom")),
        ir.PartDelta(0, "*** "),
        ir.PartDelta(0, 'Begin "x"'),
        ir.PartEnded(0),
        *END,
    )
    assert kinds(events)[2:7] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert events[-1]["response"]["output"][0]["input"] == '*** Begin "x"'


def test_a_call_keeps_its_group():
    call = ir.ToolCall("c", "close", "{}", extra={"openai_responses": {"namespace": "agents"}})
    events = emit(ask(), STARTED, ir.PartStarted(0, call), ir.PartEnded(0), *END)
    (item,) = events[-1]["response"]["output"]
    assert (item["namespace"], item["name"], item["status"]) == ("agents", "close", "completed")


def test_a_local_shell_call_comes_whole():
    events = emit(
        ask(tools=[{"type": "local_shell"}]),
        STARTED,
        ir.PartStarted(0, ir.ToolCall("c", "local_shell")),
        ir.PartDelta(0, '{"command":["ls"]}'),
        ir.PartEnded(0),
        *END,
    )
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["action"]["command"]) == ("local_shell_call", ["ls"])


def test_annotations_are_told():
    note = {"type": "url_citation", "url": "https://e.com", "title": "T", "start_index": 0, "end_index": 1}
    late = ir.Text("", {"openai_responses": {"part": {"annotations": [note]}}})
    events = emit(
        ask(), STARTED, ir.PartStarted(0, ir.Text("")), ir.PartDelta(0, "x"), ir.PartEnded(0, late), *END
    )
    assert "output_text.annotation.added" in kinds(events)
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"] == [note]


def test_log_probabilities_are_told_at_the_end():
    entry = {"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}
    finished = ir.Finished("stop", logprobs={"content": [entry]})
    events = emit(ask(), STARTED, *text(0, "x"), finished, USAGE)
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == [entry]


@pytest.mark.parametrize(
    ("reason", "closing", "details"),
    [
        ("length", "response.incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "response.incomplete", {"reason": "content_filter"}),
        ("error", "response.incomplete", {"reason": None}),
        ("stop_sequence", "response.completed", None),
        ("pause", "response.completed", None),
    ],
)
def test_the_end_is_said(reason, closing, details):
    events = emit(ask(), STARTED, *text(0, "x"), ir.Finished(reason), USAGE)
    assert (events[-1]["type"], events[-1]["response"]["incomplete_details"]) == (closing, details)
    assert events[-1]["response"]["output"][0]["status"] == ("incomplete" if details else "completed")


def test_an_answer_with_nothing_in_it_is_a_whole_stream():
    events = emit(ask(), STARTED, ir.PartStarted(0, ir.Text("")), ir.PartEnded(0), *END)
    assert kinds(events) == ["created", "in_progress", "completed"]


def test_an_error_ends_the_stream_as_failed():
    events = emit(ask(), STARTED, *text(0, "x"), ir.Errored("slow down", 429))
    failed = events[-1]["response"]
    assert (events[-1]["type"], failed["status"]) == ("response.failed", "failed")
    assert failed["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}


def test_a_stream_that_just_stops_has_failed():
    events = emit(ask(), STARTED, ir.PartStarted(0, ir.ToolCall("c", "f")))[-1:]
    assert events[0]["type"] == "response.failed"


def test_usage_may_be_known_from_the_start_alone():
    started = ir.Started("x", "up", 1, Usage(7, 0))
    events = emit(ask(), started, *text(0, "x"), ir.Finished("stop"))
    assert events[-1]["response"]["usage"]["input_tokens"] == 7


def test_usage_is_estimated_where_none_is_reported():
    events = emit(ask(), STARTED, *text(0, "word " * 40), ir.Finished("stop"))
    assert events[-1]["response"]["usage"]["output_tokens"] == 50


def test_white_space_and_odd_characters_survive():
    pieces = ["\n\n  ", "\t", "\u2028", '"\\', "😀", "\ud83d", "\x00"]
    emitter = FORMAT.stream_emitter(ask())
    stream = b"".join(emitter.emit(event) for event in (STARTED, *text(0, *pieces), *END)) + emitter.close()
    deltas = [
        json.loads(line[6:]) for line in stream.split(b"\n") if b'"response.output_text.delta"' in line[:60]
    ]
    assert [delta["delta"] for delta in deltas] == pieces


# ---- proofs of other vendors


def test_a_signature_that_comes_late_is_sealed_into_the_item():
    late = ir.Reasoning(signature="sig", vendor="anthropic")
    events = emit(
        ask(include=["reasoning.encrypted_content"]),
        STARTED,
        ir.PartStarted(0, ir.Reasoning("")),
        ir.PartDelta(0, "Hm"),
        ir.PartEnded(0, late),
        *END,
    )
    (item,) = events[-1]["response"]["output"]
    seal = unseal(item["encrypted_content"])
    assert (seal.vendor, seal.signature) == ("anthropic", "sig")


def test_reasoning_without_a_text_appears_only_with_its_proof():
    parts = (
        ir.PartStarted(0, ir.Reasoning("")),
        ir.PartEnded(0, ir.Reasoning(signature="s", vendor="anthropic")),
    )
    assert emit(ask(), STARTED, *parts, *END)[-1]["response"]["output"] == []
    events = emit(ask(include=["reasoning.encrypted_content"]), STARTED, *parts, *END)
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["reasoning"]


def test_the_signature_of_a_gemini_call_goes_in_front_of_it():
    call = ir.ToolCall("c", "f", "{}", signature="AbC")
    events = emit(
        ask(include=["reasoning.encrypted_content"]), STARTED, ir.PartStarted(0, call), ir.PartEnded(0), *END
    )
    reasoning, item = events[-1]["response"]["output"]
    assert unseal(reasoning["encrypted_content"]).call_id == item["call_id"] == "c"
