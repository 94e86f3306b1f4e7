"""Kiro: Amazon's coding assistant, signed in to with an AWS Builder ID or another account.

Source: facts/oauth_providers.md §7.
"""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ProviderSpec

OAUTH = OAuthSpec(
    flows=("device", "social"),
    scopes=("codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations"),
    token_url="https://oidc.{region}.amazonaws.com/token",
    token_encoding="json",
    refresh_lead_s=300,
    device_dialect="aws",
    register_url="https://oidc.{region}.amazonaws.com/client/register",
    device_url="https://oidc.{region}.amazonaws.com/device_authorization",
    start_url="https://view.awsapps.com/start",
    profile_url="https://codewhisperer.us-east-1.amazonaws.com/",
    social_url="https://prod.us-east-1.auth.desktop.kiro.dev",
    social_redirect_uri="kiro://kiro.kiroAgent/authenticate-success",
    expired_messages=("the bearer token included in the request is invalid",),
    credential_files=(
        "~/.aws/sso/cache/kiro-auth-token.json",
        "~/.local/share/kiro-cli/data.sqlite3",
        "~/Library/Application Support/kiro-cli/data.sqlite3",
    ),
)

SPEC = ProviderSpec(
    id="kiro",
    name="Kiro",
    prefix="kr",
    tier="free",
    cost_note="Some 50 credits a month for free",
    signup_url="https://kiro.dev",
    terms_warning=(
        "Amazon offers Kiro for its own editor and command line. Accounts that gateways drive, above all from cloud "
        "addresses, get suspended."
    ),
    oauth=OAUTH,
    endpoints=(Endpoint(format="openai_chat", base_url="https://codewhisperer.us-east-1.amazonaws.com"),),
    models=chat("claude-sonnet-4.5 claude-haiku-4.5"),
)
