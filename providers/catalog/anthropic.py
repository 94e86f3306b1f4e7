"""Anthropic."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.spec import Endpoint, ProviderSpec, Quirk

NO_SAMPLING = (
    "claude-opus-4-[7-9]*",
    "claude-opus-[5-9]*",
    "claude-sonnet-[5-9]*",
    "claude-haiku-[5-9]*",
    "claude-fable-*",
    "claude-mythos-*",
)
_FORMAT = ("anthropic_messages",)

SPEC = ProviderSpec(
    id="anthropic",
    name="Anthropic",
    vendor="anthropic",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://console.anthropic.com/settings/keys",
    key_hint="sk-ant-api03-…",
    endpoints=(
        Endpoint(
            format="anthropic_messages",
            base_url="https://api.anthropic.com/v1",
            auth="x-api-key",
        ),
    ),
    models=chat(
        "claude-opus-5-5 claude-sonnet-5-5 claude-haiku-5-5 claude-fable-5-2 claude-fable-5-1 claude-fable-5"
        " claude-opus-5 claude-sonnet-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-sonnet-4-6"
        " claude-opus-4-5-20251101 claude-sonnet-4-5-20250929 claude-haiku-4-5-20251001"
        " claude-opus-4-1-20250805 claude-opus-4-20250514 claude-sonnet-4-20250514"
    ),
    quirks=(
        Quirk(models=NO_SAMPLING, formats=_FORMAT, drop=("temperature", "top_p", "top_k")),
        Quirk(
            formats=_FORMAT,
            clamp={"temperature": (0, 1)},
            messages=("no_empty_text",),
            edits=("no_blank_stops",),
        ),
        Quirk(models=("*", "!claude-2*", "!claude-3*"), formats=_FORMAT, edits=("one_sampling_field",)),
    ),
)
