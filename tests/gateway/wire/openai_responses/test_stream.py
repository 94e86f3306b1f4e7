import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir
from gateway.wire.sse import ServerEvent
from omniroute.types import Usage
from tests.gateway.wire.openai_responses.sdk import FORMAT, ask, emit, parse
from tests.gateway.wire.openai_responses.test_response import WHOLE

CREATED = {
    "type": "response.created",
    "response": {**WHOLE, "status": "in_progress", "output": [], "usage": None},
}
COMPLETED = {"type": "response.completed", "response": WHOLE}
EMPTY_END = {"type": "response.completed", "response": {**WHOLE, "output": []}}


def added(index, **item):
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index, **item):
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(kind, index, text, **more):
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": text, **more}


MESSAGE = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f"}
FULL = [
    CREATED,
    {"type": "response.in_progress", "response": CREATED["response"]},
    added(0, type="reasoning", id="rs", summary=[]),
    {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0},
    delta("reasoning_summary_text", 0, "On", summary_index=0),
    delta("reasoning_summary_text", 0, "e", summary_index=0),
    delta("reasoning_summary_text", 0, "Two", summary_index=1),
    done(
        0,
        type="reasoning",
        id="rs",
        encrypted_content="gA",
        summary=[{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
    ),
    added(1, **{**MESSAGE, "status": "in_progress"}, content=[]),
    {
        "type": "response.content_part.added",
        "output_index": 1,
        "content_index": 0,
        "part": {"type": "output_text"},
    },
    delta("output_text", 1, "Hel", content_index=0),
    delta("output_text", 1, "lo", content_index=0, obfuscation="x"),
    {"type": "response.output_text.done", "output_index": 1, "content_index": 0, "text": "Hello"},
    {"type": "response.content_part.done", "output_index": 1, "content_index": 0, "part": {}},
    done(1, **MESSAGE, content=[{"type": "output_text", "text": "Hello", "annotations": []}]),
    added(2, **CALL, arguments=""),
    delta("function_call_arguments", 2, '{"a"'),
    delta("function_call_arguments", 2, ":1.0}"),
    done(2, **CALL, arguments='{"a":1.0}', status="completed"),
    EMPTY_END,
]


def reply(*events):
    return ir.fold(parse(*events))


def test_a_stream_is_understood():
    response = reply(*FULL)
    reasoning, text, call = response.candidates[0].parts
    assert (reasoning.text, reasoning.signature, reasoning.id, reasoning.vendor) == (
        "One\n\nTwo",
        "gA",
        "rs",
        "openai",
    )
    assert reasoning.summaries == ("One", "Two")
    assert text.text == "Hello"
    assert (call.id, call.name, call.arguments) == ("c", "f", '{"a":1.0}')
    assert response.candidates[0].finish_reason == "tool_calls"
    assert (response.id, response.model, response.created) == ("resp_1", "gpt-5", 1700000000)
    assert response.usage == Usage(100, 30, 40, 10, 20)


def test_deltas_pass_as_they_come():
    deltas = [event.text for event in parse(*FULL) if isinstance(event, ir.PartDelta)]
    assert deltas == ["On", "e", "\n\n", "Two", "Hel", "lo", '{"a"', ":1.0}"]


def test_every_part_ends_before_the_answer_does():
    events = parse(*FULL)
    assert isinstance(events[0], ir.Started)
    started = [event.index for event in events if isinstance(event, ir.PartStarted)]
    ended = [event.index for event in events if isinstance(event, ir.PartEnded)]
    assert started == sorted(ended) == [0, 1, 2]
    assert [type(event) for event in events[-2:]] == [ir.Finished, ir.UsageReported]


@pytest.mark.parametrize(
    "kept", [{"output_item.done"}, {"delta"}, {"output_item.added", "output_item.done"}, {"completed"}]
)
def test_a_provider_that_tells_only_part_of_it_is_understood(kept):
    events = [event for event in FULL[:-1] if any(event["type"].endswith(kind) for kind in kept)]
    if kept == {"delta"}:
        events = [event for event in events if event["output_index"] < 2]
    whole = [event["item"] for event in FULL if event["type"].endswith("item.done")]
    final = {**WHOLE, "output": whole if kept != {"delta"} else []}
    response = reply(*events, {"type": "response.completed", "response": final})
    parts = response.candidates[0].parts
    assert [part.text for part in parts[:2]] == ["One\n\nTwo", "Hello"]
    assert kept == {"delta"} or parts[2].arguments == '{"a":1.0}'


def test_arguments_that_only_the_end_knows_are_not_lost():
    response = reply(CREATED, added(0, **CALL, arguments=""), done(0, **CALL, arguments='{"a":1}'), EMPTY_END)
    assert response.candidates[0].parts[0].arguments == '{"a":1}'


@pytest.mark.parametrize("deltas", [[], [delta("function_call_arguments", 0, '{"a"')]])
@pytest.mark.parametrize("end", [{"arguments": ""}, {"arguments": '{"a":1}'}, {}])
def test_arguments_that_come_whole_behind_their_deltas_are_said_once(deltas, end):
    whole = {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a":1}'}
    response = reply(
        CREATED, added(0, **CALL, arguments=""), *deltas, whole, done(0, **CALL, **end), EMPTY_END
    )
    assert response.candidates[0].parts[0].arguments == '{"a":1}'


def test_arguments_that_come_with_the_beginning_are_not_doubled():
    response = reply(CREATED, added(0, **CALL, arguments="{}"), done(0, **CALL, arguments="{}"), EMPTY_END)
    assert response.candidates[0].parts[0].arguments == "{}"


def test_the_final_output_is_not_said_twice():
    final = {**WHOLE, "output": [event["item"] for event in FULL if event["type"].endswith("item.done")]}
    assert len(reply(*FULL[:-1], {"type": "response.completed", "response": final}).candidates[0].parts) == 3


def test_interleaved_items_keep_apart():
    response = reply(
        CREATED,
        added(0, **CALL, arguments=""),
        added(1, **{**CALL, "call_id": "d"}, arguments=""),
        delta("function_call_arguments", 0, "[1"),
        delta("function_call_arguments", 1, "[2"),
        delta("function_call_arguments", 0, "]"),
        delta("function_call_arguments", 1, "]"),
        EMPTY_END,
    )
    assert [part.arguments for part in response.candidates[0].parts] == ["[1]", "[2]"]


def test_a_part_that_is_counted_over_all_items_is_said_once():
    """Bedrock's messages begin with the content index of their item."""
    said = [delta("output_text", 1, "Hel", content_index=1), delta("output_text", 1, "lo", content_index=1)]
    whole = done(1, **MESSAGE, content=[{"type": "output_text", "text": "Hello", "annotations": []}])
    (text,) = reply(CREATED, *said, whole, EMPTY_END).candidates[0].parts
    assert isinstance(text, ir.Text)
    assert text.text == "Hello"


def test_items_without_an_index_are_told_apart_by_id():
    response = reply(
        CREATED,
        {"type": "response.output_text.delta", "item_id": "m1", "delta": "a"},
        {"type": "response.output_text.delta", "item_id": "m2", "delta": "b"},
        EMPTY_END,
    )
    assert [part.text for part in response.candidates[0].parts] == ["a", "b"]


def test_full_reasoning_streams_and_its_summary_does_not_repeat_it():
    response = reply(
        CREATED,
        added(0, type="reasoning", id="rs", summary=[]),
        delta("reasoning_text", 0, "lo", content_index=0),
        delta("reasoning_text", 0, "ng", content_index=0),
        delta("reasoning_summary_text", 0, "short", summary_index=0),
        done(
            0,
            type="reasoning",
            id="rs",
            summary=[{"type": "summary_text", "text": "short"}],
            content=[{"type": "reasoning_text", "text": "long"}],
        ),
        EMPTY_END,
    )
    assert response.candidates[0].parts[0].text == "long"


SUMMARY, WHOLE_THOUGHT = (
    [{"type": "summary_text", "text": "short"}],
    [{"type": "reasoning_text", "text": "long"}],
)
THINKS = (
    delta("reasoning_summary_text", 0, "sh", summary_index=0),
    delta("reasoning_text", 0, "lo", content_index=0),
    delta("reasoning_summary_text", 0, "ort", summary_index=0),
    delta("reasoning_text", 0, "ng", content_index=0),
)


@pytest.mark.parametrize(
    "end",
    [
        [done(0, type="reasoning", id="rs", summary=SUMMARY, content=WHOLE_THOUGHT)],
        [done(0, type="reasoning", id="rs", summary=SUMMARY)],
        [],
    ],
)
def test_full_reasoning_behind_its_summary_follows_whole(end):
    response = reply(CREATED, added(0, type="reasoning", id="rs", summary=[]), *THINKS, *end, EMPTY_END)
    assert response.candidates[0].parts[0].text == "short\n\nlong"


def test_full_reasoning_that_only_the_end_tells_follows_its_summary():
    end = done(0, type="reasoning", id="rs", summary=SUMMARY, content=WHOLE_THOUGHT)
    response = reply(CREATED, added(0, type="reasoning", id="rs", summary=[]), *THINKS[::2], end, EMPTY_END)
    assert response.candidates[0].parts[0].text == "short\n\nlong"


@pytest.mark.parametrize("full", ["short", "short and more"])
def test_full_reasoning_that_repeats_its_summary_is_not_doubled(full):
    content = [{"type": "reasoning_text", "text": full}]
    response = reply(
        CREATED,
        added(0, type="reasoning", id="rs", summary=[]),
        *THINKS[::2],
        delta("reasoning_text", 0, full, content_index=0),
        done(0, type="reasoning", id="rs", summary=SUMMARY, content=content),
        EMPTY_END,
    )
    assert response.candidates[0].parts[0].text == full


def test_refusals_custom_calls_and_hosted_calls():
    response = reply(
        CREATED,
        delta("refusal", 0, "no", content_index=0),
        done(0, **MESSAGE, content=[{"type": "refusal", "refusal": "no"}]),
        added(1, type="custom_tool_call", id="ctc", call_id="c", name="patch", input=""),
        delta("custom_tool_call_input", 1, "*** "),
        delta("custom_tool_call_input", 1, "x"),
        done(1, type="custom_tool_call", id="ctc", call_id="c", name="patch", input="*** x"),
        added(2, type="web_search_call", id="ws", status="in_progress"),
        {"type": "response.web_search_call.searching", "output_index": 2, "item_id": "ws"},
        done(2, type="web_search_call", id="ws", status="completed", action={"type": "search", "query": "q"}),
        done(
            3,
            type="local_shell_call",
            id="l",
            call_id="s",
            status="completed",
            action={"type": "exec", "command": ["ls"], "env": {}},
        ),
        EMPTY_END,
    )
    refusal, custom, search, shell = response.candidates[0].parts
    assert refusal.text == "no"
    assert (custom.kind, custom.arguments) == ("custom", "*** x")
    assert isinstance(search, ir.Unknown)
    assert (shell.format, shell.type) == ("openai_responses", "local_shell_call")


def test_log_probabilities_are_gathered():
    entry = {"token": "x", "logprob": -0.1, "top_logprobs": []}
    response = reply(CREATED, delta("output_text", 0, "x", content_index=0, logprobs=[entry]), EMPTY_END)
    assert response.candidates[0].logprobs == {"content": [entry], "refusal": None}


@pytest.mark.parametrize(
    ("kind", "response", "reason"),
    [
        (
            "incomplete",
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "length",
        ),
        (
            "incomplete",
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
        ("completed", {"status": "completed"}, "stop"),
        ("completed", {}, "stop"),
    ],
)
def test_the_end_is_understood(kind, response, reason):
    events = parse(CREATED, delta("output_text", 0, "x"), {"type": f"response.{kind}", "response": response})
    assert [event.reason for event in events if isinstance(event, ir.Finished)] == [reason]


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        (
            {
                "type": "response.failed",
                "response": {"error": {"code": "rate_limit_exceeded", "message": "m"}},
            },
            429,
            "rate_limit_exceeded",
        ),
        (
            {"type": "response.completed", "response": {"error": {"code": "server_error", "message": "m"}}},
            502,
            "server_error",
        ),
        (
            {"type": "error", "code": "context_length_exceeded", "message": "m", "param": None},
            400,
            "context_length_exceeded",
        ),
        (
            {"type": "error", "error": {"type": "x", "code": "insufficient_quota", "message": "m"}},
            429,
            "insufficient_quota",
        ),
        ({"error": {"message": "m", "code": 503}}, 503, "503"),
    ],
)
def test_an_error_inside_the_stream_ends_it(event, status, code):
    events = parse(CREATED, delta("output_text", 0, "x"), event, delta("output_text", 0, "more"))
    assert events[-1] == ir.Errored("m", status, code)


def test_a_failure_that_says_nothing_is_one_all_the_same():
    assert isinstance(parse({"type": "response.failed", "response": {"status": "failed"}})[-1], ir.Errored)


@pytest.mark.parametrize("events", [[], [CREATED], FULL[:12], [b"{"], [b"[]"], [CREATED, b"not json"]])
def test_a_stream_that_is_cut_or_broken_ends_with_an_error(events):
    assert isinstance(parse(*events)[-1], ir.Errored)


def test_a_done_marker_and_keep_alives_are_nothing():
    assert len(reply(CREATED, b"", *FULL[1:], b"[DONE]").candidates[0].parts) == 3


def test_what_was_parsed_can_be_emitted_again():
    events = emit(ask(), *parse(*FULL))
    output = events[-1]["response"]["output"]
    assert [item["id"] for item in output] == ["rs", output[1]["id"], "fc"]
    assert output[1]["content"][0]["text"] == "Hello"
    assert output[2]["arguments"] == '{"a":1.0}'
    assert events[-1]["response"]["usage"] == WHOLE["usage"]


NAMES = st.sampled_from(
    [event["type"] for event in FULL] + ["error", "response.failed", "response.refusal.delta"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.text(max_size=4)
    | st.sampled_from(["message", "reasoning"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "content",
                    "id",
                    "call_id",
                    "name",
                    "arguments",
                    "output",
                    "usage",
                    "error",
                    "role",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": NAMES},
            optional=dict.fromkeys(
                (
                    "item",
                    "response",
                    "part",
                    "delta",
                    "output_index",
                    "content_index",
                    "summary_index",
                    "logprobs",
                    "item_id",
                ),
                VALUES,
            ),
        ),
        max_size=6,
    )
)
def test_any_events_end_in_an_answer_or_an_error(events):
    found = parse(*events)
    ends = [event for event in found if isinstance(event, ir.Finished | ir.Errored)]
    assert len(ends) == 1


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_any_bytes_end_in_an_error(chunks):
    parser = FORMAT.stream_parser()
    found = [event for chunk in chunks for event in parser.feed(ServerEvent(chunk, chunk))] + parser.close()
    assert isinstance(found[-1], ir.Errored)
