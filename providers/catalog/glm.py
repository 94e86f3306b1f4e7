"""GLM (Z.ai, Zhipu): a Coding Plan and pay as you go, each with addresses of its own, in two regions.

A Coding Plan key works on the coding and the Anthropic addresses and fails on `paas` as "insufficient
balance", so the default is the pair of addresses that it works on: each client is served in its own format.
"""

from __future__ import annotations

from providers.catalog.clones import ANTHROPIC_CLONE
from providers.catalog.models import chat
from providers.spec import Endpoint, ProviderSpec, Quirk

_HOSTS = {"intl": "https://api.z.ai/api", "cn": "https://open.bigmodel.cn/api"}


def _endpoints(region: str, root: str) -> tuple[Endpoint, ...]:
    chat_at = {"coding": f"{root}/coding/paas/v4", "paas": f"{root}/paas/v4"}
    messages = f"{root}/anthropic/v1"
    return (
        Endpoint(format="openai_chat", base_url=chat_at["coding"], variant="coding", region=region),
        Endpoint(
            format="anthropic_messages", base_url=messages, auth="x-api-key", variant="coding", region=region
        ),
        Endpoint(
            format="anthropic_messages",
            base_url=messages,
            auth="x-api-key",
            variant="anthropic",
            region=region,
        ),
        Endpoint(format="openai_chat", base_url=chat_at["paas"], variant="paas", region=region),
    )


SPEC = ProviderSpec(
    id="glm",
    name="GLM (Z.ai)",
    aliases=("zai", "z-ai", "zhipu"),
    pricing_id="zai",
    tier="cheap",
    cost_note="$0.6/1M tokens; Coding Plan: resets daily at 10 AM",
    signup_url="https://z.ai/manage-apikey/apikey-list",
    key_hint="32 hex digits, a dot, 16 characters",
    endpoints=tuple(endpoint for region, root in _HOSTS.items() for endpoint in _endpoints(region, root)),
    models=chat(
        "glm-5.3 glm-5.3-flash glm-5.2 glm-5.1 glm-5 glm-5-turbo glm-4.7 glm-4.7-flash glm-4.7-flashx"
        " glm-4.6 glm-4.6v glm-4.5 glm-4.5-air glm-4.5v"
    ),
    quirks=(
        Quirk(
            rename={"max_completion_tokens": "max_tokens"},
            clamp={"temperature": (0, 1), "n": (1, 1)},
            messages=("developer_to_system",),
            edits=("effort_to_thinking", "json_schema_to_prompt", "required_tool_to_prompt"),
        ),
        Quirk(models=("*", "!glm-5.[2-9]*"), drop=("reasoning_effort",)),
        Quirk(
            models=("glm-5.[2-9]*",),
            map_values={
                "reasoning_effort": {"minimal": "high", "low": "high", "medium": "high", "xhigh": "max"}
            },
        ),
        *ANTHROPIC_CLONE,
    ),
)
