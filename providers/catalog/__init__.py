"""The providers that the product knows: built-in rows, and what the overlay file makes of them.

A provider that is merely OpenAI-compatible is one row of `openai_compatible.py`; one with more to say has a
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from django.conf import settings

from providers import overlay
from providers.catalog import (
    anthropic,
    claude_code,
    codex,
    deepseek,
    gemini,
    gemini_cli,
    github_copilot,
    glm,
    groq,
    iflow,
    kimi,
    kiro,
    minimax,
    mistral,
    openai,
    openai_compatible,
    perplexity,
    qwen,
    speech,
    xai,
)
from providers.families import fill_all
from providers.spec import ProviderSpec

_ROWS: tuple[ProviderSpec, ...] = (
    openai.SPEC,
    anthropic.SPEC,
    gemini.SPEC,
    deepseek.SPEC,
    groq.SPEC,
    xai.SPEC,
    mistral.SPEC,
    perplexity.SPEC,
    *openai_compatible.PROVIDERS,
    glm.SPEC,
    minimax.SPEC,
    kimi.KIMI,
    kimi.KIMI_CODING,
    claude_code.SPEC,
    codex.SPEC,
    gemini_cli.SPEC,
    github_copilot.SPEC,
    iflow.SPEC,
    qwen.SPEC,
    kiro.SPEC,
    speech.DEEPGRAM,
    speech.ASSEMBLYAI,
)


@cache
def builtin() -> Mapping[str, ProviderSpec]:
    """The rows of this package alone, by id."""
    return MappingProxyType({spec.id: fill_all(spec) for spec in _ROWS})


@cache
def load() -> Mapping[str, ProviderSpec]:
    """Every provider by id. Read once; `load.cache_clear()` makes the next call read the overlay file again.

    Raises `ImproperlyConfigured`, naming file, key and reason, for an overlay that says what cannot be.
    """
    known = builtin()
    specs = overlay.apply(known, Path(settings.PROVIDERS_FILE))
    return MappingProxyType(
        {id: spec if spec is known.get(id) else fill_all(spec) for id, spec in specs.items()}
    )
