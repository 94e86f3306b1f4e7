import pytest

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from tests.gateway.wire.anthropic_messages.made_up import (
    FORMAT,
    HAIKU_3,
    OPUS,
    WEATHER,
    assistant,
    emit,
    foreign,
    user,
)


def test_tools_get_a_schema_of_an_object():
    body = emit(foreign(tools=[ir.Tool("f", "does", None, True), ir.Tool("g", parameters=WEATHER)]))
    assert body["tools"][0] == {
        "name": "f",
        "description": "does",
        "input_schema": {"type": "object", "properties": {}},
    }
    assert body["tools"][1] == {"name": "g", "input_schema": WEATHER}


@pytest.mark.parametrize(
    ("choice", "parallel", "emitted"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ir.ToolChoice("auto"), None, {"type": "auto"}),
        (ir.ToolChoice("any"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ir.ToolChoice("any", ("f",)), None, {"type": "tool", "name": "f"}),
        (ir.ToolChoice("none"), False, {"type": "none"}),
    ],
)
def test_the_choice_among_tools(choice, parallel, emitted):
    request = foreign(tools=[ir.Tool("f")], tool_choice=choice, parallel_tool_calls=parallel)
    assert emit(request).get("tool_choice") == emitted


def test_allowed_tools_are_chosen_by_leaving_out_the_others():
    tools = [ir.Tool("f"), ir.Tool("g"), ir.Tool("h")]
    body = emit(foreign(tools=tools, tool_choice=ir.ToolChoice("any", ("f", "h"))))
    assert [tool["name"] for tool in body["tools"]] == ["f", "h"]
    assert body["tool_choice"] == {"type": "any"}


def test_without_tools_there_is_no_choice():
    request = foreign(
        tools=[ir.Tool("web_search", kind="hosted", format="openai_responses", raw={"type": "web_search"})],
        tool_choice=ir.ToolChoice("any"),
    )
    body = emit(request)
    assert "tools" not in body
    assert "tool_choice" not in body
    assert request.dropped == ["tools.web_search"]


def test_a_tool_that_is_not_there_is_not_forced():
    hosted = ir.Tool("web_search", kind="hosted", format="openai_responses", raw={"type": "web_search"})
    request = foreign(tools=[ir.Tool("f"), hosted], tool_choice=ir.ToolChoice("any", ("web_search",)))
    assert "tool_choice" not in emit(request)
    assert request.dropped == ["tools.web_search", "tool_choice"]


def test_sampling_stays_within_what_claude_takes():
    request = foreign(temperature=1.7, top_p=0.5, top_k=7)
    body = emit(request)
    assert (body["temperature"], body["top_k"]) == (1, 7)
    assert "top_p" not in body
    assert request.dropped == ["top_p"]
    assert emit(foreign(top_p=0.5))["top_p"] == 0.5


def test_the_newest_models_get_no_sampling_at_all():
    request = foreign(temperature=0.5, top_p=0.5, top_k=7)
    assert not {"temperature", "top_p", "top_k"} & emit(request, OPUS).keys()
    assert request.dropped == ["temperature", "top_p", "top_k"]


def test_thinking_and_what_it_forbids():
    request = foreign(
        reasoning=ir.ReasoningRequest(effort="medium"), temperature=0.3, top_k=7, max_output_tokens=20000
    )
    body = emit(request)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    assert not {"temperature", "top_k"} & body.keys()
    assert request.dropped == ["temperature", "top_k"]


def test_newer_models_get_an_effort():
    body = emit(foreign(reasoning=ir.ReasoningRequest(effort="xhigh")), OPUS)
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "xhigh"}


def test_a_forced_tool_wins_over_thinking():
    body = emit(
        foreign(
            tools=[ir.Tool("f")],
            tool_choice=ir.ToolChoice("any"),
            reasoning=ir.ReasoningRequest(effort="high"),
        )
    )
    assert "thinking" not in body
    assert body["tool_choice"] == {"type": "any"}


def test_a_chain_of_calls_without_proof_goes_on_without_thinking():
    history = [user(ir.Text("a")), assistant(ir.ToolCall("1", "f")), user(ir.ToolResult("1", [ir.Text("x")]))]
    asked = ir.ReasoningRequest(effort="high")
    assert "thinking" not in emit(foreign(*history, reasoning=asked))
    history[1].parts.insert(0, ir.Reasoning("t", "sig", vendor="anthropic"))
    assert "thinking" in emit(foreign(*history, reasoning=asked))


def test_a_prefill_loses_its_trailing_white_space_or_gets_an_answer():
    turns = (user(ir.Text("Count.")), assistant(ir.Text("One, two, ")))
    assert emit(foreign(*turns))["messages"][-1] == {"role": "assistant", "content": "One, two,"}
    assert emit(foreign(*turns), OPUS)["messages"][-1] == {"role": "user", "content": "Continue."}


def test_stop_sequences_must_not_be_blank():
    request = foreign(stop=["END", "\n", " x"])
    assert emit(request)["stop_sequences"] == ["END", " x"]
    assert request.dropped == []


def test_what_claude_has_no_word_for_is_noted():
    request = foreign(
        seed=1,
        n=2,
        frequency_penalty=0.5,
        logprobs=True,
        metadata={"a": "b"},
        user="u" * 10,
        service_tier="default",
    )
    body = emit(request)
    assert body["metadata"] == {"user_id": "uuuuuuuuuu"}
    assert body["service_tier"] == "standard_only"
    assert sorted(request.dropped) == ["frequency_penalty", "logprobs", "metadata", "n", "seed"]


def test_a_schema_for_the_answer_is_native_where_the_model_has_it():
    wanted = ir.ResponseFormat("json_schema", "weather", schema={**WEATHER, "minProperties": 1})
    body = emit(foreign(response_format=wanted))
    form = body["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False
    assert "minProperties" not in form["schema"]


def test_a_schema_for_the_answer_is_a_forced_tool_on_older_models():
    body = emit(foreign(response_format=ir.ResponseFormat("json_schema", schema=WEATHER)), HAIKU_3)
    assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
    assert body["tools"][0]["input_schema"] == WEATHER
    reply = {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": {"city": "Bonn"}}
    answer = FORMAT.parse_response({"content": [reply], "stop_reason": "tool_use"})
    assert answer.candidates[0].parts == [ir.Text('{"city":"Bonn"}')]
    assert answer.candidates[0].finish_reason == "stop"


def test_a_schema_for_the_answer_is_an_instruction_where_tools_are_needed():
    wanted = ir.ResponseFormat("json_schema", schema=WEATHER)
    body = emit(foreign(response_format=wanted, tools=[ir.Tool("f")]), HAIKU_3)
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert '"city"' in body["system"]


def test_a_schema_for_the_answer_does_not_stop_an_older_model_from_thinking():
    old = ModelProfile(model="claude-3-7-sonnet-20250219", vendor="anthropic")
    wanted = ir.ResponseFormat("json_schema", schema=WEATHER)
    asked = ir.ReasoningRequest(effort="low")
    body = emit(foreign(response_format=wanted, reasoning=asked), old)
    assert body["thinking"]["budget_tokens"] == 2048
    assert '"city"' in body["system"]
    assert "tools" in emit(foreign(response_format=wanted, reasoning=asked), HAIKU_3)


def test_json_without_a_schema_is_an_instruction_unless_there_is_one():
    wanted = ir.ResponseFormat("json_object")
    assert "JSON" in emit(foreign(response_format=wanted))["system"]
    assert "system" not in emit(foreign(user(ir.Text("Answer in JSON.")), response_format=wanted))
