"""Perplexity: search-augmented, no tools, and strict turns."""

from __future__ import annotations

from providers.catalog.models import chat
from providers.spec import Endpoint, ProviderSpec, Quirk, Validation

SPEC = ProviderSpec(
    id="perplexity",
    name="Perplexity",
    prefix="pplx",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://www.perplexity.ai/settings/api",
    key_hint="pplx-…",
    endpoints=(Endpoint(format="openai_chat", base_url="https://api.perplexity.ai"),),
    models=(
        *chat("sonar-pro", max_output_tokens=8192),
        *chat("sonar sonar-reasoning-pro", max_output_tokens=4096),
        *chat("sonar-deep-research", max_output_tokens=32_768),
    ),
    quirks=(
        Quirk(
            drop=(
                "tools",
                "tool_choice",
                "parallel_tool_calls",
                "functions",
                "function_call",
                "stop",
                "seed",
                "n",
                "logprobs",
                "top_logprobs",
                "logit_bias",
            ),
            rename={"max_completion_tokens": "max_tokens"},
            messages=("developer_to_system", "strip_names", "strip_reasoning", "alternate"),
            map_values={"reasoning_effort": {"none": "minimal", "xhigh": "high", "max": "high"}},
        ),
        Quirk(models=("sonar", "sonar-pro"), drop=("reasoning_effort",)),
        Quirk(models=("sonar-reasoning*", "sonar-deep-research*"), traits={"thought_tag": "think"}),
    ),
    validation=Validation(probe=""),
    models_path="",
)
