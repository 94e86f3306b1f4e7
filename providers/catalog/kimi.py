"""Kimi: Moonshot's platform, and the coding plan on an address and with keys of its own."""

from __future__ import annotations

from providers.catalog.clones import ANTHROPIC_CLONE
from providers.catalog.models import chat
from providers.spec import Endpoint, ProviderSpec, Quirk, Validation

_HOSTS = {"intl": "https://api.moonshot.ai", "cn": "https://api.moonshot.cn"}
_SWITCHABLE = ("kimi-k2.[5-9]*", "kimi-k3*", "kimi-for-coding*", "k2p*")
_FIXED_SAMPLING = ("temperature", "top_p", "n", "presence_penalty", "frequency_penalty")

QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        rename={"max_completion_tokens": "max_tokens"},
        clamp={"temperature": (0, 1)},
        messages=("developer_to_system", "echo_reasoning"),
        edits=("warmer_for_choices", "required_tool_to_prompt"),
    ),
    Quirk(models=_SWITCHABLE, drop=_FIXED_SAMPLING, edits=("effort_to_thinking",)),
    Quirk(drop=("reasoning_effort",)),
    *ANTHROPIC_CLONE,
)

KIMI = ProviderSpec(
    id="kimi",
    name="Kimi (Moonshot AI)",
    aliases=("moonshot", "moonshotai"),
    pricing_id="moonshotai",
    tier="cheap",
    cost_note="$9/month flat: 10M tokens/month",
    signup_url="https://platform.moonshot.ai/console/api-keys",
    key_hint="sk-…",
    endpoints=tuple(
        endpoint
        for region, host in _HOSTS.items()
        for endpoint in (
            Endpoint(format="openai_chat", base_url=f"{host}/v1", region=region),
            Endpoint(
                format="anthropic_messages", base_url=f"{host}/anthropic/v1", auth="x-api-key", region=region
            ),
        )
    ),
    models=chat(
        "kimi-latest kimi-k3.1-pro kimi-k3 kimi-k2.7-code kimi-k2.6 kimi-k2.5 kimi-k2-thinking"
        " kimi-k2-0905-preview"
    ),
    quirks=QUIRKS,
    validation=Validation(probe="/users/me/balance"),
)

KIMI_CODING = ProviderSpec(
    id="kimi-coding",
    name="Kimi Coding",
    prefix="kmc",
    tier="subscription",
    cost_note="Kimi subscription",
    signup_url="https://www.kimi.com/code/console",
    key_hint="sk-kimi-…",
    endpoints=tuple(
        Endpoint(
            format=format,
            base_url="https://api.kimi.com/coding/v1",
            auth="x-api-key" if format == "anthropic_messages" else "bearer",
            # It serves coding tools only, and knows them by this.
            forward_headers=("user-agent",),
        )
        for format in ("anthropic_messages", "openai_chat")
    ),
    models=chat("kimi-for-coding kimi-k2.5 k2p7 k2p6 k2p5 kimi-k2-thinking", max_output_tokens=32_768),
    quirks=QUIRKS,
)
