"""Code for the providers that data cannot describe; `ProviderSpec.adapter` names it.

An adapter has a say at two points only: in a request that is otherwise ready to go (`prepare`), and in each piece of
the answer before anybody reads it (`rewriter`). What lies between them, and every other provider, knows nothing of it.
"""

from __future__ import annotations

from providers.adapters import (
    claude_code,
    code_assist,
    codex,
    cohere,
    copilot,
    deepseek,
    fireworks,
    iflow,
    kiro,
    qwen,
)
from providers.adapters.base import Adapter, Draft, Rewrite, registry

__all__ = ["MODULES", "Adapter", "Draft", "Rewrite", "adapter_of", "registry"]

MODULES = (claude_code, code_assist, codex, cohere, copilot, deepseek, fireworks, iflow, kiro, qwen)
"""Importing them registers what they hold."""


def adapter_of(name: str | None) -> Adapter | None:
    """Raise `LookupError` for a name that nobody registered."""
    return registry.get(name) if name else None
