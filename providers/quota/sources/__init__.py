"""Where windows come from: one source a vendor, named by `ProviderSpec.quota`.

A failing quota endpoint never disables chat: what was known stays, until its reset.

Source: docs/protocol-notes.md, Subscriptions.
"""

from __future__ import annotations

from providers.quota.sources import claude, code_assist, codex, copilot, kiro, qwen
from providers.quota.sources.base import QuotaSource, registry

__all__ = ["MODULES", "QuotaSource", "registry", "source_of"]

MODULES = (claude, codex, code_assist, copilot, kiro, qwen)
"""Importing them registers what they hold."""


def source_of(name: str) -> QuotaSource | None:
    return registry.get(name) if name else None
