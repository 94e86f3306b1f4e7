"""Short forms for the catalog's model lists."""

from __future__ import annotations

from typing import Any

from providers.spec import ModelKind, ModelSpec


def chat(ids: str, **known: Any) -> tuple[ModelSpec, ...]:
    """Chat models by id, separated by white space. `known` holds for all of them."""
    return tuple(ModelSpec(id=model, **known) for model in ids.split())


def of_kind(kind: ModelKind, ids: str) -> tuple[ModelSpec, ...]:
    return tuple(ModelSpec(id=model, kind=kind) for model in ids.split())
