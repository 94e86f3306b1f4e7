"""What GET /v1/models shows: only names that can be used right now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from billing.config import KeyConfig
from gateway.snapshot import Snapshot
from omniroute.types import JSONDict
from providers.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One usable name. `spec` is None for a combo or an alias."""

    id: str
    owned_by: str
    spec: ModelSpec | None = None


def usable_models(snapshot: Snapshot, key: KeyConfig | None) -> list[ModelEntry]:
    """Combos, aliases, then the models of every provider with an account; narrowed to what the key may use."""
    return [entry for entry in _all(snapshot) if key is None or key.allows(entry.id)]


def _all(snapshot: Snapshot) -> Iterator[ModelEntry]:
    for combo in snapshot.combos.combos.values():
        if combo.targets:
            yield ModelEntry(combo.name, "combo")
    for alias in snapshot.combos.aliases:
        yield ModelEntry(alias, "alias")
    for spec in snapshot.providers.specs.values():
        if not snapshot.providers.is_connected(spec.id):
            continue
        for model in spec.models:
            yield ModelEntry(f"{spec.shown_prefix}/{model.id}", spec.id, model)


def emit_openai(entry: ModelEntry) -> JSONDict:
    """OpenAI's object with what clients like to know beside it. `created` 0: nobody knows when."""
    shape: JSONDict = {"id": entry.id, "object": "model", "created": 0, "owned_by": entry.owned_by}
    spec = entry.spec
    if spec is None:
        return shape
    if spec.kind != "chat":
        shape["type"] = spec.kind
    if spec.context_window:
        shape["context_length"] = spec.context_window
    if spec.max_output_tokens:
        shape["max_output_tokens"] = spec.max_output_tokens
    return shape
