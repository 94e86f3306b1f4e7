"""DeepSeek: OpenAI-compatible, with an Anthropic-compatible twin."""

from __future__ import annotations

from dataclasses import replace

from providers.catalog.clones import ANTHROPIC_CLONE
from providers.catalog.models import chat
from providers.spec import Endpoint, ProviderSpec, Quirk, Validation

SPEC = ProviderSpec(
    id="deepseek",
    name="DeepSeek",
    prefix="ds",
    tier="api_key",
    cost_note="Pay per use",
    signup_url="https://platform.deepseek.com/api_keys",
    key_hint="sk-…",
    endpoints=(
        Endpoint(format="openai_chat", base_url="https://api.deepseek.com/v1"),
        Endpoint(
            format="anthropic_messages", base_url="https://api.deepseek.com/anthropic/v1", auth="x-api-key"
        ),
    ),
    models=chat("deepseek-chat deepseek-reasoner deepseek-flash deepseek-v4-pro deepseek-v4-flash"),
    model_aliases={"deepseek-r1": "deepseek-reasoner", "deepseek-v3": "deepseek-chat"},
    quirks=(
        Quirk(
            rename={"max_completion_tokens": "max_tokens"},
            messages=("developer_to_system", "flatten_text", "reasoning_on_tool_turns"),
            edits=("effort_to_thinking", "json_schema_to_prompt"),
        ),
        Quirk(
            models=("deepseek-reasoner",),
            drop=("logprobs", "top_logprobs"),
            edits=("required_tool_to_prompt",),
        ),
        # The twin reads an effort (vendor's documentation of its thinking mode).
        *(
            replace(quirk, drop=tuple(name for name in quirk.drop if name != "output_config"))
            for quirk in ANTHROPIC_CLONE
        ),
    ),
    validation=Validation(probe="../user/balance"),
    adapter="deepseek",
)
