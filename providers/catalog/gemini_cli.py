"""Gemini CLI: Google's Code Assist, signed in to as its program does. Source: facts/oauth_providers.md §3."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ProviderSpec

OAUTH = OAuthSpec(
    flows=("code",),
    client_id="681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
    client_secret_env="GEMINI_CLI_OAUTH_CLIENT_SECRET",
    client_auth="body",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    authorize_params={"access_type": "offline", "prompt": "consent"},
    scopes=(
        "https://www.googleapis.com/auth/cloud-platform",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
    ),
    redirect_uri="http://127.0.0.1:{port}/oauth2callback",
    token_url="https://oauth2.googleapis.com/token",
    refresh_lead_s=900,
    profile_url="https://www.googleapis.com/oauth2/v2/userinfo",
    credential_files=("~/.gemini/oauth_creds.json",),
)

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
    models=chat("gemini-3-flash-preview gemini-2.5-pro"),
)
