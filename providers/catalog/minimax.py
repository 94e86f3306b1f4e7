"""MiniMax. Its Anthropic-compatible address comes first: it keeps thinking and cache control."""

from __future__ import annotations

from providers.catalog.clones import ANTHROPIC_CLONE
from providers.catalog.models import chat
from providers.spec import Endpoint, ProviderSpec, Quirk, Validation

_HOSTS = {"intl": "https://api.minimax.io", "cn": "https://api.minimaxi.com"}
_TEMPERATURE = {"temperature": (0.01, 1.0)}

SPEC = ProviderSpec(
    id="minimax",
    name="MiniMax",
    tier="cheap",
    cost_note="$0.2/1M tokens; resets every 5 hours (rolling)",
    signup_url="https://platform.minimax.io/user-center/basic-information/interface-key",
    key_hint="sk-…, or a long token that begins with eyJ",
    endpoints=tuple(
        endpoint
        for region, host in _HOSTS.items()
        for endpoint in (
            Endpoint(
                format="anthropic_messages", base_url=f"{host}/anthropic/v1", auth="x-api-key", region=region
            ),
            Endpoint(format="openai_chat", base_url=f"{host}/v1", region=region),
        )
    ),
    models=chat(
        "MiniMax-M3.1-Flash MiniMax-M3 MiniMax-M2.7 MiniMax-M2.7-highspeed MiniMax-M2.5"
        " MiniMax-M2.5-highspeed MiniMax-M2.1 MiniMax-M2"
    ),
    quirks=(
        Quirk(
            rename={"max_completion_tokens": "max_tokens"},
            clamp=_TEMPERATURE,
            default={"reasoning_split": True},
            messages=("developer_to_system",),
        ),
        Quirk(formats=("anthropic_messages",), clamp=_TEMPERATURE),
        *ANTHROPIC_CLONE,
    ),
    validation=Validation(probe=""),
)
