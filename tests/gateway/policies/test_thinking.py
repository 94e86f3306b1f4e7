from __future__ import annotations

from typing import Any

import pytest

from gateway.policies import Policies, apply
from gateway.policies.thinking import ThinkingPolicy, word_for
from gateway.wire import json
from tests.gateway.policies.test_policies import USER, inbound

CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
BODY: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [USER]},
    "openai_completions": {"prompt": "Hi"},
    "openai_responses": {"input": "Hi"},
    "anthropic_messages": {"messages": [USER], "max_tokens": 100},
    "gemini": CONTENTS,
}


def rewritten(format: str, more: dict[str, Any], policy: ThinkingPolicy, model: str = "m") -> tuple[str, Any]:
    """Whose the wish is, and the fields beyond those of `BODY`."""
    request = apply(inbound(format, {**BODY[format], "model": model, **more}), Policies("", policy))
    fields = json.decode_all(dict(request.fields))
    changed = {name: value for name, value in fields.items() if BODY[format].get(name) != value}
    return request.thinking, {name: value for name, value in changed.items() if name != "model"}


WISHES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("openai_chat", {"reasoning_effort": "high"}, {}),
    ("openai_chat", {"reasoning": {"max_tokens": 5}, "thinking": {"type": "enabled"}}, {}),
    ("openai_chat", {"enable_thinking": True, "thinking_budget": 5, "include_reasoning": True}, {}),
    ("openai_chat", {"thinkingLevel": "high", "thinking_level": "low"}, {}),
    (
        "openai_chat",
        {
            "chat_template_kwargs": {"thinking": True, "x": 1},
            "extra_body": {"google": {"thinking_config": {"a": 1}}},
        },
        {"chat_template_kwargs": {"x": 1}},
    ),
    ("openai_completions", {"reasoning_effort": "high"}, {}),
    ("openai_responses", {"reasoning": {"effort": "high", "summary": "auto"}}, {}),
    ("anthropic_messages", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {}),
    (
        "anthropic_messages",
        {"output_config": {"effort": "max", "format": {"type": "json_schema"}}},
        {"output_config": {"format": {"type": "json_schema"}}},
    ),
    (
        "anthropic_messages",
        {
            "thinking": {"type": "enabled", "budget_tokens": 2000},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        },
        {},
    ),
    (
        "anthropic_messages",
        {
            "context_management": {
                "edits": [{"type": "clear_thinking_20251015"}, {"type": "clear_tool_uses_20250919"}]
            }
        },
        {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
    ),
    ("gemini", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, {}),
    (
        "gemini",
        {"generation_config": {"thinking_config": {"thinking_budget": 5}, "top_k": 3}},
        {"generation_config": {"top_k": 3}},
    ),
]


@pytest.mark.parametrize(("format", "wish", "left"), WISHES)
def test_auto_strips_every_wish_to_think(format, wish, left):
    assert rewritten(format, wish, ThinkingPolicy("auto")) == ("client", left)


@pytest.mark.parametrize(("format", "wish", "left"), WISHES)
def test_passthrough_leaves_the_clients_wish(format, wish, left):
    if "thinkingLevel" not in wish:
        assert rewritten(format, wish, ThinkingPolicy("passthrough")) == ("client", wish)


CUSTOM: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # format, wish, with 20000 tokens, with 0
    ("openai_chat", {"reasoning_effort": "low"}, {"reasoning_effort": "high"}, {"reasoning_effort": "none"}),
    (
        "openai_chat",
        {"thinking": {"type": "enabled"}},
        {"reasoning_effort": "high"},
        {"reasoning_effort": "none"},
    ),
    (
        "openai_completions",
        {"reasoning_effort": "low"},
        {"reasoning_effort": "high"},
        {"reasoning_effort": "none"},
    ),
    (
        "openai_responses",
        {"reasoning": {"effort": "low", "summary": "auto"}},
        {"reasoning": {"effort": "high", "summary": "auto"}},
        {"reasoning": {"effort": "none", "summary": "auto"}},
    ),
    (
        "anthropic_messages",
        {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
        {"thinking": {"type": "enabled", "budget_tokens": 20000, "display": "omitted"}},
        {"thinking": {"type": "disabled"}},
    ),
    (
        "gemini",
        {
            "generationConfig": {
                "topK": 3,
                "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True},
            }
        },
        {
            "generationConfig": {
                "topK": 3,
                "thinkingConfig": {"thinkingBudget": 20000, "includeThoughts": True},
            }
        },
        {"generationConfig": {"topK": 3, "thinkingConfig": {"thinkingBudget": 0}}},
    ),
    (
        "gemini",
        {"generation_config": {"top_k": 3, "thinking_config": {"include_thoughts": False}}},
        {
            "generation_config": {
                "top_k": 3,
                "thinkingConfig": {"thinkingBudget": 20000, "includeThoughts": False},
            }
        },
        {"generation_config": {"top_k": 3, "thinkingConfig": {"thinkingBudget": 0}}},
    ),
]


@pytest.mark.parametrize(("format", "wish", "much", "none"), CUSTOM)
def test_custom_overwrites_the_clients_wish(format, wish, much, none):
    assert rewritten(format, wish, ThinkingPolicy("custom", 20000)) == ("replaced", much)
    assert rewritten(format, wish, ThinkingPolicy("custom", 0)) == ("replaced", none)


@pytest.mark.parametrize("format", BODY)
def test_custom_adds_a_wish_where_there_was_none(format):
    whose, fields = rewritten(format, {}, ThinkingPolicy("custom", 20000))
    assert whose == "added"
    assert "high" in str(fields) or "20000" in str(fields)


@pytest.mark.parametrize(
    ("budget", "word"),
    [(0, "none"), (1, "low"), (4096, "low"), (8192, "medium"), (10_240, "medium"), (10_241, "high")],
)
def test_a_budget_is_a_word_where_the_format_has_no_budgets(budget, word):
    assert word_for(budget) == word


LONG = [{"role": "user", "content": "Hi"}] * 11
TOOLS = [{"name": "t"}] * 4
WORDY = [{"role": "user", "content": "x" * 2001}, {"role": "assistant", "content": "ok"}]


@pytest.mark.parametrize(
    ("effort", "more", "budget"),
    [
        ("none", {"messages": LONG}, 0),
        ("low", {}, 1024),
        ("medium", {}, 10_240),
        ("high", {}, 131_072),
        ("medium", {"messages": LONG}, 15_360),
        ("medium", {"messages": LONG[:10]}, 10_240),
        ("medium", {"tools": TOOLS}, 15_360),
        ("medium", {"tools": TOOLS[:3]}, 10_240),
        ("medium", {"messages": WORDY}, 13_312),
        (
            "medium",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 2001}]}]},
            13_312,
        ),
        (
            "medium",
            {"messages": [{"role": "user", "content": [{"type": "image", "data": "x" * 9999}]}]},
            10_240,
        ),
        ("low", {"messages": [*LONG, *WORDY], "tools": TOOLS}, 2356),
        ("high", {"messages": LONG, "tools": TOOLS}, 131_072),
    ],
)
def test_adaptive_grows_with_the_request(effort, more, budget):
    _, fields = rewritten("anthropic_messages", more, ThinkingPolicy("adaptive", 7, effort))
    expected = {"type": "enabled", "budget_tokens": budget} if budget else {"type": "disabled"}
    assert fields["thinking"] == expected


def test_adaptive_knows_every_formats_conversation():
    def adapted(format: str, more: dict[str, Any]) -> str:
        return str(rewritten(format, more, ThinkingPolicy("adaptive", 7, "medium"))[1])

    declared = [{"functionDeclarations": [{"name": "t"}] * 4}]
    assert "'thinkingBudget': 15360" in adapted("gemini", {"tools": declared})
    turn = {"role": "user", "parts": [{"text": "x" * 2001}]}
    assert "'thinkingBudget': 18432" in adapted("gemini", {"contents": [turn] * 11})
    assert "'effort': 'high'" in adapted("openai_responses", {"input": "x" * 2001})
    assert "'effort': 'medium'" in adapted("openai_responses", {"input": "x"})
    assert "'reasoning_effort': 'high'" in adapted("openai_completions", {"prompt": "x" * 2001})


@pytest.mark.parametrize("name", ["thinkingLevel", "thinking_level"])
@pytest.mark.parametrize(
    ("level", "budget", "word"),
    [("none", 0, "none"), ("low", 4096, "low"), ("Medium", 8192, "medium"), ("HIGH", 24_576, "high")],
)
def test_a_level_becomes_a_wish_of_the_format(name, level, budget, word):
    policy = ThinkingPolicy("passthrough")
    claude = {"type": "enabled", "budget_tokens": budget} if budget else {"type": "disabled"}
    assert rewritten("anthropic_messages", {name: level}, policy) == ("replaced", {"thinking": claude})
    assert rewritten("openai_chat", {name: level}, policy) == ("replaced", {"reasoning_effort": word})
    gemini = {"generationConfig": {"thinkingConfig": {"thinkingBudget": budget}}}
    assert rewritten("gemini", {name: level}, policy) == ("replaced", gemini)


def test_an_unknown_level_is_left_to_the_provider():
    wish = {"thinkingLevel": "giant"}
    assert rewritten("openai_chat", wish, ThinkingPolicy("passthrough")) == ("client", wish)


def test_geminis_own_level_is_left_alone():
    wish = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}}}
    assert rewritten("gemini", wish, ThinkingPolicy("passthrough"), "gemini-3-pro") == ("client", wish)


def test_a_thinking_model_is_asked_to_think():
    policy, model = ThinkingPolicy("passthrough"), "anthropic/claude-sonnet-4-5-thinking"
    added = {"thinking": {"type": "enabled", "budget_tokens": 10_000}}
    assert rewritten("anthropic_messages", {}, policy, model) == ("added", added)
    assert rewritten("openai_chat", {}, policy, model) == ("added", {"reasoning_effort": "medium"})
    own = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    assert rewritten("anthropic_messages", own, policy, model) == ("client", own)
    assert rewritten("anthropic_messages", {}, ThinkingPolicy("auto"), model) == ("client", {})


@pytest.mark.parametrize("mode", ["passthrough", "auto", "custom", "adaptive"])
@pytest.mark.parametrize("format", BODY)
def test_odd_shapes_are_no_obstacle(format, mode):
    odd: list[Any] = [None, 7, "x", [], {}, [7], [None], {"thinkingConfig": 7}, {"edits": 7}, {"edits": [7]}]
    names = [
        "tools",
        "thinking",
        "reasoning",
        "generationConfig",
        "output_config",
        "context_management",
        "thinkingLevel",
    ]
    for name in names:
        for value in odd:
            rewritten(format, {name: value}, ThinkingPolicy(mode))
    if format != "gemini":
        for value in ([7], [None], [{"role": "user"}], [{"role": "user", "content": [7, None, {}]}]):
            name = {"openai_responses": "input", "openai_completions": "prompt"}.get(format, "messages")
            rewritten(format, {name: value}, ThinkingPolicy(mode))
