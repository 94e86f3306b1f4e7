"""Claude Code's subscription endpoint: Anthropic's own format, with headers of its own.

Nothing is invented: what a genuine Claude Code says of itself is passed on, other programs are not made to look like
it. The exception is `PROMPT_OPTION`, which an operator sets on an account, with Anthropic's terms beside it.

Source: docs/protocol-notes.md, Claude Code.
"""

from __future__ import annotations

import re
from typing import Any

from providers.adapters.base import Adapter, Draft, registry

PROMPT_OPTION = "claude_code_prompt"
"""In an account's provider data: put `PROMPT` before the instructions of programs that are not Claude Code."""
PROMPT = "You are Claude Code, Anthropic's official CLI for Claude."
_PROMPTS = (
    PROMPT,
    f"{PROMPT[:-1]}, running within the Claude Agent SDK.",
    "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
)
_BILLING = "x-anthropic-billing-header:"
"""What a first block of the program's own may hold instead; its prompt follows."""
OAUTH_BETA = "oauth-2025-04-20"
_PROGRAM_BETA = "claude-code-20250219"
_IDENTITY = (
    "user-agent",
    "x-app",
    "x-claude-code-session-id",
    "anthropic-dangerous-direct-browser-access",
    "x-stainless-*",
)
_BETAS = frozenset(
    {
        *(
            "claude-code",
            "oauth",
            "interleaved-thinking",
            "fine-grained-tool-streaming",
            "context-management",
        ),
        *("prompt-caching-scope", "advanced-tool-use", "effort", "structured-outputs", "fast-mode"),
        *(
            "redact-thinking",
            "token-efficient-tools",
            "advisor-tool",
            "extended-cache-ttl",
            "cache-diagnosis",
        ),
        *("code-execution", "skills", "tool-search-tool", "thinking-binding-controls", "context-1m"),
        *("thinking-display-updates", "files-api", "mcp-client"),
    }
)
"""What clients may ask for, without the date: `context-1m` among it, which is never asked for in their place."""
_DATE = re.compile(r"-20\d\d-?\d\d-?\d\d$")


class ClaudeCode(Adapter):
    counts_tokens = True

    def prepare(self, draft: Draft) -> None:
        draft.url += "?beta=true"
        genuine = is_genuine(draft.said("user-agent"))
        pretends = not genuine and draft.account.provider_data.get(PROMPT_OPTION) is True
        if genuine:
            draft.forward(*_IDENTITY)
        draft.headers["anthropic-beta"] = betas(
            draft.said("anthropic-beta"), _PROGRAM_BETA if pretends else ""
        )
        if pretends:
            _put_prompt(draft)


def is_genuine(user_agent: str) -> bool:
    """Whether this is Claude Code itself, by its own account."""
    return user_agent.startswith("claude-cli/")


def betas(asked: str, further: str = "") -> str:
    """The header: what the endpoint cannot do without, and what the client asked for as far as it is known."""
    wanted = [beta for beta in map(str.strip, asked.split(",")) if _DATE.sub("", beta) in _BETAS]
    return ",".join(dict.fromkeys(filter(None, (further, OAUTH_BETA, *wanted))))


def _put_prompt(draft: Draft) -> None:
    system = draft.get("system")
    blocks: list[Any] = [{"type": "text", "text": system}] if isinstance(system, str) and system else []
    if isinstance(system, list):
        blocks = system
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    if texts and str(texts[0]).startswith(_BILLING):
        texts = texts[1:]
    if not texts or texts[0] not in _PROMPTS:
        draft.fields["system"] = [{"type": "text", "text": PROMPT}, *blocks]


registry.register("claude_code")(ClaudeCode())
