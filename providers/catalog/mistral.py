"""Mistral: OpenAI-like, and strict about every field that it does not know."""

from __future__ import annotations

from providers.catalog.models import chat, of_kind
from providers.spec import Endpoint, ProviderSpec, Quirk

SPEC = ProviderSpec(
    id="mistral",
    name="Mistral",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://console.mistral.ai/api-keys",
    key_hint="32 letters and digits",
    endpoints=(Endpoint(format="openai_chat", base_url="https://api.mistral.ai/v1"),),
    models=(
        *chat(
            "mistral-large-latest mistral-large-4 mistral-large-2512 mistral-medium-latest"
            " mistral-small-latest codestral-latest codestral-2508 devstral-latest magistral-medium-latest"
            " magistral-small-latest ministral-8b-latest ministral-3b-latest"
        ),
        *of_kind("embedding", "mistral-embed codestral-embed-2505"),
    ),
    model_aliases={"mistral-large-2501": "mistral-large-latest", "codestral-2501": "codestral-latest"},
    quirks=(
        Quirk(
            rename={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
            drop=(
                "stream_options",
                "logprobs",
                "top_logprobs",
                "logit_bias",
                "user",
                "store",
                "service_tier",
                "safety_identifier",
                "verbosity",
                "prompt_cache_retention",
                "web_search_options",
                "modalities",
            ),
            messages=(
                "developer_to_system",
                "strip_names",
                "strip_reasoning",
                "drop_null_keys",
                "drop_empty_assistant",
                "mistral_tool_ids",
                "prefix_last_assistant",
            ),
            tools=("strip_strict", "strip_schema_keys"),
            edits=("tool_choice_any",),
        ),
        Quirk(
            models=("*", "!mistral-small*", "!mistral-medium*", "!mistral-large-4*"),
            drop=("reasoning_effort",),
        ),
        Quirk(
            map_values={
                "reasoning_effort": {
                    "minimal": "none",
                    "low": "none",
                    "medium": "high",
                    "xhigh": "high",
                    "max": "high",
                }
            }
        ),
        Quirk(
            models=("mistral-embed*",),
            formats=("openai_embeddings",),
            drop=("dimensions", "user"),
            force={"encoding_format": "float"},
        ),
    ),
)
