"""Qwen Code's free sign-in, which its vendor has ended. Source: docs/protocol-notes.md, Qwen Code."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ProviderSpec

OAUTH = OAuthSpec(
    flows=("device",),
    client_id="f0304373b74a44d2b584a3fb70ca9e56",
    scopes=("openid", "profile", "email", "model.completion"),
    token_url="https://chat.qwen.ai/api/v1/oauth2/token",
    rotates=True,
    refresh_lead_s=300,
    device_dialect="qwen",
    device_url="https://chat.qwen.ai/api/v1/oauth2/device/code",
    profile_url="https://portal.qwen.ai",
    credential_files=("~/.qwen/oauth_creds.json",),
)

_PROGRAM = "QwenCode/0.15.10 (linux; x64)"
HEADERS = {
    "user-agent": _PROGRAM,
    "x-dashscope-useragent": _PROGRAM,
    "x-dashscope-authtype": "qwen-oauth",
    "x-dashscope-cachecontrol": "enable",
}

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
    endpoints=(Endpoint(format="openai_chat", base_url="https://portal.qwen.ai/v1", headers=HEADERS),),
    models=(
        *chat("qwen3-coder-plus qwen3-coder-flash"),
        *chat("coder-model vision-model", reasoning="none", context_window=262_144),
    ),
    models_path="",
    errors=(
        ErrorRule(
            means="quota",
            statuses=(403, 429),
            text=r"insufficient_quota|quota_exceeded|free allocated quota exceeded",
            reset=("midnight:+8",),
        ),
    ),
    quota="qwen",
    adapter="qwen",
)
