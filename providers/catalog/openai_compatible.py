"""Providers that are OpenAI-compatible and little else: one row each."""

from __future__ import annotations

from typing import Any

from providers.catalog.models import chat, of_kind
from providers.spec import Endpoint, ProviderSpec, Quirk, Validation


def compatible(
    id: str, name: str, base_url: str, *, headers: dict[str, str] | None = None, **more: Any
) -> ProviderSpec:
    """A provider with one Chat Completions endpoint. `more`: further fields of `ProviderSpec`."""
    endpoint = Endpoint(format="openai_chat", base_url=base_url, headers=headers or {})
    return ProviderSpec(id=id, name=name, endpoints=(endpoint,), **{"cost_note": "Pay per use", **more})


_TOGETHER_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}
_CEREBRAS_EFFORTS = {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}

PROVIDERS: tuple[ProviderSpec, ...] = (
    compatible(
        "together",
        "Together AI",
        "https://api.together.xyz/v1",
        signup_url="https://api.together.ai/settings/api-keys",
        key_hint="64 hex digits, or tgp_v1_…",
        models=(
            *chat(
                "meta-llama/Llama-3.3-70B-Instruct-Turbo"
                " meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8 deepseek-ai/DeepSeek-R1"
                " deepseek-ai/DeepSeek-V4.1-Flash Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
                " moonshotai/Kimi-K3 zai-org/GLM-5.3 MiniMaxAI/MiniMax-M3 openai/gpt-oss-120b"
            ),
            *of_kind("embedding", "BAAI/bge-large-en-v1.5 togethercomputer/m2-bert-80M-8k-retrieval"),
            *of_kind("image", "black-forest-labs/FLUX.1.1-pro black-forest-labs/FLUX.1-schnell-Free"),
            *of_kind("transcription", "openai/whisper-large-v3"),
        ),
        quirks=(
            Quirk(
                map_values={"reasoning_effort": _TOGETHER_EFFORTS}, edits=("effort_none_to_reasoning_off",)
            ),
            Quirk(models=("*DeepSeek-R1*",), traits={"thought_tag": "think"}),
        ),
        validation=Validation(probe=""),
    ),
    compatible(
        "fireworks",
        "Fireworks AI",
        "https://api.fireworks.ai/inference/v1",
        signup_url="https://app.fireworks.ai/settings/users/api-keys",
        key_hint="fw_…",
        models=(
            *chat(
                "accounts/fireworks/models/deepseek-v3p1 accounts/fireworks/models/deepseek-v4-pro"
                " accounts/fireworks/models/llama-v3p3-70b-instruct"
                " accounts/fireworks/models/qwen3-235b-a22b accounts/fireworks/models/kimi-k3"
                " accounts/fireworks/models/glm-5p3 accounts/fireworks/models/glm-4p7"
                " accounts/fireworks/models/minimax-m3 accounts/fireworks/models/gpt-oss-120b"
            ),
            *of_kind(
                "embedding", "nomic-ai/nomic-embed-text-v1.5 accounts/fireworks/models/qwen3-embedding-8b"
            ),
            *of_kind(
                "image",
                "accounts/fireworks/models/flux-1-dev-fp8 accounts/fireworks/models/flux-1-schnell-fp8",
            ),
        ),
        quirks=(
            Quirk(edits=("short_without_stream",)),
            Quirk(models=("*flux-1-*",), traits={"one_image": True}),
        ),
        adapter="fireworks",
    ),
    compatible(
        "cerebras",
        "Cerebras",
        "https://api.cerebras.ai/v1",
        signup_url="https://cloud.cerebras.ai/platform",
        key_hint="csk-…",
        models=(
            *chat(
                "gpt-oss-120b zai-glm-4.7",
                context_window=131_072,
                max_output_tokens=40_960,
                reasoning="effort",
            ),
            *chat("qwen-3.8-27b", context_window=65_536),
            *chat("llama-3.3-70b llama3.1-8b", context_window=128_000),
            *chat("llama-4-scout-17b-16e-instruct", context_window=32_768),
            *chat("qwen-3-235b-a22b-instruct-2507 qwen-3-32b", context_window=131_072),
        ),
        quirks=(
            Quirk(
                drop=(
                    "frequency_penalty",
                    "presence_penalty",
                    "logit_bias",
                    "logprobs",
                    "top_logprobs",
                    "service_tier",
                ),
                messages=("strip_reasoning", "flatten_text"),
                edits=("strict_json_schema",),
            ),
            Quirk(models=("llama*",), drop=("parallel_tool_calls",)),
            Quirk(models=("gpt-oss*",), map_values={"reasoning_effort": _CEREBRAS_EFFORTS}),
            Quirk(models=("llama*", "qwen-3*"), drop=("reasoning_effort",)),
        ),
    ),
    compatible(
        "cohere",
        "Cohere",
        "https://api.cohere.ai/compatibility/v1",
        adapter="cohere",
        signup_url="https://dashboard.cohere.com/api-keys",
        key_hint="40 letters and digits",
        models=(
            *chat("command-a-03-2025 command-a-reasoning-08-2025 command-r-plus-08-2024 command-r-08-2024"),
            *chat("command-r7b-12-2024"),
            *of_kind("embedding", "embed-v4.0"),
        ),
        model_aliases={"command-r-plus": "command-r-plus-08-2024", "command-r": "command-r-08-2024"},
        quirks=(
            Quirk(
                drop=(
                    "logit_bias",
                    "top_logprobs",
                    "parallel_tool_calls",
                    "n",
                    "user",
                    "store",
                    "metadata",
                    "service_tier",
                    "modalities",
                    "prediction",
                ),
                rename={"max_completion_tokens": "max_tokens"},
                messages=("developer_to_system", "strip_names", "strip_reasoning"),
                map_values={
                    "reasoning_effort": dict.fromkeys(("minimal", "low", "medium", "xhigh", "max"), "high")
                },
            ),
        ),
        validation=Validation(probe="../../v1/models?endpoint=chat&page_size=1"),
        models_path="../../v1/models?endpoint=chat&page_size=1000",
    ),
    compatible(
        "nvidia",
        "NVIDIA NIM",
        "https://integrate.api.nvidia.com/v1",
        signup_url="https://build.nvidia.com",
        key_hint="nvapi-…",
        models=(
            *chat(
                "nvidia/llama-3.3-70b-instruct meta/llama-3.3-70b-instruct moonshotai/kimi-k2.5 z-ai/glm4.7"
                " deepseek-ai/deepseek-v3.2 openai/gpt-oss-120b"
            ),
            *of_kind("embedding", "nvidia/nv-embedqa-e5-v5"),
        ),
        quirks=(
            Quirk(
                models=("nvidia/*embed*",), formats=("openai_embeddings",), default={"input_type": "query"}
            ),
        ),
        validation=Validation(probe=""),
    ),
    compatible(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        aliases=("or",),
        headers={"HTTP-Referer": "https://omniroute.dev", "X-Title": "OmniRoute"},
        cost_note="Pay per use; models that end in :free cost nothing",
        signup_url="https://openrouter.ai/settings/keys",
        key_hint="sk-or-v1-…",
        models=(
            *chat("openrouter/auto", name="Auto"),
            *chat(
                "anthropic/claude-opus-5.5 anthropic/claude-sonnet-5.5 anthropic/claude-haiku-5.5"
                " openai/gpt-5.6-sol openai/gpt-5.4 openai/gpt-5.4-mini google/gemini-3.8-flash"
                " google/gemini-3.1-pro-preview deepseek/deepseek-v4-pro z-ai/glm-5.3 moonshotai/kimi-k3"
                " minimax/minimax-m3 x-ai/grok-4.3 qwen/qwen3-coder"
            ),
            *of_kind("embedding", "openai/text-embedding-3-small"),
            *of_kind("transcription", "openai/whisper-1"),
        ),
        model_aliases={"auto": "openrouter/auto"},
        quirks=(Quirk(traits={"sound_as_json": True}),),
        validation=Validation(probe="/key"),
    ),
)
