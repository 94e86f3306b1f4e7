"""GitHub Copilot: signed in to by device code, asked with a minted token. Source: facts/oauth_providers.md §4."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ProviderSpec

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
    endpoints=(Endpoint(format="openai_chat", base_url="https://api.githubcopilot.com"),),
    models=chat("gpt-5 claude-sonnet-4.5 gemini-3-pro-preview"),
    model_aliases={"claude-4.5-sonnet": "claude-sonnet-4.5", "gemini-3-pro": "gemini-3-pro-preview"},
)
