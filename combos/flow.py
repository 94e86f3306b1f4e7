"""A combo as a person reads it: what is tried, in which order, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from combos.models import Combo
from combos.resolve import MAX_DEPTH
from combos.validation import InvalidTarget, Names


@dataclass(frozen=True, slots=True)
class Step:
    model: str
    kind: Literal["model", "combo", "unknown"]
    provider: str = ""
    note: str = ""
    is_connected: bool = False
    """Some active account can serve it."""
    is_active: bool = True
    share: int | None = None
    """Percent of the traffic, under the weighted strategy."""
    steps: tuple[Step, ...] = ()
    """Of a nested combo."""


def flow_of(combo: Combo, names: Names) -> tuple[Step, ...]:
    targets = list(combo.targets.all())
    total = (
        sum(target.weight for target in targets if target.is_active) if combo.strategy == "weighted" else 0
    )
    return tuple(
        replace(
            _step(target.model, names, MAX_DEPTH),
            is_active=target.is_active,
            share=round(100 * target.weight / total) if total and target.is_active else None,
        )
        for target in targets
    )


def _step(model: str, names: Names, depth: int) -> Step:
    if model in names.combos:
        inner = names.combos[model] if depth > 1 else ()
        steps = tuple(_step(target, names, depth - 1) for target in inner)
        return Step(model, "combo", steps=steps, is_connected=any(step.is_connected for step in steps))
    try:
        provider = names.route(model).targets[0].provider
    except (InvalidTarget, IndexError):
        return Step(model, "unknown")
    return Step(model, "model", provider.name, provider.cost_note, names.providers.is_connected(provider.id))
