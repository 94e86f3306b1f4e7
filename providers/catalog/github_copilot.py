"""GitHub Copilot: signed in to by device code, asked with a minted token.

Source: docs/protocol-notes.md, GitHub Copilot.
"""

from __future__ import annotations

from providers.catalog.models import chat, of_kind
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ProviderSpec, Quirk

EDITOR_HEADERS = {
    "editor-version": "vscode/1.110.0",
    "editor-plugin-version": "copilot-chat/0.38.0",
    "user-agent": "GitHubCopilotChat/0.38.0",
    "x-github-api-version": "2025-04-01",
}
"""Without them GitHub mints no token."""

OAUTH = OAuthSpec(
    flows=("device",),
    client_id="Iv1.b507a08c87ecfe98",
    scopes=("read:user",),
    token_url="https://github.com/login/oauth/access_token",
    pkce=False,
    refresh_lead_s=300,
    device_dialect="github",
    device_url="https://github.com/login/device/code",
    device_page="https://github.com/login/device",
    profile_url="https://api.github.com/user",
    mint_url="https://api.github.com/copilot_internal/v2/token",
    headers=EDITOR_HEADERS,
    credential_files=(
        "~/.config/github-copilot/apps.json",
        "~/.config/github-copilot/hosts.json",
        "$LOCALAPPDATA/github-copilot/apps.json",
        "$LOCALAPPDATA/github-copilot/hosts.json",
    ),
)

HEADERS = {
    **EDITOR_HEADERS,
    "copilot-integration-id": "vscode-chat",
    "x-github-api-version": "2025-05-01",
    "x-vscode-user-agent-library-version": "electron-fetch",
}
"""Its API answers to registered integrations only, and knows them by these."""
_BASE = "https://api.githubcopilot.com"
ONLY_RESPONSES = ("gpt-5*-codex*", "gpt-5.[4-9]*", "gpt-[6-9]*", "grok-code*", "oswe-*")
_THINKING_CLAUDE = (
    "claude-opus-4.[6-9]*",
    "claude-sonnet-4.[6-9]*",
    "claude-opus-[5-9]*",
    "claude-sonnet-[5-9]*",
)

ERRORS = (
    ErrorRule(means="quota", statuses=(402,), reset=("header:x-quota-reset", "month")),
    ErrorRule(means="quota", text=r"quota_exceeded|You have no quota", reset=("month",)),
    ErrorRule(
        means="disabled",
        statuses=(403,),
        text=r"no_copilot_access|not_signed_up|subscription_ended|spammy_user|billing_locked|feature_flag_blocked"
        r"|trade_restricted",
    ),
    ErrorRule(
        means="rate_limited", statuses=(403, 429), text=r"rate limit", reset=("header:retry-after", "text")
    ),
    ErrorRule(means="model", statuses=(400,), text=r"model_not_supported|requested model is not supported"),
)
"""docs/protocol-notes.md, GitHub Copilot."""

SPEC = ProviderSpec(
    id="github",
    name="GitHub Copilot",
    prefix="gh",
    aliases=("copilot",),
    tier="subscription",
    cost_note="Copilot Free, Pro, Pro+, Business or Enterprise",
    signup_url="https://github.com/features/copilot/plans",
    status_note="Metered in AI credits since June 2026.",
    terms_warning=(
        "GitHub offers Copilot for its own and its partners' editors. Other programs are not covered by its terms, and "
        "heavy automated use can get an account limited or suspended."
    ),
    oauth=OAUTH,
    endpoints=(
        Endpoint(
            format="openai_chat",
            base_url=_BASE,
            headers=HEADERS,
            models=("*", *(f"!{glob}" for glob in ONLY_RESPONSES)),
        ),
        Endpoint(
            format="openai_responses",
            base_url=_BASE,
            headers=HEADERS,
            models=("*", "!claude*", "!gemini*", "!gpt-3.5*", "!gpt-4*"),
        ),
        Endpoint(format="anthropic_messages", base_url=f"{_BASE}/v1", headers=HEADERS, models=("claude-*",)),
    ),
    models=(
        *chat(
            "gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna gpt-5.5 gpt-5.4 gpt-5.4-mini gpt-5.3-codex gpt-5.2-codex"
            " gpt-5.2 gpt-5.1-codex gpt-5-mini gpt-5 gpt-4.1 gpt-4o gpt-4o-mini claude-sonnet-5 claude-opus-4.8"
            " claude-opus-4.7 claude-opus-4.6 claude-opus-4.5 claude-sonnet-4.6 claude-sonnet-4.5 claude-sonnet-4"
            " claude-haiku-4.5"
            " gemini-3.1-pro-preview gemini-3-pro-preview gemini-3-flash-preview gemini-2.5-pro grok-code-fast-1"
        ),
        *chat("oswe-vscode-prime goldeneye-free-auto", reasoning="none", context_window=128_000),
        *of_kind("embedding", "text-embedding-3-small text-embedding-3-large"),
    ),
    quirks=(
        Quirk(models=("gpt-5*", "o1*", "o3*", "o4*"), rename={"max_tokens": "max_completion_tokens"}),
        Quirk(models=("gpt-5.4*",), drop=("temperature",)),
        Quirk(
            models=("claude-*",),
            drop=("thinking", "reasoning"),
            edits=("json_in_instructions",),
        ),
        Quirk(models=("claude-*", *(f"!{glob}" for glob in _THINKING_CLAUDE)), drop=("reasoning_effort",)),
        Quirk(map_values={"reasoning_effort": {"minimal": "low", "max": "high"}}, edits=("no_idle_effort",)),
        Quirk(messages=("plain_parts", "strip_reasoning")),
    ),
    errors=ERRORS,
    quota="copilot",
    quota_url="https://api.github.com/copilot_internal/user",
    adapter="copilot",
    model_aliases={"claude-4.5-sonnet": "claude-sonnet-4.5", "gemini-3-pro": "gemini-3-pro-preview"},
)
