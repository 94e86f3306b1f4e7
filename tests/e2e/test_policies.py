"""Request-wide policies on a running gateway: what reaches a provider of each format, from a client of each format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

PROMPT = "Always answer in French."
MESSAGES = [{"role": "user", "content": "Say hello"}]
CLIENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": (
        "/v1/chat/completions",
        {"messages": [{"role": "system", "content": "Be brief."}, *MESSAGES]},
    ),
    "openai_responses": ("/v1/responses", {"instructions": "Be brief.", "input": "Say hello"}),
    "anthropic_messages": (
        "/v1/messages",
        {"system": [{"type": "text", "text": "Be brief."}], "messages": MESSAGES, "max_tokens": 9000},
    ),
    "gemini": (
        "/v1beta/models/{model}:generateContent",
        {
            "system_instruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"parts": [{"text": "Say hello"}]}],
        },
    ),
    "openai_completions": ("/v1/completions", {"prompt": "Say hello"}),
}
PROVIDERS = {
    "openai_chat": "pol-chat",
    "openai_responses": "pol-responses",
    "anthropic_messages": "pol-claude",
    "gemini": "gemini",
}


@pytest.fixture(scope="module")
def _everywhere(_gateway: Gateway, _simulator: Simulator) -> Gateway:
    """A provider of each format."""
    _gateway.add_provider("pol-chat", _simulator.openai_url)
    _gateway.add_provider("pol-responses", _simulator.openai_url, api="responses")
    _gateway.add_provider("pol-claude", _simulator.anthropic_url, kind="anthropic-compatible")
    account = {"provider": "gemini", "apiKey": "sk-up", "name": "policies"}
    own = {"providerSpecificData": {"baseUrl": _simulator.gemini_url}}
    _gateway.manage("POST", "/api/providers", {**account, **own})
    return _gateway


@pytest.fixture
def everywhere(_everywhere: Gateway, gateway: Gateway) -> Iterator[Gateway]:
    yield _everywhere
    _everywhere.manage("PUT", "/api/settings/system-prompt", {"enabled": False, "prompt": ""})
    _everywhere.manage("PUT", "/api/settings/thinking-budget", {"mode": "passthrough"})


def post(gateway: Gateway, format: str, model: str, **more: Any) -> dict[str, Any]:
    path, body = CLIENTS[format]
    sent = {**body, **more}
    if "{model}" not in path:
        sent["model"] = model
    answer = gateway.http.post(path.format(model=model), json=sent)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def system_of(format: str, body: dict[str, Any]) -> str:
    """The instructions of a body, as text."""
    found: Any
    match format:
        case "openai_chat":
            found = [each["content"] for each in body["messages"] if each["role"] in ("system", "developer")]
        case "openai_responses":
            found = body.get("instructions") or [
                each["content"] for each in body["input"] if each.get("role") in ("system", "developer")
            ]
        case "anthropic_messages":
            found = body.get("system")
        case _:
            found = body.get("systemInstruction") or body.get("system_instruction")
    return str(found)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_system_prompt_reaches_every_provider_behind_the_clients_own(
    everywhere: Gateway, simulator: Simulator, client: str, provider: str
) -> None:
    everywhere.manage("PUT", "/api/settings/system-prompt", {"enabled": True, "prompt": PROMPT})
    said = post(everywhere, client, f"{PROVIDERS[provider]}/some-model", _omnirouteInternalRequest="x")
    assert "You said: Say hello" in str(said)
    received = simulator.requests[-1].json
    system = system_of(provider, received)
    assert PROMPT in system
    if client != "openai_completions":
        assert system.index("Be brief.") < system.index(PROMPT)
    assert not [name for name in received if name.startswith("_")]
    if client == provider:
        skipped = {"_skipSystemPrompt": True}
        post(everywhere, client, f"{PROVIDERS[provider]}/some-model", **skipped)
        received = simulator.requests[-1].json
        assert "Be brief." in system_of(provider, received)
        assert PROMPT not in str(received)
        assert not [name for name in received if name.startswith("_")]


def test_counting_tokens_leaves_the_prompt_out(everywhere: Gateway, simulator: Simulator) -> None:
    everywhere.manage("PUT", "/api/settings/system-prompt", {"enabled": True, "prompt": PROMPT})
    body = {"model": "pol-claude/x", "messages": MESSAGES, "_skipSystemPrompt": False}
    counted = everywhere.http.post("/v1/messages/count_tokens", json=body)
    assert counted.json()["input_tokens"] > 0
    received = simulator.requests[-1]
    assert received.path.endswith("/messages/count_tokens")
    assert PROMPT not in received.body.decode()
    assert "_skipSystemPrompt" not in received.json


def test_internal_fields_go_nowhere_without_any_policy(everywhere: Gateway, simulator: Simulator) -> None:
    post(everywhere, "openai_chat", "pol-chat/x", _omnirouteSkipContextRelay=True, store=True)
    assert simulator.requests[-1].json["store"] is True
    assert not [name for name in simulator.requests[-1].json if name.startswith("_")]


WISHES: dict[str, dict[str, Any]] = {
    "openai_chat": {"reasoning_effort": "low"},
    "openai_responses": {"reasoning": {"effort": "low"}},
    "anthropic_messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "gemini": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1024}}},
}
MODELS = {
    "openai_chat": "pol-chat/gpt-5",
    "openai_responses": "pol-responses/gpt-5",
    "anthropic_messages": "pol-claude/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
}
THINKS: dict[str, list[dict[str, Any]]] = {
    # 20000 tokens, asked or not; a budget of 0
    "openai_chat": [{"reasoning_effort": "high"}, {"reasoning_effort": "minimal"}],
    "openai_responses": [{"reasoning": {"effort": "high"}}, {"reasoning": {"effort": "minimal"}}],
    "anthropic_messages": [
        {"thinking": {"type": "enabled", "budget_tokens": 8999}},
        {"thinking": {"type": "disabled"}},
    ],
    "gemini": [
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 20_000}}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
    ],
}


@pytest.mark.parametrize("format", WISHES)
def test_the_thinking_budget_rules_every_format(
    everywhere: Gateway, simulator: Simulator, format: str
) -> None:
    model, wish = MODELS[format], WISHES[format]
    names = set(wish)

    def reached(policy: dict[str, Any], **more: Any) -> dict[str, Any]:
        everywhere.manage("PUT", "/api/settings/thinking-budget", policy)
        post(everywhere, format, model, **more)
        return {name: value for name, value in simulator.requests[-1].json.items() if name in names}

    assert reached({"mode": "passthrough"}, **wish) == wish
    assert reached({"mode": "auto"}, **wish) == {}
    for more in (wish, {}):
        assert reached({"mode": "custom", "customBudget": 20_000}, **more) == THINKS[format][0]
        assert reached({"mode": "custom", "customBudget": 0}, **more) == THINKS[format][1]
    assert reached({"mode": "adaptive", "effortLevel": "none"}, **wish) == THINKS[format][1]
    assert reached({"mode": "passthrough"}) == {}


def test_the_budget_goes_through_a_translation(everywhere: Gateway, simulator: Simulator) -> None:
    everywhere.manage("PUT", "/api/settings/thinking-budget", {"mode": "custom", "customBudget": 3000})
    post(everywhere, "anthropic_messages", "gemini/gemini-2.5-flash")
    config = simulator.requests[-1].json["generationConfig"]
    assert config["thinkingConfig"]["thinkingBudget"] == 3000
    post(everywhere, "openai_chat", "pol-claude/claude-sonnet-4-5", max_tokens=9000)
    thinking = simulator.requests[-1].json["thinking"]
    assert thinking["type"] == "enabled"
    assert 1024 <= thinking["budget_tokens"] < 9000


def test_each_target_of_a_combo_gets_what_it_takes(everywhere: Gateway, simulator: Simulator) -> None:
    everywhere.manage("PUT", "/api/settings/thinking-budget", {"mode": "custom", "customBudget": 20_000})
    everywhere.add_combo(
        "thinkers", "pol-claude/claude-sonnet-4-5", "pol-claude/claude-opus-4-7", "pol-claude/other"
    )
    for model in ("claude-sonnet-4-5", "claude-opus-4-7"):
        simulator.behave("500", model=model)
    post(everywhere, "anthropic_messages", "thinkers", max_tokens=30_000, temperature=0.5)
    first, second, third = (received.json for received in simulator.requests)
    assert first["thinking"] == third["thinking"] == {"type": "enabled", "budget_tokens": 20_000}
    assert second["thinking"] == {"type": "adaptive"}
    assert second["output_config"] == {"effort": "high"}
    assert not {"temperature"} & {*first, *second, *third}


def test_a_level_and_a_thinking_model_need_no_setting(everywhere: Gateway, simulator: Simulator) -> None:
    post(everywhere, "anthropic_messages", "pol-claude/claude-sonnet-4-5", thinking_level="low")
    assert simulator.requests[-1].json["thinking"] == {"type": "enabled", "budget_tokens": 4096}
    assert "thinking_level" not in simulator.requests[-1].json
    post(everywhere, "anthropic_messages", "pol-claude/claude-sonnet-4-5-thinking", max_tokens=20_000)
    assert simulator.requests[-1].json["thinking"] == {"type": "enabled", "budget_tokens": 10_000}
