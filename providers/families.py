"""What is known of a model by its name, wherever it is served: thinking, windows, vision.

Sources: the vendors' documentation (docs/protocol-notes.md, Thinking), and the context windows of the price data.
What a catalog row or the overlay says of a model goes before its family.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from providers.spec import ModelSpec, ProviderSpec, matches


@dataclass(frozen=True, slots=True)
class Family:
    """`globs` fit the name without what stands before its last slash, in lower case, with dashes for dots."""

    globs: tuple[str, ...]
    reasoning: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    vision: bool | None = None


def _family(
    globs: str,
    reasoning: str,
    context: int | None = None,
    output: int | None = None,
    vision: bool | None = None,
) -> Family:
    return Family(tuple(globs.split()), reasoning, context, output, vision)


FAMILIES: tuple[Family, ...] = (
    # Claude: thinking since 3.7, adaptive since 4.6
    _family("claude-2* claude-instant* claude-v*", "none", 200_000, 4096, False),
    _family("claude-3-5-*", "none", 200_000, 8192, True),
    _family("claude-3-opus* claude-3-sonnet* claude-3-haiku*", "none", 200_000, 4096, True),
    _family("claude-3-7-*", "budget", 200_000, 64_000, True),
    _family(
        "claude-opus-4 claude-opus-4-0* claude-opus-4-1* claude-opus-4-2025* claude-4-opus*",
        "budget",
        200_000,
        32_000,
        True,
    ),
    _family(
        "claude-sonnet-4 claude-sonnet-4-0* claude-sonnet-4-2025* claude-4-sonnet*",
        "budget",
        200_000,
        64_000,
        True,
    ),
    _family("claude-*-4-5* claude-4-5-*", "budget", 200_000, 64_000, True),
    _family("claude-sonnet-4-6* claude-4-6-sonnet*", "adaptive", 1_000_000, 64_000, True),
    _family("claude-*", "adaptive", 1_000_000, 128_000, True),
    # OpenAI
    _family("text-embedding-* *whisper* *transcribe* *-tts* tts-* dall-e-* gpt-image-*", "none"),
    _family("gpt-3-5-*", "none", 16_385, 4096, False),
    _family("gpt-4-turbo* gpt-4-1106* gpt-4-0125* gpt-4o-2024-05-13", "none", 128_000, 4096, True),
    _family("gpt-4o* chatgpt-4o*", "none", 128_000, 16_384, True),
    _family("gpt-4-1 gpt-4-1-*", "none", 1_047_576, 32_768, True),
    _family("gpt-4-5*", "none", 128_000, 16_384, True),
    _family("gpt-4-32k*", "none", 32_768, 32_768, False),
    _family("gpt-4 gpt-4-0*", "none", 8192, 8192, False),
    _family("gpt-5*-chat* gpt-6*-chat* gpt-chat-latest", "none", 128_000, 16_384, True),
    _family("gpt-5-pro*", "effort", 400_000, 272_000, True),
    _family("gpt-5-3-codex-spark*", "effort", 128_000, 32_000, True),
    _family("gpt-5 gpt-5-* !gpt-5-[4-9] !gpt-5-[4-9]-*", "effort", 400_000, 128_000, True),
    _family("gpt-5-4-mini* gpt-5-4-nano*", "effort", 400_000, 128_000, True),
    _family("gpt-5-* gpt-6*", "effort", 1_050_000, 128_000, True),
    _family("gpt-oss-*", "effort", 131_072, None, False),
    _family("o1-mini*", "none", 128_000, 65_536, False),
    _family("o1-preview*", "none", 128_000, 32_768, False),
    _family("o3-mini*", "effort", 200_000, 100_000, False),
    _family("o1 o1-* o3 o3-* o4-* codex-mini*", "effort", 200_000, 100_000, True),
    # Gemini: budgets in 2.5, levels since 3
    _family("gemini-embedding-* text-embedding-0*", "none", 2048),
    _family("gemini-1-*", "none", 1_000_000, 8192, True),
    _family("gemini-2-0-*", "none", 1_048_576, 8192, True),
    _family("gemini-*-tts* gemini-*-live*", "none", None, None, False),
    _family("gemini-2-5-*image*", "none", 32_768, 32_768, True),
    _family("gemini-3*image*", "none", 65_536, 32_768, True),
    _family("gemini-2-5-*", "budget", 1_048_576, 65_536, True),
    _family("gemini-[3-9]* gemini-*-latest", "level", 1_048_576, 65_536, True),
    _family("gemma-4-*", "none", 262_144, 32_768, True),
    _family("gemma-*", "none", 131_072, 8192, None),
    # DeepSeek
    _family("deepseek-v4* deepseek-flash", "effort", 1_000_000, 384_000, False),
    _family("deepseek-r1-distill*", "none", 131_072, None, False),
    _family("deepseek-r1* deepseek-reasoner*", "effort", 163_840, 65_536, False),
    _family("deepseek-v3* deepseek-chat*", "effort", 131_072, 65_536, False),
    # xAI: only a few take an effort, the others think as their name says
    _family("grok-3-mini*", "effort", 131_072, None, False),
    _family("grok-4-20-multi-agent* grok-4-[3-9]*", "effort", 1_000_000, 30_000, True),
    _family("grok-4-20*", "none", 1_000_000, 30_000, True),
    _family("grok-4-fast* grok-4-1-fast*", "none", 2_000_000, 30_000, True),
    _family("grok-code* grok-build*", "none", 256_000, None, False),
    _family("grok-4*", "none", 256_000, None, True),
    _family("grok-3*", "none", 131_072, None, False),
    _family("grok-2-vision*", "none", 32_768, None, True),
    # GLM, Kimi, MiniMax, Qwen
    _family("glm-4-5v", "effort", 64_000, 16_384, True),
    _family("glm-4-6v*", "effort", 128_000, 32_768, True),
    _family("glm-5v*", "effort", 200_000, 131_072, True),
    _family("glm-4-5*", "effort", 131_072, 98_304, False),
    _family("glm-4-6* glm-4-7* glm4-7*", "effort", 200_000, 131_072, False),
    _family("glm-5-[2-9]*", "effort", 1_000_000, 131_072, False),
    _family("glm-5*", "effort", 200_000, 131_072, False),
    _family("kimi-k3*", "effort", 1_048_576, 131_072, True),
    _family("kimi-k2-[5-9]* kimi-for-coding* k2-[5-9]*", "effort", 262_144, 32_768, True),
    _family("kimi-k2-thinking*", "none", 262_144, 262_144, False),
    _family("kimi-k2-0711*", "none", 131_072, 16_384, False),
    _family("kimi-k2*", "none", 262_144, 262_144, False),
    _family("kimi-latest", "none", 131_072, None, True),
    _family("minimax-m3*", "budget", 1_000_000, 128_000, True),
    _family("minimax-m2*", "budget", 204_800, 131_072, False),
    _family("qwen3*instruct* qwen3-coder*", "none", 262_144, 65_536, False),
    _family("qwen3-[5-9]*", "effort", 262_144, 65_536, True),
    _family("qwen3* qwen-3-*", "effort", 131_072, 40_960, False),
    # Mistral, Llama, Cohere, Perplexity
    _family("ministral-14b* ministral-8b*", "none", 262_144, None, None),
    _family("ministral*", "none", 131_072, None, None),
    _family("mistral-embed* codestral-embed*", "none", 8192),
    _family("magistral-*", "none", 128_000, 16_384, None),
    _family("mistral-small-latest mistral-small-26* mistral-medium-26*", "effort", 256_000, None, True),
    _family("mistral-large-2512 mistral-large-latest mistral-medium-*", "none", 262_144, None, True),
    _family("mistral-large-4*", "none", 1_048_576, None, True),
    _family("codestral*", "none", 256_000, None, False),
    _family("devstral*", "none", 262_144, None, False),
    _family("llama-4-maverick* llama-4-scout*", "none", 1_000_000, None, True),
    _family("llama-3-* llama3* llama-v3*", "none", 131_072, None, False),
    _family("command-a-reasoning*", "none", 256_000, 32_000, False),
    _family("command-a-vision*", "none", 128_000, 8000, True),
    _family("command-a*", "none", 256_000, 8000, False),
    _family("command-r*", "none", 128_000, 4000, False),
    _family("sonar-reasoning* sonar-deep-research", "effort", 128_000, None, None),
    _family("sonar-pro*", "none", 200_000, 8192, True),
    _family("sonar", "none", 128_000, None, True),
)
"""The first that fits counts."""

_FIREWORKS_VERSION = re.compile(r"(?<=\d)p(?=\d)")
_IN_FORMAT = {
    "openai_chat": {"budget": "effort", "adaptive": "effort", "level": "effort"},
    "openai_responses": {"budget": "effort", "adaptive": "effort", "level": "effort"},
    "anthropic_messages": {"effort": "budget", "level": "budget"},
}
"""A vendor's own way of asking for thoughts, in the words of somebody else's format."""


def family_of(model: str) -> Family | None:
    """Knows `anthropic/claude-opus-4.6:free`, `accounts/fireworks/models/glm-4p7`, `claude-opus-4-6[1m]`."""
    tail = model.lower().rsplit("/", 1)[-1]
    name = _FIREWORKS_VERSION.sub("-", re.split(r"[:\[@]", tail, maxsplit=1)[0]).replace(".", "-")
    return next((family for family in FAMILIES if matches(family.globs, name)), None)


def fill(model: ModelSpec) -> ModelSpec:
    """`model` with its family's values where it has none of its own."""
    family = family_of(model.upstream_id or model.id)
    if family is None or model.kind != "chat":
        return model
    return replace(
        model,
        reasoning=model.reasoning or family.reasoning,
        context_window=model.context_window or family.context_window,
        max_output_tokens=model.max_output_tokens or family.max_output_tokens,
        vision=family.vision if model.vision is None else model.vision,
    )


def fill_all(spec: ProviderSpec) -> ProviderSpec:
    filled = tuple(fill(model) for model in spec.models)
    return spec if filled == spec.models else replace(spec, models=filled)


@lru_cache(maxsize=4096)
def profile_of(spec: ProviderSpec, model: str, format: str = "") -> ModelSpec:
    """What is known of a model, listed or not. `id` is what to send.

    With `format`, `reasoning` is put into the words of that wire format: Claude behind an OpenAI-compatible
    address is asked by effort, GLM behind an Anthropic-compatible one by budget.
    """
    upstream = spec.upstream_model(model)
    found = replace(fill(spec.model_spec(model) or ModelSpec(id=upstream)), id=upstream)
    return replace(found, reasoning=_IN_FORMAT.get(format, {}).get(found.reasoning, found.reasoning))
