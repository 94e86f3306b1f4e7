"""Kiro: Amazon's coding assistant, signed in to with an AWS Builder ID or another account.

Source: docs/protocol-notes.md, Kiro.
"""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ModelSpec, ProviderSpec

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
    social_page="https://app.kiro.dev/signin",
    authorize_params={"redirect_from": "KiroIDE"},
    redirect_uri="http://localhost:{port}/oauth/callback",
    listen_ports=(3128, 4649, 6588, 8008, 9091, 49153, 50153, 51153, 52153, 53153),
    social_url="https://prod.us-east-1.auth.desktop.kiro.dev",
    expired_messages=("the bearer token included in the request is invalid",),
    credential_files=(
        "~/.aws/sso/cache/kiro-auth-token.json",
        "~/.local/share/kiro-cli/data.sqlite3",
        "~/Library/Application Support/kiro-cli/data.sqlite3",
    ),
)

HEADERS = {
    "x-amz-target": "AmazonCodeWhispererStreamingService.GenerateAssistantResponse",
    "user-agent": "AWS-SDK-JS/3.0.0 kiro-ide/1.0.0",
    "x-amz-user-agent": "aws-sdk-js/3.0.0 kiro-ide/1.0.0",
    "x-amzn-kiro-agent-mode": "vibe",
}

ERRORS = (
    ErrorRule(means="context", text=r"CONTENT_LENGTH_EXCEEDS_THRESHOLD|Input is too long"),
    ErrorRule(means="quota", text=r"DAILY_REQUEST_COUNT", reset=("find:nextDateReset", "midnight:+0")),
    ErrorRule(
        means="quota",
        text=r"MONTHLY_REQUEST_COUNT|OVERAGE_REQUEST_LIMIT_EXCEEDED|reached for this month|ServiceQuotaExceeded",
        reset=("find:nextDateReset", "month"),
    ),
    ErrorRule(means="quota", statuses=(402,), reset=("find:nextDateReset", "month")),
    ErrorRule(
        means="quota",
        text=r"CREDIT_CONSUMPTION_RATE_EXCEEDED|60-minute credit limit exceeded",
        wait_s=3600,
        reset=("text",),
    ),
    ErrorRule(means="model", text=r"INSUFFICIENT_MODEL_CAPACITY", wait_s=60),
    ErrorRule(means="rate_limited", text=r"USER_REQUEST_RATE_EXCEEDED", wait_s=120),
    ErrorRule(
        means="rate_limited", text=r"SERVICE_REQUEST_RATE_EXCEEDED|ThrottlingException", repeats=2, pause_s=2
    ),
    ErrorRule(means="rate_limited", statuses=(429,), repeats=2, pause_s=2),
    ErrorRule(means="disabled", statuses=(403,), text=r"User ID .{0,80}temporarily is suspended"),
    ErrorRule(means="model", statuses=(400,), text=r"Invalid model"),
    ErrorRule(
        means="request",
        statuses=(400,),
        text=r"Improperly formed request|REQUEST_BODY_INVALID|CONVERSATION_LIMIT_EXCEEDED",
    ),
)
"""docs/protocol-notes.md, Kiro, and Sign-in in general. What names its own wait is not repeated within it."""

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
    endpoints=(
        Endpoint(
            format="kiro",
            base_url="https://codewhisperer.us-east-1.amazonaws.com",
            preferred_url="https://runtime.us-east-1.kiro.dev",
            headers=HEADERS,
        ),
    ),
    models=(
        *chat("claude-sonnet-5 claude-sonnet-4.5 claude-haiku-4.5"),
        ModelSpec(id="deepseek-3.2", vision=False, reasoning="none", context_window=131_072),
        ModelSpec(id="qwen3-coder-next", vision=False),
        *chat("glm-5 minimax-m2.5 minimax-m2.1 gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna"),
    ),
    model_aliases={"claude-sonnet-4-5": "claude-sonnet-4.5", "claude-haiku-4-5": "claude-haiku-4.5"},
    models_path="",
    errors=ERRORS,
    quota="kiro",
    quota_url="https://codewhisperer.us-east-1.amazonaws.com/getUsageLimits",
    adapter="kiro",
)
