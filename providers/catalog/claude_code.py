"""Claude Code: a Claude subscription, signed in to as Anthropic's program does. Source: facts/oauth_providers.md §1."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ProviderSpec

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
    authorize_params={"code": "true"},
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
    models=chat("claude-opus-4-6 claude-sonnet-4-5-20250929 claude-haiku-4-5-20251001"),
)
