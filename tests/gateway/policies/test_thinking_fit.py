from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.passage.base import Ends
from gateway.passage.other_format import OtherFormat
from gateway.passage.same_format import SameFormat
from gateway.policies import Policies, apply
from gateway.policies.thinking import ThinkingPolicy
from gateway.policies.thinking_fit import fit
from gateway.wire import get_format, json
from gateway.wire.base import ModelProfile
from tests.gateway.policies.test_policies import USER, inbound
from tests.gateway.policies.test_thinking import BODY


def fitted(format: str, model: str, budget: int, **more: Any) -> dict[str, Any]:
    """What reaches `model` under a custom budget, beyond the conversation."""
    request = apply(inbound(format, {**BODY[format], **more}), Policies("", ThinkingPolicy("custom", budget)))
    client = get_format(format)
    provider = get_format(client.provider_format or format)
    way = (SameFormat if client is provider else OtherFormat)(
        Ends(request, client, provider, ModelProfile(model=model))
    )
    fields = way.fields()
    fit(fields, way)
    conversation = {"model", "messages", "input", "contents", "prompt", "stream"}
    return {name: value for name, value in json.decode_all(fields).items() if name not in conversation}


def claude(model: str, budget: int, **more: Any) -> dict[str, Any]:
    return fitted("anthropic_messages", model, budget, **{"max_tokens": 30_000, **more})


@pytest.mark.parametrize(
    ("budget", "max_tokens", "thinking"),
    [
        (20_000, 30_000, {"type": "enabled", "budget_tokens": 20_000}),
        (20_000, 8000, {"type": "enabled", "budget_tokens": 7999}),
        (20_000, 1024, None),
        (10, 8000, {"type": "enabled", "budget_tokens": 1024}),
        (0, 8000, {"type": "disabled"}),
    ],
)
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "some-clone"])
def test_claudes_budget_stays_between_1024_and_max_tokens(model, budget, max_tokens, thinking):
    fields = claude(model, budget, max_tokens=max_tokens)
    assert fields.get("thinking") == thinking
    assert fields["max_tokens"] == max_tokens


def test_claude_without_budgets_gets_an_effort():
    fields = claude(
        "claude-opus-4-7", 20_000, output_config={"format": {"type": "json_schema"}, "effort": "low"}
    )
    assert fields["thinking"] == {"type": "adaptive"}
    assert fields["output_config"] == {"format": {"type": "json_schema"}, "effort": "high"}


def test_a_model_that_does_not_think_is_not_asked_to():
    for budget in (0, 20_000):
        assert "thinking" not in claude("claude-3-5-haiku", budget, thinking={"type": "adaptive"})
        assert fitted("openai_chat", "gpt-4o", budget, reasoning_effort="low") == {}
        assert fitted("openai_responses", "gpt-4.1", budget, reasoning={"effort": "low"}) == {}
        assert fitted("gemini", "gemini-2.0-flash", budget) == {}


CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
PROVEN = {
    "role": "assistant",
    "content": [{"type": "thinking", "thinking": "", "signature": "s"}, *CALL["content"]],
}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "1"}]}


@pytest.mark.parametrize(
    ("more", "thinks"),
    [
        ({"tool_choice": {"type": "auto"}}, True),
        ({"tool_choice": {"type": "any"}}, False),
        ({"tool_choice": {"type": "tool", "name": "f"}}, False),
        ({"messages": [USER, {"role": "assistant", "content": "Yes, "}]}, False),
        ({"messages": [USER, CALL, RESULT]}, False),
        ({"messages": [USER, PROVEN, RESULT]}, True),
        ({"messages": [USER, CALL, RESULT, {"role": "assistant", "content": "Done"}, USER]}, True),
        ({"messages": [7, {"role": "assistant", "content": [7, None]}, USER]}, True),
    ],
)
def test_claude_does_not_think_where_it_would_refuse_to(more, thinks):
    assert ("thinking" in claude("claude-sonnet-4-5", 5000, **more)) is thinks


def test_sampling_goes_where_claude_thinks():
    fields = claude("claude-sonnet-4-5", 5000, temperature=0.2, top_k=5, top_p=0.9, metadata={})
    assert set(fields) == {"max_tokens", "thinking", "metadata"}
    assert claude("claude-sonnet-4-5", 5000, temperature=1)["temperature"] == 1
    assert claude("claude-sonnet-4-5", 0, temperature=0.2)["temperature"] == 0.2


def test_clearing_of_thoughts_goes_where_claude_does_not_think():
    edits = {"edits": [{"type": "clear_thinking_20251015"}]}
    assert "context_management" not in claude("claude-sonnet-4-5", 0, context_management=edits)


EFFORTS = [
    # model, budget, with a wish of the client's, without
    ("gpt-5.2", 20_000, "high", "high"),
    ("gpt-5.2", 0, "none", "none"),
    ("gpt-5", 0, "minimal", "minimal"),
    ("o3", 0, None, None),
    ("deepseek-reasoner-x", 20_000, "high", None),
    ("deepseek-reasoner-x", 0, "none", None),
]


@pytest.mark.parametrize(("model", "budget", "asked", "unasked"), EFFORTS)
def test_an_openai_effort_is_one_that_the_model_knows(model, budget, asked, unasked):
    assert fitted("openai_chat", model, budget, reasoning_effort="low").get("reasoning_effort") == asked
    assert fitted("openai_completions", model, budget).get("reasoning_effort") == unasked
    assert fitted("openai_chat", model, budget).get("reasoning_effort") == unasked
    wish = {"effort": "low", "summary": "auto"}
    reasoning = fitted("openai_responses", model, budget, reasoning=wish)["reasoning"]
    assert (reasoning.get("effort"), reasoning["summary"]) == (asked, "auto")
    assert fitted("openai_responses", model, budget).get("reasoning", {}).get("effort") == unasked


GEMINI = [
    ("gemini-2.5-pro", 0, {"thinkingBudget": 128}),
    ("gemini-2.5-flash", 0, {"thinkingBudget": 0}),
    ("gemini-2.5-flash", 131_072, {"thinkingBudget": 24_576}),
    ("gemini-3-flash", 20_000, {"thinkingLevel": "high"}),
    ("gemini-3-pro", 0, {"thinkingLevel": "low"}),
    ("something", 20_000, {"thinkingBudget": 20_000}),
]


@pytest.mark.parametrize(("model", "budget", "thinking"), GEMINI)
def test_gemini_gets_the_budget_or_level_that_the_model_knows(model, budget, thinking):
    assert fitted("gemini", model, budget)["generationConfig"] == {"thinkingConfig": thinking}
    if budget:
        shown = {"thinkingConfig": {"includeThoughts": True}}
        expected = {"thinkingConfig": {**thinking, "includeThoughts": True}}
        assert fitted("gemini", model, budget, generationConfig=shown)["generationConfig"] == expected


def test_a_clients_own_wish_is_not_fitted():
    thinking = {"type": "enabled", "budget_tokens": 5}
    request = inbound("anthropic_messages", {**BODY["anthropic_messages"], "thinking": thinking})
    format = get_format("anthropic_messages")
    way = SameFormat(Ends(request, format, format, ModelProfile(model="claude-3-5-haiku")))
    fields = way.fields()
    fit(fields, way)
    assert json.field(fields, "thinking") == thinking


def test_a_translated_request_is_left_to_the_emitters():
    request = replace(inbound("openai_chat", BODY["openai_chat"]), thinking="added")
    way = OtherFormat(
        Ends(request, get_format("openai_chat"), get_format("gemini"), ModelProfile(model="gemini-2.0-flash"))
    )
    fields: dict[str, Any] = {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}
    fit(fields, way)
    assert fields == {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}
