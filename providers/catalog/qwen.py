"""Qwen Code's free sign-in, which its vendor has ended. Source: facts/oauth_providers.md §6."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ProviderSpec

OAUTH = OAuthSpec(
    flows=("device",),
    client_id="f0304373b74a44d2b584a3fb70ca9e56",
    scopes=("openid", "profile", "email", "model.completion"),
    token_url="https://chat.qwen.ai/api/v1/oauth2/token",
    rotates=True,
    refresh_lead_s=300,
    device_dialect="qwen",
    device_url="https://chat.qwen.ai/api/v1/oauth2/device/code",
    credential_files=("~/.qwen/oauth_creds.json",),
)

SPEC = ProviderSpec(
    id="qwen",
    name="Qwen Code",
    prefix="qw",
    tier="free",
    cost_note="Was free",
    signup_url="https://chat.qwen.ai",
    status="discontinued",
    discontinued_at="2026-04-15",
    status_note="The free tier behind this sign-in ended on 15 April 2026: requests are answered with 401.",
    terms_warning="Alibaba made this sign-in for Qwen Code only.",
    oauth=OAUTH,
    endpoints=(Endpoint(format="openai_chat", base_url="https://portal.qwen.ai/v1"),),
    models=chat("qwen3-coder-plus qwen3-coder-flash"),
)
