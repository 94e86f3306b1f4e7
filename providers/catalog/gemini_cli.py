"""Gemini CLI: Google's Code Assist, signed in to as its program does. Source: docs/protocol-notes.md, Gemini CLI."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ModelSpec, ProviderSpec

OAUTH = OAuthSpec(
    flows=("code",),
    client_id="681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
    client_secret_env="GEMINI_CLI_OAUTH_CLIENT_SECRET",
    client_auth="body",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    authorize_params={"response_type": "code", "access_type": "offline", "prompt": "consent"},
    scopes=(
        "https://www.googleapis.com/auth/cloud-platform",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
    ),
    redirect_uri="http://127.0.0.1:{port}/oauth2callback",
    manual_redirect_uri="https://codeassist.google.com/authcode",
    token_url="https://oauth2.googleapis.com/token",
    refresh_lead_s=900,
    profile_url="https://www.googleapis.com/oauth2/v2/userinfo",
    credential_files=("~/.gemini/oauth_creds.json",),
)

ERRORS = (
    ErrorRule(means="disabled", statuses=(403,), text=r"TOS_VIOLATION"),
    ErrorRule(means="disabled", statuses=(400, 403), text=r"no longer supported"),
    ErrorRule(means="sign_in", statuses=(403,), text=r"VALIDATION_REQUIRED"),
    ErrorRule(
        means="quota",
        statuses=(429, 499, 503),
        text=r"PerDay|Daily|QUOTA_EXHAUSTED|INSUFFICIENT_G1_CREDITS_BALANCE|limit: 0\b",
        model_only=True,
        reset=("find:quotaResetTimeStamp", "midnight:-8"),
    ),
    ErrorRule(means="overloaded", text=r"MODEL_CAPACITY_EXHAUSTED", model_only=True, wait_s=60),
    ErrorRule(
        means="rate_limited", text=r"PerMinute", model_only=True, wait_s=60, reset=("find:retryDelay",)
    ),
    ErrorRule(
        means="rate_limited",
        statuses=(429, 499, 503),
        text=r"RATE_LIMIT_EXCEEDED|retryDelay",
        model_only=True,
        reset=("find:retryDelay", "text"),
    ),
    ErrorRule(means="model", statuses=(404,)),
)
"""docs/protocol-notes.md, Gemini CLI. Quotas are counted by model, and days end at midnight in California."""

SPEC = ProviderSpec(
    id="gemini-cli",
    name="Gemini CLI",
    prefix="gc",
    tier="subscription",
    cost_note="Gemini Code Assist Standard or Enterprise",
    signup_url="https://codeassist.google/products/business",
    vendor="gemini",
    pricing_id="google",
    status="deprecated",
    status_note="Since 18 June 2026 only for Code Assist Standard and Enterprise: Google refuses personal accounts.",
    terms_warning=(
        "Google calls the use of this sign-in by other programs a breach of its terms, and disables accounts for it "
        "(TOS_VIOLATION)."
    ),
    oauth=OAUTH,
    endpoints=(Endpoint(format="gemini", base_url="https://cloudcode-pa.googleapis.com/v1internal"),),
    models=(
        *chat(
            "gemini-3.1-pro-preview gemini-3-pro-preview gemini-3-flash-preview gemini-3.1-flash-lite-preview"
            " gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite"
        ),
        ModelSpec(id="gemini-3.5-flash", upstream_id="gemini-3-flash"),
    ),
    model_aliases={"gemini-3-flash": "gemini-3-flash-preview", "gemini-3-pro": "gemini-3-pro-preview"},
    models_path="",
    errors=ERRORS,
    quota="code_assist",
    adapter="code_assist",
)
