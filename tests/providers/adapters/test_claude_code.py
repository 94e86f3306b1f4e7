"""What Claude Code's endpoint is told, and what only an operator may make it be told."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.edge import inbound
from omniroute.types import Fields
from providers.adapters.base import Draft
from providers.adapters.claude_code import PROMPT, PROMPT_OPTION, ClaudeCode, betas
from providers.config import AccountConfig


def prepared(fields: Fields, *, opted: bool = False, user_agent: str = "curl/8", **headers: str) -> Draft:
    account = AccountConfig(
        id=1, provider="claude", name="a", provider_data={PROMPT_OPTION: True} if opted else {}
    )
    named = {"user-agent": user_agent, **{name.replace("_", "-"): text for name, text in headers.items()}}
    body = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
    asked = inbound.parse(body, format="anthropic_messages", path="/", headers=named)
    draft = Draft("https://x/v1/messages", {}, dict(fields), "m", "anthropic_messages", False, account, asked)
    ClaudeCode().prepare(draft)
    return draft


BLOCK: dict[str, Any] = {"type": "text", "text": PROMPT}


@pytest.mark.parametrize("system", [None, "Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_without_the_operators_word_nothing_is_put_before_the_instructions(system: Any) -> None:
    fields = {} if system is None else {"system": system}
    assert prepared(fields).fields == fields


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (None, [BLOCK]),
        ("Be brief.", [BLOCK, {"type": "text", "text": "Be brief."}]),
        ([{"type": "text", "text": "Be brief."}], [BLOCK, {"type": "text", "text": "Be brief."}]),
        ([BLOCK], [BLOCK]),
        (
            [{"type": "text", "text": "x-anthropic-billing-header: a"}, BLOCK],
            [{"type": "text", "text": "x-anthropic-billing-header: a"}, BLOCK],
        ),
    ],
)
def test_with_it_the_block_is_there_once(system: Any, expected: Any) -> None:
    draft = prepared({} if system is None else {"system": system}, opted=True)
    assert draft.fields["system"] == expected
    assert "claude-code-20250219" in draft.headers["anthropic-beta"]


def test_claude_code_itself_needs_no_word() -> None:
    draft = prepared(
        {"system": "Mine."}, opted=True, user_agent="claude-cli/2.1.92 (external, cli)", x_app="cli"
    )
    assert draft.fields["system"] == "Mine."
    assert draft.headers["x-app"] == "cli"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("", "oauth-2025-04-20"),
        ("oauth-2025-04-20", "oauth-2025-04-20"),
        ("effort-2025-11-24, effort-2025-11-24", "oauth-2025-04-20,effort-2025-11-24"),
        ("interleaved-thinking-2027-01-01", "oauth-2025-04-20,interleaved-thinking-2027-01-01"),
        ("made-up-2026-01-01,context-1m-2025-08-07", "oauth-2025-04-20,context-1m-2025-08-07"),
    ],
)
def test_known_wishes_are_passed_on_once(asked: str, sent: str) -> None:
    assert betas(asked) == sent
