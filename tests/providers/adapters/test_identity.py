"""Who a request says that it is from: a genuine program stays itself, and nobody else is made to look like one."""

from __future__ import annotations

import pytest

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.edge import inbound
from gateway.passage.requests import USER_AGENT, build_upstream_request, passage_for
from providers import catalog
from providers.config import AccountConfig

FORMATS = {
    "claude": "anthropic_messages",
    "codex": "openai_responses",
    "gemini-cli": "gemini",
    "github": "openai_chat",
    "iflow": "openai_chat",
    "qwen": "openai_chat",
    "kiro": "openai_chat",
}
BODIES = {
    "openai_responses": b'{"model":"m","input":"Hi"}',
    "gemini": b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}',
}
CHAT = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
OWN_PROGRAMS = {
    "claude": {
        "user-agent": "claude-cli/2.1.92 (external, cli)",
        "x-app": "cli",
        "x-claude-code-session-id": "7d2a",
        "x-stainless-lang": "js",
        "anthropic-dangerous-direct-browser-access": "true",
    },
    "codex": {
        "user-agent": "codex_cli_rs/0.125.0 (Debian 13; x86_64) xterm",
        "originator": "codex_cli_rs",
        "version": "0.125.0",
        "session_id": "5c1f",
    },
    "gemini-cli": {
        "user-agent": "GeminiCLI/0.61.0/gemini-2.5-pro (linux; x64; xterm)",
        "x-goog-api-client": "gl-node/22.19.0",
    },
    "github": {
        "user-agent": "GitHubCopilotChat/0.41.0",
        "editor-version": "vscode/1.121.0",
        "editor-plugin-version": "copilot-chat/0.41.0",
        "copilot-integration-id": "vscode-chat",
        "x-initiator": "agent",
    },
    "iflow": {"user-agent": "iFlow-Cli/0.9"},
    "qwen": {"user-agent": "QwenCode/0.16.1 (darwin; arm64)", "x-dashscope-useragent": "QwenCode/0.16.1 (darwin)"},
}  # fmt: skip
"""What the vendors' own programs send."""
SECRETS = {
    "authorization": "Bearer of-the-gateway",
    "x-api-key": "of-the-gateway",
    "cookie": "of=the-browser",
}


def sent(provider: str, headers: dict[str, str]) -> dict[str, str]:
    """Headers of the request upstream."""
    spec, format = catalog.load()[provider], FORMATS[provider]
    asked = inbound.parse(
        BODIES.get(format, CHAT),
        format=format,
        path="/",
        headers={**SECRETS, **headers},
        model="m",
        stream=False,
    )
    data = {"project": "p", "profileArn": "arn:aws:codewhisperer:us-east-1:1:profile/A"}
    account = AccountConfig(
        id=1, provider=provider, name="a", api_key="tok", provider_data=data, signed_in=True
    )
    attempt = Attempt(Target(spec, "m"), account)
    way, endpoint = passage_for(asked, attempt)
    return dict(build_upstream_request(way, endpoint, attempt).headers)


@pytest.mark.parametrize("provider", OWN_PROGRAMS)
def test_a_genuine_program_keeps_what_it_says_of_itself(provider: str) -> None:
    own = OWN_PROGRAMS[provider]
    found = sent(provider, own)
    assert {name: found[name] for name in own} == own


@pytest.mark.parametrize("provider", FORMATS)
def test_another_program_is_sent_with_what_the_row_says_and_nothing_else(provider: str) -> None:
    """No header names a program that did not ask, unless the endpoint demands one: then the row has it."""
    found = sent(provider, {"user-agent": "curl/8.9", "x-app": "cli", "x-stainless-os": "Linux"})
    row = catalog.load()[provider].endpoints[0].headers
    assert found["user-agent"] == row.get("user-agent", USER_AGENT)
    assert "x-app" not in found
    assert not any(name.startswith(("x-stainless", "x-claude-code")) for name in found)
    assert found.get("originator", "omniroute") == "omniroute"
    assert "version" not in found
    names = ("claude-cli", "codex_cli_rs", "geminicli", "claude-code-2")
    assert not [text for text in found.values() if any(name in text.lower() for name in names)]


@pytest.mark.parametrize("provider", FORMATS)
def test_what_the_client_showed_the_gateway_stays_with_it(provider: str) -> None:
    found = sent(provider, OWN_PROGRAMS.get(provider, {}))
    assert not [text for text in found.values() if "of-the-gateway" in text or "of=the-browser" in text]
    assert [name for name, text in found.items() if text == "Bearer tok"] == ["authorization"]


def test_every_provider_that_one_signs_in_to_is_looked_at_here() -> None:
    assert set(FORMATS) == {id for id, spec in catalog.load().items() if spec.oauth is not None}
