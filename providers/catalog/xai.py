"""xAI."""

from __future__ import annotations

from providers.catalog.models import chat, of_kind
from providers.spec import Endpoint, ProviderSpec, Quirk

_BASE = "https://api.x.ai/v1"
_EFFORT_BY_NAME = (
    "grok-3",
    "grok-3-fast*",
    "grok-4",
    "grok-4-*",
    "grok-code*",
    "grok-build*",
    "grok-4.20*",
    "!*multi-agent*",
)
_MINI_EFFORTS = {"none": "low", "minimal": "low", "medium": "high", "xhigh": "high", "max": "high"}
_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}
_BOTH = ("openai_chat", "openai_responses")

SPEC = ProviderSpec(
    id="xai",
    name="xAI (Grok)",
    aliases=("grok", "x-ai"),
    pricing_id="x-ai",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://console.x.ai",
    key_hint="xai-…",
    endpoints=(
        Endpoint(format="openai_chat", base_url=_BASE, models=("*", "!*multi-agent*")),
        Endpoint(format="openai_responses", base_url=_BASE),
    ),
    models=(
        *chat("grok-4.7 grok-4.6 grok-4.5", context_window=500_000),
        *chat(
            "grok-4.3 grok-4.20 grok-4.20-multi-agent-0309 grok-4-1-fast-reasoning"
            " grok-4-1-fast-non-reasoning grok-4-fast-reasoning grok-4-fast-non-reasoning grok-4"
            " grok-code-fast-1 grok-build-0.1 grok-3 grok-3-mini"
        ),
        *of_kind("image", "grok-2-image-1212 grok-imagine-image"),
    ),
    model_aliases={
        "grok-4-0709-fast-reasoning": "grok-4-fast-reasoning",
        "grok-4-fast": "grok-4-fast-reasoning",
        "grok-code-mini": "grok-code-fast-1",
        "grok-2-image": "grok-2-image-1212",
    },
    quirks=(
        Quirk(
            rename={"max_completion_tokens": "max_tokens"},
            messages=("strip_names",),
            tools=("strip_strict",),
        ),
        Quirk(
            models=("grok-4*", "grok-code-fast*", "grok-build*", "grok-3-mini*"),
            drop=("stop", "presence_penalty", "frequency_penalty"),
        ),
        Quirk(models=_EFFORT_BY_NAME, drop=("reasoning_effort",)),
        Quirk(models=_EFFORT_BY_NAME, formats=("openai_responses",), drop=("reasoning.effort",)),
        Quirk(
            models=("grok-3-mini*",),
            formats=_BOTH,
            map_values={"reasoning_effort": _MINI_EFFORTS, "reasoning.effort": _MINI_EFFORTS},
        ),
        Quirk(
            models=("grok-4.[3-9]*",),
            formats=_BOTH,
            map_values={"reasoning_effort": _EFFORTS, "reasoning.effort": _EFFORTS},
        ),
        Quirk(models=("grok-*image*",), formats=("openai_images",), drop=("size", "quality", "style")),
    ),
)
