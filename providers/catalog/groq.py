"""Groq."""

from __future__ import annotations

from providers.catalog.models import chat, of_kind
from providers.spec import Endpoint, ProviderSpec, Quirk

_QWEN_EFFORTS = dict.fromkeys(("minimal", "low", "medium", "high", "xhigh", "max"), "default")
_GPT_OSS_EFFORTS = {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}

SPEC = ProviderSpec(
    id="groq",
    name="Groq",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://console.groq.com/keys",
    key_hint="gsk_…",
    endpoints=(Endpoint(format="openai_chat", base_url="https://api.groq.com/openai/v1"),),
    models=(
        *chat("llama-3.3-70b-versatile", max_output_tokens=32_768),
        *chat("llama-3.1-8b-instant", max_output_tokens=131_072),
        *chat(
            "meta-llama/llama-4-maverick-17b-128e-instruct meta-llama/llama-4-scout-17b-16e-instruct",
            context_window=131_072,
            max_output_tokens=8192,
        ),
        *chat("openai/gpt-oss-120b openai/gpt-oss-20b", max_output_tokens=65_536),
        *chat("qwen/qwen3-32b qwen/qwen3.8-27b", context_window=131_072, max_output_tokens=40_960),
        *of_kind("transcription", "whisper-large-v3 whisper-large-v3-turbo"),
    ),
    model_aliases={
        "llama-4-maverick-17b-128e-instruct": "meta-llama/llama-4-maverick-17b-128e-instruct",
        "llama-4-scout-17b-16e-instruct": "meta-llama/llama-4-scout-17b-16e-instruct",
        "gpt-oss-120b": "openai/gpt-oss-120b",
        "gpt-oss-20b": "openai/gpt-oss-20b",
        "qwen3-32b": "qwen/qwen3-32b",
    },
    quirks=(
        Quirk(
            drop=("logprobs", "top_logprobs", "logit_bias"),
            clamp={"n": (1, 1)},
            messages=("strip_names", "strip_reasoning", "drop_null_keys"),
        ),
        Quirk(
            models=("*qwen3*",),
            default={"reasoning_format": "parsed"},
            map_values={"reasoning_effort": _QWEN_EFFORTS},
            edits=("parsed_reasoning",),
        ),
        Quirk(models=("*gpt-oss*",), map_values={"reasoning_effort": _GPT_OSS_EFFORTS}),
        Quirk(models=("*", "!*gpt-oss*", "!*qwen3*"), drop=("reasoning_effort", "reasoning_format")),
    ),
)
