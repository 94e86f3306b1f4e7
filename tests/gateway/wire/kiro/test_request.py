from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import get_format, history, ir, tools
from gateway.wire.base import ModelProfile
from gateway.wire.kiro.request import MAX_DESCRIPTION, model_id

KIRO = get_format("kiro")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PROFILE = ModelProfile(provider="kiro", model="claude-sonnet-4.5", reasoning="budget", vision=True)


def emit(request: ir.Request, profile: ModelProfile = PROFILE) -> dict[str, Any]:
    adapted, _ = tools.adapt(request, KIRO.rules)
    return KIRO.emit_request(history.repair(adapted, KIRO.rules), profile)


def ask(*messages: ir.Message, **more: Any) -> ir.Request:
    return ir.Request("m", list(messages), **more)


def user(*parts: ir.Part | str) -> ir.Message:
    return ir.Message("user", [ir.Text(part) if isinstance(part, str) else part for part in parts])


def model(*parts: ir.Part | str) -> ir.Message:
    return ir.Message("assistant", [ir.Text(part) if isinstance(part, str) else part for part in parts])


def current(body: dict[str, Any]) -> Any:
    return body["conversationState"]["currentMessage"]["userInputMessage"]


def past(body: dict[str, Any]) -> Any:
    return body["conversationState"]["history"]


CALL = ir.ToolCall("t1", "look", '{"city":"Rome"}')
LOOK = ir.Tool("look", "Looks.", {"type": "object", "properties": {"city": {"type": "string"}}})


def test_a_question_is_the_current_message() -> None:
    body = emit(ask(user("Hi"), system=[ir.Text("Be brief.")], max_output_tokens=9, temperature=0.5))
    assert current(body) == {
        "content": "Be brief.\n\nHi",
        "modelId": "claude-sonnet-4.5",
        "origin": "AI_EDITOR",
    }
    assert past(body) == []
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5}
    assert body["conversationState"]["chatTriggerType"] == "MANUAL"
    assert set(body) == {"conversationState", "inferenceConfig"}


def test_a_conversation_keeps_its_id_from_turn_to_turn() -> None:
    first = emit(ask(user("Hi")))["conversationState"]["conversationId"]
    later = emit(ask(user("Hi"), model("Yes?"), user("Bye")))["conversationState"]["conversationId"]
    assert first == later == str(uuid.UUID(first))
    assert emit(ask(user("Ho")))["conversationState"]["conversationId"] != first


def test_a_tools_answer_is_the_context_of_the_current_message() -> None:
    result = ir.ToolResult("t1", [ir.Text("Sunny")])
    body = emit(ask(user("Weather?"), model("Let me see.", CALL), user(result), tools=[LOOK]))
    asked, called = past(body)
    assert asked["userInputMessage"]["content"] == "Weather?"
    assert called == {
        "assistantResponseMessage": {
            "content": "Let me see.",
            "toolUses": [{"toolUseId": "t1", "name": "look", "input": {"city": "Rome"}}],
        }
    }
    context = current(body)["userInputMessageContext"]
    assert current(body)["content"] == "continue"
    assert context["toolResults"] == [
        {"toolUseId": "t1", "status": "success", "content": [{"text": "Sunny"}]}
    ]
    (tool,) = context["tools"]
    assert tool["toolSpecification"]["description"] == "Looks."
    assert tool["toolSpecification"]["inputSchema"]["json"]["required"] == []


def test_a_failed_call_and_an_empty_result_say_so() -> None:
    result = ir.ToolResult("t1", [], is_error=True)
    (sent,) = current(emit(ask(user("?"), model(CALL), user(result))))["userInputMessageContext"][
        "toolResults"
    ]
    assert sent["status"] == "error"
    assert sent["content"][0]["text"]


def test_a_tool_that_only_the_history_knows_is_offered() -> None:
    body = emit(ask(user("?"), model(CALL), user(ir.ToolResult("t1", [ir.Text("x")]))))
    (tool,) = current(body)["userInputMessageContext"]["tools"]
    assert tool["toolSpecification"]["name"] == "look"
    assert tool["toolSpecification"]["description"]


def test_descriptions_are_never_empty_and_never_too_long() -> None:
    body = emit(ask(user("?"), tools=[ir.Tool("a"), ir.Tool("b", "x" * 20_000)]))
    first, second = (tool["toolSpecification"] for tool in current(body)["userInputMessageContext"]["tools"])
    assert first["description"] == "The tool a."
    assert len(second["description"]) == MAX_DESCRIPTION


def test_a_result_without_its_call_is_text() -> None:
    body = emit(ask(user("?"), model("x"), user(ir.ToolResult("lost", [ir.Text("Sunny")]))))
    assert current(body)["content"] == "Sunny"
    assert "userInputMessageContext" not in current(body)


def test_the_users_is_the_last_word() -> None:
    body = emit(ask(user("Write."), model("Once upon")))
    assert current(body)["content"] == "continue"
    assert past(body)[-1] == {"assistantResponseMessage": {"content": "Once upon"}}


def test_pictures_go_to_claude_only_also_those_of_a_tool() -> None:
    picture = ir.Image("image/png", PNG)
    body = emit(ask(user("Look", picture)))
    assert current(body)["images"] == [{"format": "png", "source": {"bytes": PNG}}]
    shown = emit(ask(user("?"), model(CALL), user(ir.ToolResult("t1", [picture]))))
    assert len(current(shown)["images"]) == 1
    request = ask(user("Look", picture))
    blind = KIRO.emit_request(request, ModelProfile(model="deepseek-3.2", vision=True))
    assert "images" not in current(blind)
    assert "image" in request.dropped


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5[1m]", "claude-sonnet-4.5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-sonnet-4.5", "claude-sonnet-4.5"),
        ("claude-sonnet-5", "claude-sonnet-5"),
        ("deepseek-3.2", "deepseek-3.2"),
    ],
)
def test_versions_have_dots(asked: str, expected: str) -> None:
    assert model_id(asked) == expected


def test_thinking_is_asked_for_in_words_where_the_model_has_a_budget() -> None:
    body = emit(ask(user("Hi"), reasoning=ir.ReasoningRequest(enabled=True, budget=4000)))
    start = "<thinking_mode>enabled</thinking_mode><max_thinking_length>4000</max_thinking_length>"
    assert current(body)["content"] == f"{start}\n\nHi"


def test_newer_models_are_asked_to_think_in_a_field() -> None:
    profile = ModelProfile(provider="kiro", model="claude-sonnet-5", reasoning="adaptive")
    asked = ask(user("Hi"), reasoning=ir.ReasoningRequest(effort="high"), temperature=1, max_output_tokens=99)
    body = emit(asked, profile)
    assert body["additionalModelRequestFields"] == {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "high"},
        "max_tokens": 99,
    }
    assert body["inferenceConfig"] == {"maxTokens": 99}


def test_wishes_that_have_no_field_become_words() -> None:
    choice = ir.ToolChoice("any", ("look",))
    assert (
        "calling the tool look" in current(emit(ask(user("?"), tools=[LOOK], tool_choice=choice)))["content"]
    )
    wanted = ir.ResponseFormat("json_schema", schema={"type": "object"})
    assert '{"type":"object"}' in current(emit(ask(user("?"), response_format=wanted)))["content"]


_RESULTS = (ir.ToolResult("1", [ir.Text("r")]), ir.ToolResult("2", []))
_CALLS = (ir.ToolCall("1", "f", "{}"), ir.ToolCall("2", "g", "no json"))
_SAID = (ir.Text("a"), ir.Text(""), ir.Image("image/png", PNG), ir.Reasoning("t"), ir.File(text="doc"))
PARTS = st.sampled_from([*_SAID, *_CALLS, *_RESULTS])
ROLES = st.sampled_from(["user", "assistant", "system", "developer"])
MESSAGES = st.lists(st.builds(ir.Message, ROLES, st.lists(PARTS, max_size=4)), max_size=7)


@settings(max_examples=200, deadline=None)
@given(MESSAGES)
def test_any_history_becomes_one_that_alternates(messages: list[ir.Message]) -> None:
    body = emit(ask(*messages))
    turns = [*past(body), {"userInputMessage": current(body)}]
    kinds = [next(iter(turn)) for turn in turns]
    assert kinds == (["userInputMessage", "assistantResponseMessage"] * len(turns))[: len(turns)]
    calls: list[str] = []
    for turn in turns:
        (said,) = turn.values()
        assert said["content"]
        results = [r["toolUseId"] for r in said.get("userInputMessageContext", {}).get("toolResults", [])]
        assert results == calls
        calls = [call["toolUseId"] for call in said.get("toolUses", [])]
    assert calls == []
