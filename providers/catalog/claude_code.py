"""Claude Code: a Claude subscription, signed in to as Anthropic's program does.

Source: docs/protocol-notes.md, Claude Code.
"""

from __future__ import annotations

from providers.catalog.anthropic import NO_SAMPLING
from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ProviderSpec, Quirk

_SCOPES = (
    "user:profile",
    "user:inference",
    "user:sessions:claude_code",
    "user:mcp_servers",
    "user:file_upload",
)

OAUTH = OAuthSpec(
    flows=("code",),
    client_id="9d1c250a-e61b-44d9-88ed-5944d1962f5e",
    authorize_url="https://claude.com/cai/oauth/authorize",
    authorize_params={"code": "true", "response_type": "code"},
    manual_redirect_uri="https://platform.claude.com/oauth/code/callback",
    scopes=("org:create_api_key", *_SCOPES),
    refresh_scopes=_SCOPES,
    token_url="https://platform.claude.com/v1/oauth/token",
    token_encoding="json",
    sends_state=True,
    rotates=True,
    refresh_lead_s=300,
    profile_url="https://api.anthropic.com/api/oauth/profile",
    expired_messages=("oauth token has been revoked",),
    credential_files=("~/.claude/.credentials.json",),
)

_FORMAT = ("anthropic_messages",)
_UNIFIED = "anthropic-ratelimit-unified-"
_SCOPED = r"seven_day_(?!oauth|cowork)\w+"

ERRORS = (
    ErrorRule(
        means="request",
        statuses=(400, 403),
        text=r"only authori[sz]ed for use with Claude Code",
    ),
    ErrorRule(
        means="terms",
        statuses=(400, 403, 429),
        text=r"Third-party apps now draw from your extra usage",
        wait_s=300,
    ),
    ErrorRule(
        means="quota",
        statuses=(400, 402, 403, 429),
        text=r"out of extra usage|credit balance is too low",
        reset=(f"header:{_UNIFIED}reset",),
    ),
    ErrorRule(
        means="request",
        statuses=(400, 429),
        text=r"Extra usage is required for long context|long context beta is not yet available",
    ),
    ErrorRule(
        means="quota",
        statuses=(429,),
        header=(f"{_UNIFIED}representative-claim", _SCOPED),
        model_only=True,
        reset=(f"header:{_UNIFIED}reset", f"header:{_UNIFIED}7d-reset"),
    ),
    ErrorRule(
        means="quota",
        statuses=(429,),
        header=(f"{_UNIFIED}7d-status", "rejected"),
        reset=(f"header:{_UNIFIED}7d-reset", f"header:{_UNIFIED}reset"),
    ),
    ErrorRule(
        means="quota",
        statuses=(429,),
        header=(f"{_UNIFIED}status", "rejected"),
        reset=(f"header:{_UNIFIED}reset", f"header:{_UNIFIED}5h-reset"),
    ),
)
"""Of two rejected windows the weekly one ends later, so it is looked at first. A request
without Claude Code's system block is refused for what it is: that keeps nobody else from the account."""

SPEC = ProviderSpec(
    id="claude",
    name="Claude Code",
    prefix="cc",
    aliases=("claude-code",),
    tier="subscription",
    cost_note="Claude Pro, Max, Team or Enterprise",
    signup_url="https://claude.com/pricing",
    vendor="anthropic",
    pricing_id="anthropic",
    status_note="Requests that Anthropic classes as third-party are billed as extra usage since April 2026.",
    terms_warning=(
        "Anthropic reserves signing in with a Claude subscription for Claude Code and its own apps. Its terms do not "
        "let other programs offer that sign-in or route requests through it, and it may limit or close accounts that "
        "are used this way."
    ),
    oauth=OAUTH,
    endpoints=(Endpoint(format="anthropic_messages", base_url="https://api.anthropic.com/v1"),),
    models=chat(
        "claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5-20251101 claude-sonnet-5"
        " claude-sonnet-4-6 claude-sonnet-4-5-20250929 claude-haiku-4-5-20251001 claude-fable-5"
    ),
    models_path="",
    quirks=(
        Quirk(models=NO_SAMPLING, formats=_FORMAT, drop=("temperature", "top_p", "top_k")),
        Quirk(
            formats=_FORMAT,
            clamp={"temperature": (0, 1)},
            messages=("no_empty_text", "no_text_behind_calls", "merge_turns"),
            edits=("no_blank_stops", "four_cache_marks", "budget_below_limit", "one_sampling_field"),
        ),
    ),
    errors=ERRORS,
    quota="claude",
    quota_url="https://api.anthropic.com/api/oauth/usage",
    adapter="claude_code",
)
