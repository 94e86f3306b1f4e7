"""OpenAI Codex: a ChatGPT plan, signed in to as OpenAI's program does. Source: facts/oauth_providers.md §2."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ProviderSpec

OAUTH = OAuthSpec(
    flows=("code", "device"),
    client_id="app_EMoamEEZ73f0CkXaXp7hrann",
    authorize_url="https://auth.openai.com/oauth/authorize",
    authorize_params={
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "originator": "omniroute",
    },
    redirect_uri="http://localhost:{port}/auth/callback",
    listen_ports=(1455, 1457),
    scopes=("openid", "profile", "email", "offline_access"),
    token_url="https://auth.openai.com/oauth/token",
    refresh_encoding="json",
    rotates=True,
    refresh_lead_s=300,
    device_dialect="codex",
    device_url="https://auth.openai.com/api/accounts/deviceauth/usercode",
    device_token_url="https://auth.openai.com/api/accounts/deviceauth/token",
    device_page="https://auth.openai.com/codex/device",
    device_redirect_uri="https://auth.openai.com/deviceauth/callback",
    credential_files=("$CODEX_HOME/auth.json", "~/.codex/auth.json"),
)

SPEC = ProviderSpec(
    id="codex",
    name="OpenAI Codex",
    prefix="cx",
    tier="subscription",
    cost_note="ChatGPT Plus, Pro, Business or Enterprise",
    signup_url="https://chatgpt.com/pricing",
    vendor="openai",
    pricing_id="openai",
    terms_warning=(
        "OpenAI made this sign-in for Codex. It tolerates other programs, but promises nothing: it may limit or close "
        "accounts that are used this way."
    ),
    oauth=OAUTH,
    endpoints=(Endpoint(format="openai_responses", base_url="https://chatgpt.com/backend-api/codex"),),
    models=chat("gpt-5.2-codex gpt-5.1-codex-max"),
)
