from __future__ import annotations

import json
from typing import Any

import pytest
from openai.lib.streaming._deltas import accumulate_delta
from openai.types.chat import ChatCompletionChunk

from gateway.wire import get_format, ir
from gateway.wire.sse import Decoder, ServerEvent
from omniroute.types import Usage

CHAT = get_format("openai_chat")
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
DONE = "[DONE]"


def chunk(delta: Any = None, finish: Any = None, index: Any = 0, **choice: Any) -> dict[str, Any]:
    said = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish, **choice}
    return {**HEAD, "choices": [said]}


def call(
    index: Any = None, identity: Any = None, name: Any = None, arguments: Any = None, **more: Any
) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    said = {"function": function, **more}
    if index is not None:
        said["index"] = index
    if identity is not None:
        said["id"] = identity
    return chunk({"tool_calls": [said]})


def parse(*chunks: Any) -> list[ir.Event]:
    parser = CHAT.stream_parser()
    events: list[ir.Event] = []
    for item in chunks:
        data = (item if isinstance(item, str) else json.dumps(item)).encode()
        events += parser.feed(ServerEvent(data, data))
    return events + parser.close()


def folded(*chunks: Any) -> ir.Candidate:
    return ir.fold(parse(*chunks)).candidates[0]


def texts(candidate: ir.Candidate) -> list[tuple[type, str]]:
    return [
        (type(part), part.text)
        for part in candidate.parts
        if isinstance(part, ir.Text | ir.Reasoning | ir.Refusal)
    ]


def calls(candidate: ir.Candidate) -> list[tuple[str, str, str]]:
    return [(part.id, part.name, part.arguments) for part in candidate.parts if isinstance(part, ir.ToolCall)]


STOP = chunk(finish="stop")


# ---- Text and reasoning ----------------------------------------------------------------------------------


def test_a_plain_answer():
    events = parse(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "a "}),
        chunk({"content": "b"}),
        STOP,
        DONE,
    )
    assert events == [
        ir.Started("chatcmpl-1", "m", 1),
        ir.PartStarted(0, ir.Text("")),
        ir.PartDelta(0, "a "),
        ir.PartDelta(0, "b"),
        ir.PartEnded(0),
        ir.Finished("stop"),
    ]


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_reasoning_then_text(key):
    candidate = folded(
        chunk({key: "hm"}), chunk({key: "!", "content": ""}), chunk({"content": "x", key: None}), STOP, DONE
    )
    assert texts(candidate) == [(ir.Reasoning, "hm!"), (ir.Text, "x")]


def test_reasoning_said_twice_in_one_delta_is_one_and_keeps_its_signature():
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    candidate = folded(
        chunk({"content": "", "reasoning": "a", "reasoning_details": [{**detail, "text": "a"}]}),
        chunk({"content": "", "reasoning": "b", "reasoning_details": [{**detail, "text": "b"}]}),
        chunk({"content": "", "reasoning_details": [{**detail, "signature": "sig"}]}),
        chunk({"content": "x"}),
        STOP,
        DONE,
    )
    assert candidate.parts[0] == ir.Reasoning("ab", signature="sig", vendor="anthropic")


def test_reasoning_in_details_alone_is_read():
    candidate = folded(
        chunk({"reasoning_details": [{"type": "reasoning.summary", "summary": "s"}]}), STOP, DONE
    )
    assert texts(candidate) == [(ir.Reasoning, "s")]


def test_a_thinking_block_that_repeats_the_stream_only_brings_its_signature():
    block = {"type": "thinking", "thinking": "ab", "signature": "sig"}
    candidate = folded(
        chunk({"reasoning_content": "a"}),
        chunk({"reasoning_content": "b"}),
        chunk({"thinking_blocks": [block]}),
        STOP,
        DONE,
    )
    assert candidate.parts == [ir.Reasoning("ab", signature="sig", vendor="anthropic")]


def test_a_redacted_block_is_a_part_of_its_own():
    block = {"type": "redacted_thinking", "data": "d"}
    candidate = folded(chunk({"thinking_blocks": [block]}), chunk({"content": "x"}), STOP, DONE)
    assert candidate.parts[0] == ir.Reasoning(redacted="d", vendor="anthropic")


def test_mistrals_lists_of_content():
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    candidate = folded(
        chunk({"content": thinking}),
        chunk({"content": [{"type": "text", "text": "a"}]}),
        chunk({"content": "b"}),
        STOP,
        DONE,
    )
    assert texts(candidate) == [(ir.Reasoning, "hm"), (ir.Text, "ab")]


def test_refusals_images_and_annotations():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    note = {"type": "url_citation", "url_citation": {"url": "u"}}
    candidate = folded(
        chunk({"content": "x"}),
        chunk({"annotations": [note]}),
        chunk({"images": [image]}),
        chunk({"refusal": "no"}),
        STOP,
        DONE,
    )
    text, picture, refusal = candidate.parts
    assert text.extra["openai_chat"]["annotations"] == [note]
    assert isinstance(picture, ir.Image)
    assert refusal == ir.Refusal("no")


def test_sound_is_gathered_and_its_transcript_is_text():
    candidate = folded(
        chunk({"audio": {"id": "a", "transcript": "he"}}),
        chunk({"audio": {"transcript": "y"}}),
        chunk({"audio": {"data": "AA"}}),
        chunk({"audio": {"data": "=="}}),
        STOP,
        DONE,
    )
    text, sound = candidate.parts
    assert isinstance(text, ir.Text)
    assert text.text == "hey"
    assert isinstance(sound, ir.Audio)
    assert sound.data == "AA=="


def test_logprobs_are_gathered():
    one, two = {"content": [{"token": "a"}], "refusal": None}, {"content": [{"token": "b"}], "refusal": None}
    candidate = folded(
        chunk({"content": "a"}, logprobs=one), chunk({"content": "b"}, logprobs=two), STOP, DONE
    )
    assert candidate.logprobs == {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}


def test_several_choices_keep_apart():
    response = ir.fold(
        parse(
            chunk({"content": "a"}),
            chunk({"content": "b"}, index=1),
            chunk(finish="stop"),
            chunk(finish="length", index=1),
            DONE,
        )
    )
    assert [(texts(c)[0][1], c.finish_reason) for c in response.candidates] == [
        ("a", "stop"),
        ("b", "length"),
    ]


# ---- Messages in the place of deltas ---------------------------------------------------------------------


def test_messages_instead_of_deltas():
    one = {**HEAD, "choices": [{"message": {"content": "a"}}]}
    two = {**HEAD, "choices": [{"message": {"content": "b"}, "finish_reason": "stop"}]}
    assert texts(folded(one, two)) == [(ir.Text, "ab")]


def test_messages_that_repeat_all_so_far():
    one = {**HEAD, "choices": [{"message": {"content": "a"}}]}
    two = {**HEAD, "choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}]}
    assert texts(folded(one, two)) == [(ir.Text, "ab")]


def test_a_last_message_that_repeats_the_deltas_is_not_said_twice():
    last = chunk(
        {"role": "assistant", "content": ""}, "stop", message={"role": "assistant", "content": "abc"}
    )
    assert texts(
        folded(chunk({"content": "ab"}, message={"content": "ab"}), chunk({"content": "c"}), last)
    ) == [(ir.Text, "abc")]


def test_arguments_that_come_only_in_a_last_message_are_taken():
    tool = {"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}
    last = {
        **HEAD,
        "choices": [{"index": 0, "message": {"tool_calls": [tool]}, "finish_reason": "tool_calls"}],
    }
    assert calls(folded(call(0, "c1", "f", ""), last)) == [("c1", "f", '{"a":1}')]
    assert calls(folded(chunk({"content": "x"}), last)) == [("c1", "f", '{"a":1}')]


# ---- Tool calls ------------------------------------------------------------------------------------------

ENDED = chunk(finish="tool_calls")
CALLS: dict[str, tuple[list[Any], list[tuple[str, str, str]]]] = {
    "by the book": (
        [call(0, "c1", "f", ""), call(0, arguments='{"a"'), call(0, arguments=":1}")],
        [("c1", "f", '{"a":1}')],
    ),
    "two, interleaved": (
        [
            call(0, "c1", "f", ""),
            call(1, "c2", "g", ""),
            call(0, arguments="{"),
            call(1, arguments="{"),
            call(0, arguments="}"),
            call(1, arguments="}"),
        ],
        [("c1", "f", "{}"), ("c2", "g", "{}")],
    ),
    "no index: a new id is a new call": (
        [call(None, "c1", "f", '{"a":'), call(None, arguments="1}"), call(None, "c2", "g", "{}")],
        [("c1", "f", '{"a":1}'), ("c2", "g", "{}")],
    ),
    "one index for two calls": (
        [call(0, "c1", "f", "{}"), call(0, "c2", "g", "{}")],
        [("c1", "f", "{}"), ("c2", "g", "{}")],
    ),
    "id and name repeated": ([call(0, "c1", "f", "{"), call(0, "c1", "f", "}")], [("c1", "f", "{}")]),
    "a new id with every delta": ([call(0, "c1", "f", "{"), call(0, "c2", None, "}")], [("c1", "f", "{}")]),
    "cumulative arguments": (
        [
            call(0, "c1", "f", '{"a"'),
            call(0, arguments='{"a":1'),
            call(0, arguments='{"a":1}'),
            call(0, arguments='{"a":1}'),
        ],
        [("c1", "f", '{"a":1}')],
    ),
    "arguments as an object": ([call(0, "c1", "f", {"a": 1})], [("c1", "f", '{"a":1}')]),
    "a placeholder first": (
        [call(0, "c1", "f", "{}"), call(0, arguments='{"a":1}')],
        [("c1", "f", '{"a":1}')],
    ),
    "no arguments at all": ([call(0, "c1", "f")], [("c1", "f", "")]),
    "the name after the arguments": (
        [call(0, "c1", "", '{"a":'), call(0, name="f", arguments="1}")],
        [("c1", "f", '{"a":1}')],
    ),
    "empty calls between": (
        [call(0, "c1", "f", "{}"), chunk({"tool_calls": [{"index": 0, "function": None}, {}]})],
        [("c1", "f", "{}")],
    ),
    "never a name": ([chunk({"content": "x"}), call(0, "c1", "", "{}")], []),
    "text between": (
        [call(0, "c1", "f", "{}"), chunk({"content": "x"}), call(1, "c2", "g", "{}")],
        [("c1", "f", "{}"), ("c2", "g", "{}")],
    ),
    "after the finish reason": ([chunk(finish="stop"), call(0, "c1", "f", "{}")], [("c1", "f", "{}")]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_put_together_whatever_the_server_does(name):
    chunks, expected = CALLS[name]
    candidate = folded(*chunks, ENDED, DONE)
    assert calls(candidate) == expected
    assert candidate.finish_reason == ("tool_calls" if expected else "stop")


def test_a_missing_id_is_made_up():
    ((identity, name, _),) = calls(folded(call(0, None, "f", "{}"), ENDED, DONE))
    assert name == "f"
    assert identity.startswith("call_")


def test_a_signature_may_come_late():
    signature = {"google": {"thought_signature": "s"}}
    candidate = folded(call(0, "c1", "f", "{}"), call(0, extra_content=signature), ENDED, DONE)
    assert isinstance(candidate.parts[0], ir.ToolCall)
    assert candidate.parts[0].signature == "s"


def test_legacy_and_custom_calls():
    legacy = folded(
        chunk({"function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}),
        chunk(finish="function_call"),
        DONE,
    )
    assert [(name, arguments) for _, name, arguments in calls(legacy)] == [("f", "{}")]
    assert legacy.finish_reason == "tool_calls"
    custom = chunk(
        {"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": "**"}}]}
    )
    part = folded(custom, ENDED, DONE).parts[0]
    assert isinstance(part, ir.ToolCall)
    assert (part.kind, part.arguments) == ("custom", "**")


# ---- Ends ------------------------------------------------------------------------------------------------


def test_two_finish_reasons_are_one():
    events = parse(chunk({"content": "a"}), chunk(finish="stop"), chunk({"content": ""}, "stop"), DONE)
    assert sum(isinstance(event, ir.Finished) for event in events) == 1


def test_usage_after_the_finish_and_in_every_chunk():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    events = parse(
        {**chunk({"content": "a"}), "usage": usage},
        {**STOP, "usage": usage},
        {**HEAD, "choices": [], "usage": {**usage, "completion_tokens": 4}},
        DONE,
    )
    assert [event.usage for event in events if isinstance(event, ir.UsageReported)] == [
        Usage(1, 2),
        Usage(1, 4),
    ]
    groq = {**STOP, "x_groq": {"id": "x", "usage": usage}}
    assert ir.UsageReported(Usage(1, 2)) in parse(chunk({"content": "a"}), groq, DONE)


def test_an_end_without_done_needs_a_finish_reason():
    assert isinstance(parse(chunk({"content": "a"}), STOP)[-1], ir.Finished)
    cut = parse(chunk({"content": "a"}))
    assert isinstance(cut[-1], ir.Errored)
    assert not any(isinstance(event, ir.Finished) for event in cut)


def test_done_without_a_finish_reason_is_an_end_where_something_was_said():
    assert folded(chunk({"content": "a"}), DONE).finish_reason == "stop"
    assert folded(call(0, "c", "f", "{}"), DONE).finish_reason == "tool_calls"
    assert isinstance(parse(chunk({"role": "assistant"}), DONE)[-1], ir.Errored)


@pytest.mark.parametrize("chunks", [[], [DONE], [{**HEAD, "choices": []}, DONE], ['"ping"', DONE]])
def test_an_empty_stream_is_an_error(chunks):
    assert isinstance(parse(*chunks)[-1], ir.Errored)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"error": {"message": "boom", "code": 429}}, 429),
        (
            {
                "error": {"message": "boom"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            },
            502,
        ),
        ({"x_groq": {"error": {"message": "boom"}}, "choices": []}, 502),
        ({"error": "boom"}, 502),
        ({"object": "error", "message": "boom"}, 502),
    ],
)
def test_an_error_inside_of_the_stream_ends_it(error, status):
    events = parse(chunk({"content": "a"}), error, chunk({"content": "b"}), DONE)
    assert events[-1] == ir.Errored("boom", status, events[-1].code)


def test_an_error_event_without_an_envelope_is_one():
    parser = CHAT.stream_parser()
    data = b'{"message": "boom"}'
    (error,) = parser.feed(ServerEvent(data, data, b"error"))
    assert isinstance(error, ir.Errored)
    assert error.message == "boom"


def test_what_is_not_json_is_an_error_and_what_is_no_object_is_not():
    assert isinstance(parse(chunk({"content": "a"}), "{broken")[-1], ir.Errored)
    assert folded(chunk({"content": "a"}), "null", "[]", STOP, DONE).finish_reason == "stop"


def test_a_model_fault_is_the_reason_of_the_end():
    assert folded(chunk(finish="network_error"), DONE).finish_reason == "error"
    assert folded(chunk({"content": "a"}), chunk(finish="error"), DONE).finish_reason == "error"


def test_an_azure_chunk_without_choices_may_come_first():
    azure = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": []}
    assert parse(azure, chunk({"content": "a"}), STOP, DONE)[0] == ir.Started("chatcmpl-1", "m", 1)


# ---- Emit ------------------------------------------------------------------------------------------------


def emit(*events: ir.Event, **asked: Any) -> list[Any]:
    emitter = CHAT.stream_emitter(ir.Request("asked", [], **asked))
    raw = b"".join(emitter.emit(event) for event in events) + emitter.close()
    decoder = Decoder()
    blocks = [event.data for event in decoder.feed(raw) + decoder.flush()]
    chunks = [DONE if block == b"[DONE]" else json.loads(block) for block in blocks]
    for item in chunks:
        if item != DONE and "error" not in item:
            ChatCompletionChunk.model_validate(item, strict=True)
    return chunks


def deltas(chunks: list[Any]) -> list[Any]:
    return [c["choices"][0]["delta"] for c in chunks if c != DONE and c["choices"]]


STARTED, FINISHED = ir.Started("x", "claude", 5), ir.Finished("stop")


def test_an_emitted_stream_follows_the_grammar():
    chunks = emit(
        STARTED, ir.PartStarted(0, ir.Text("")), ir.PartDelta(0, 'a"\n\ud83d'), ir.PartEnded(0), FINISHED
    )
    assert deltas(chunks) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": 'a"\n\ud83d'},
        {},
    ]
    assert [c["choices"][0]["finish_reason"] for c in chunks[:-1]] == [None, None, "stop"]
    assert {(c["id"], c["created"], c["model"]) for c in chunks[:-1]} == {("chatcmpl-x", 5, "claude")}
    assert chunks[-1] == DONE


def test_usage_is_sent_to_those_who_asked():
    events = (
        STARTED,
        ir.PartStarted(0, ir.Text("a")),
        ir.PartEnded(0),
        FINISHED,
        ir.UsageReported(Usage(3, 4, reasoning_tokens=1)),
    )
    assert all("usage" not in c for c in emit(*events)[:-1])
    asked = emit(*events, include_usage=True)
    assert asked[0]["usage"] is None
    assert asked[-2]["choices"] == []
    assert asked[-2]["usage"]["total_tokens"] == 7


def test_parallel_calls_are_numbered_by_their_order_whatever_their_parts():
    chunks = emit(
        STARTED,
        ir.PartStarted(0, ir.Reasoning("hm")),
        ir.PartEnded(0),
        ir.PartStarted(3, ir.ToolCall("c1", "f")),
        ir.PartStarted(4, ir.ToolCall("c2", "g", signature="s")),
        ir.PartDelta(4, "{}"),
        ir.PartDelta(3, "[]"),
        ir.PartEnded(3),
        ir.PartEnded(4),
        ir.Finished("tool_calls"),
    )
    said = [delta["tool_calls"][0] for delta in deltas(chunks) if "tool_calls" in delta]
    assert said[0] == {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert said[1]["extra_content"] == {"google": {"thought_signature": "s"}}
    assert said[2:] == [
        {"index": 1, "function": {"arguments": "{}"}},
        {"index": 0, "function": {"arguments": "[]"}},
    ]


def test_thoughts_are_shown_apart_and_signed_blocks_come_whole():
    chunks = emit(
        STARTED,
        ir.PartStarted(0, ir.Reasoning("")),
        ir.PartDelta(0, "a"),
        ir.PartDelta(0, "b"),
        ir.PartEnded(0, ir.Reasoning(signature="s", vendor="anthropic")),
        ir.PartStarted(1, ir.Reasoning(redacted="d", vendor="anthropic")),
        ir.PartEnded(1),
        ir.PartStarted(2, ir.Reasoning("")),
        ir.PartDelta(2, "c"),
        ir.PartEnded(2),
        FINISHED,
    )
    said = deltas(chunks)
    assert "".join(delta.get("reasoning_content", "") for delta in said) == "ab\n\nc"
    blocks = [block for delta in said for block in delta.get("thinking_blocks", ())]
    assert blocks == [
        {"type": "thinking", "thinking": "ab", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ]


def test_what_is_a_list_comes_once_and_openais_own_sdk_puts_it_together():
    note = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "a"}}
    image = ir.Image("image/png", "AA==")
    events: list[ir.Event] = [STARTED]
    for number, thought in enumerate(("a", "b")):
        events += [
            ir.PartStarted(number, ir.Reasoning(thought)),
            ir.PartEnded(number, ir.Reasoning(signature="s", vendor="anthropic")),
            ir.PartStarted(number + 2, ir.Text(thought)),
            ir.PartEnded(number + 2, ir.Text("", extra={"openai_chat": {"annotations": [note]}})),
            ir.PartStarted(number + 4, image),
            ir.PartEnded(number + 4),
        ]
    message: dict[object, object] = {}
    for delta in deltas(emit(*events, FINISHED)):
        message = accumulate_delta(message, delta)
    blocks = [{"type": "thinking", "thinking": thought, "signature": "s"} for thought in ("a", "b")]
    assert message["thinking_blocks"] == blocks
    assert message["annotations"] == [note, note]
    assert isinstance(message["images"], list)
    assert len(message["images"]) == 2


def test_an_error_is_the_last_thing_said():
    chunks = emit(STARTED, ir.PartStarted(0, ir.Text("a")), ir.Errored("boom", 529, "overloaded"))
    assert chunks[-1]["error"]["message"] == "boom"
    assert DONE not in chunks


def test_an_end_that_never_came_is_no_normal_end():
    chunks = emit(STARTED, ir.PartStarted(0, ir.Text("a")))
    assert "error" in chunks[-1]


def test_a_client_of_the_legacy_functions_gets_function_call_deltas():
    asked = CHAT.parse_request(
        {"messages": [{"role": "user", "content": "x"}], "functions": [{"name": "f"}]}, "m", True
    )
    chunks = emit(
        STARTED,
        ir.PartStarted(0, ir.ToolCall("c", "f")),
        ir.PartDelta(0, "{}"),
        ir.PartEnded(0),
        ir.Finished("tool_calls"),
        tools=asked.tools,
    )
    said = deltas(chunks)
    assert said[1:3] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "function_call"


def test_a_stream_without_content_still_has_a_role_and_an_end():
    assert deltas(emit(STARTED, FINISHED)) == [{"role": "assistant", "content": "", "refusal": None}, {}]


@pytest.mark.parametrize("name", CALLS)
def test_what_was_parsed_is_emitted_with_the_same_meaning(name):
    events = parse(*CALLS[name][0], ENDED, DONE)
    again = parse(*emit(*events))
    assert calls(ir.fold(again).candidates[0]) == CALLS[name][1]
