"""Ollama's chat as a client's format: what becomes of its bodies, and what its lines say."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.wire import get_format, ir, json
from omniroute.errors import InvalidRequest
from omniroute.types import Usage

OLLAMA = get_format("ollama")
CALL = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}


def parsed(**body: Any) -> ir.Request:
    body.setdefault("messages", [{"role": "user", "content": "Hi"}])
    return OLLAMA.parse_request({"model": "m", **body}, "m", False)


def lines(*events: ir.Event) -> list[dict[str, Any]]:
    emitter = OLLAMA.stream_emitter(parsed())
    text = b"".join([*map(emitter.emit, events), emitter.close()])
    return [json.loads(each) for each in text.splitlines()]


def test_options_are_put_into_openais_words():
    options = {"temperature": 0.5, "num_predict": 7, "top_k": 3, "stop": ["x"], "num_ctx": 4096, "seed": 1}
    asked = parsed(options=options, format={"type": "object"}, think="high")
    assert (asked.temperature, asked.max_output_tokens, asked.top_k, asked.stop, asked.seed) == (
        0.5,
        7,
        3,
        ["x"],
        1,
    )
    body = get_format("openai_chat").emit_request(asked, get_profile())
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert body["reasoning_effort"] == "high"
    assert "max_tokens" not in get_format("openai_chat").emit_request(
        parsed(options={"num_predict": -1}), get_profile()
    )


def get_profile() -> Any:
    from gateway.wire.base import ModelProfile

    return ModelProfile(provider="openai", model="m", reasoning="effort")


def test_results_find_their_calls_by_name_or_by_order():
    two = [CALL, {"function": {"name": "time", "arguments": {}}}]
    asked = parsed(
        messages=[
            {"role": "user", "content": "Hi", "images": ["iVBORw0KGgo="]},
            {"role": "assistant", "content": "", "tool_calls": two},
            {"role": "tool", "tool_name": "time", "content": "noon"},
            {"role": "tool", "content": "rain"},
        ]
    )
    chat = get_format("openai_chat").emit_request(asked, get_profile())["messages"]
    image = chat[0]["content"][1]["image_url"]["url"]
    assert image == "data:image/png;base64,iVBORw0KGgo="
    ids = {call["function"]["name"]: call["id"] for call in chat[1]["tool_calls"]}
    results = {message["tool_call_id"]: message["content"] for message in chat[2:]}
    assert results == {ids["time"]: "noon", ids["weather"]: "rain"}


@pytest.mark.parametrize("messages", [None, "Hi", ["Hi"], [{"role": "assistant", "tool_calls": [{}]}]])
def test_bad_messages_are_refused(messages: Any):
    with pytest.raises(InvalidRequest) as refused:
        parsed(messages=messages)
    assert refused.value.param == "messages"


def test_a_stream_is_lines_that_end_with_what_was_counted():
    said = lines(
        ir.Started(model="served"),
        ir.PartStarted(0, ir.Reasoning("hm")),
        ir.PartEnded(0),
        ir.PartStarted(1, ir.Text("")),
        ir.PartDelta(1, "Hello"),
        ir.PartEnded(1),
        ir.PartStarted(2, ir.ToolCall("call_1", "weather")),
        ir.PartDelta(2, '{"city": '),
        ir.PartDelta(2, '"Oslo"}'),
        ir.PartEnded(2),
        ir.Finished("tool_calls"),
        ir.UsageReported(Usage(input_tokens=5, output_tokens=3)),
    )
    assert [line["message"].get("thinking") for line in said] == ["hm", None, None, None]
    assert [line["message"]["content"] for line in said] == ["", "Hello", "", ""]
    assert said[2]["message"]["tool_calls"] == [CALL]
    assert [line["done"] for line in said] == [False, False, False, True]
    end = said[-1]
    assert (end["done_reason"], end["prompt_eval_count"], end["eval_count"], end["model"]) == (
        "stop",
        5,
        3,
        "served",
    )


def test_a_stream_that_broke_says_so_and_has_no_end():
    assert "error" in lines(ir.PartStarted(0, ir.Text("Hel")))[-1]
    assert lines(ir.PartStarted(0, ir.Text("Hel")), ir.Errored("gone"))[-1] == {"error": "gone"}


def test_a_whole_answer_has_all_of_it():
    candidate = ir.Candidate(
        [ir.Reasoning("hm"), ir.Text("Hi"), ir.ToolCall("1", "weather", '{"city": "Oslo"}')], "length"
    )
    response = ir.Response(
        model="served", candidates=[candidate], usage=Usage(input_tokens=5, output_tokens=3)
    )
    told = OLLAMA.emit_response(response, parsed())
    assert told["message"] == {"role": "assistant", "content": "Hi", "thinking": "hm", "tool_calls": [CALL]}
    assert (told["done"], told["done_reason"], told["eval_count"]) == (True, "length", 3)
