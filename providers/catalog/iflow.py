"""iFlow, which its vendor has closed. Source: docs/protocol-notes.md, iFlow."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.oauth.spec import OAuthSpec
from providers.spec import Endpoint, ErrorRule, ProviderSpec

OAUTH = OAuthSpec(
    flows=("code",),
    client_id="10009311001",
    client_secret_env="IFLOW_OAUTH_CLIENT_SECRET",
    client_auth="basic",
    authorize_url="https://iflow.cn/oauth",
    authorize_params={"loginMethod": "phone", "type": "phone"},
    pkce=False,
    redirect_param="redirect",
    token_url="https://iflow.cn/oauth/token",
    refresh_lead_s=86_400,
    profile_url="https://iflow.cn/api/oauth/getUserInfo",
    mint_url="https://platform.iflow.cn/api/openapi/apikey",
    credential_files=("~/.iflow/oauth_creds.json", "~/.iflow/iflow_accounts.json", "~/.iflow/settings.json"),
)

SPEC = ProviderSpec(
    id="iflow",
    name="iFlow",
    prefix="if",
    tier="free",
    cost_note="Was free",
    signup_url="https://iflow.cn",
    status="discontinued",
    discontinued_at="2026-04-17",
    status_note="Closed on 17 April 2026. The vendor moved to Qoder and revoked the program's credential.",
    terms_warning="iFlow made this sign-in for its own program only.",
    oauth=OAUTH,
    endpoints=(
        Endpoint(
            format="openai_chat", base_url="https://apis.iflow.cn/v1", headers={"user-agent": "iFlow-Cli"}
        ),
    ),
    models=(
        *chat(
            "kimi-k2-thinking kimi-k2.5 kimi-k2 qwen3-coder-plus qwen3-max qwen3-max-preview"
            " qwen3-235b qwen3-235b-a22b-instruct qwen3-235b-a22b-thinking-2507 qwen3-32b glm-4.7 minimax-m2"
            " minimax-m2.1 deepseek-r1 deepseek-v3 deepseek-v3.1 deepseek-v3.2 deepseek-v3.2-chat"
            " deepseek-v3.2-reasoner"
        ),
        *chat("qwen3-vl-plus", vision=True),
        *chat("iflow-rome-30ba3b", reasoning="none", context_window=128_000),
    ),
    models_path="",
    errors=(ErrorRule(means="disabled", text=r"invalid_client"),),
    adapter="iflow",
)
