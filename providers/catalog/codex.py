"""OpenAI Codex: a ChatGPT plan, signed in to as OpenAI's program does. Source: docs/protocol-notes.md, Codex."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ProviderSpec, Quirk

OAUTH = OAuthSpec(
    flows=("code", "device"),
    client_id="app_EMoamEEZ73f0CkXaXp7hrann",
    authorize_url="https://auth.openai.com/oauth/authorize",
    authorize_params={
        "response_type": "code",
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
    longest_age_s=8 * 86_400,
    device_dialect="codex",
    device_url="https://auth.openai.com/api/accounts/deviceauth/usercode",
    device_token_url="https://auth.openai.com/api/accounts/deviceauth/token",
    device_page="https://auth.openai.com/codex/device",
    device_redirect_uri="https://auth.openai.com/deviceauth/callback",
    profile_url="https://chatgpt.com/backend-api/wham/usage",
    credential_files=("$CODEX_HOME/auth.json", "~/.codex/auth.json"),
)

REFUSED = (
    *(
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "n",
        "seed",
    ),
    *("max_tokens", "max_output_tokens", "max_completion_tokens", "user", "metadata", "stream_options"),
    *("safety_identifier", "prompt_cache_retention", "previous_response_id", "background", "truncation"),
)
"""The endpoint answers "Unsupported parameter" to each of them (docs/protocol-notes.md, Codex)."""

ERRORS = (
    ErrorRule(
        means="quota", text=r"usage_limit_reached", reset=("find:resets_at", "find:resets_in_seconds", "text")
    ),
    ErrorRule(means="disabled", text=r"usage_not_included"),
    ErrorRule(means="request", statuses=(400,), text=r"cyber_policy"),
    ErrorRule(means="context", text=r"context_length_exceeded"),
    ErrorRule(
        means="model",
        text=r"not supported when using Codex with a ChatGPT account|requires a newer version of Codex",
        wait_s=86_400,
    ),
    ErrorRule(
        means="overloaded",
        text=r"server_is_overloaded|slow_down|Selected model is at capacity",
        model_only=True,
        wait_s=30,
    ),
    ErrorRule(means="quota", text=r"insufficient_quota", reset=("find:resets_at", "find:resets_in_seconds")),
    ErrorRule(means="rate_limited", text=r"rate_limit_exceeded", reset=("text", "find:resets_in_seconds")),
    ErrorRule(means="rate_limited", statuses=(403,), text=r"<html|<!doctype", wait_s=60),
)
"""docs/protocol-notes.md, Codex. An HTML page under a 403 is the edge's, and passes."""

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
    models=chat(
        "gpt-5.5 gpt-5.4 gpt-5.4-mini gpt-5.3-codex gpt-5.3-codex-spark gpt-5.2-codex gpt-5.2 gpt-5.1-codex-max"
        " gpt-5.1-codex gpt-5.1-codex-mini gpt-5.1 gpt-5-codex gpt-5-codex-mini",
        context_window=400_000,
    ),
    models_path="",
    quirks=(Quirk(formats=("openai_responses",), drop=REFUSED),),
    errors=ERRORS,
    quota="codex",
    quota_url="https://chatgpt.com/backend-api/wham/usage",
    adapter="codex",
)
