"""A combo as a person reads it: what is tried, in which order, and what is missing."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from combos.models import Combo
from combos.validation import MAX_DEPTH, Names


@dataclass(frozen=True, slots=True)
class Step:
    model: str
    kind: Literal["model", "combo", "unknown"]
    provider: str = ""
    note: str = ""
    is_connected: bool = False
    is_active: bool = True
    weight: int = 1
    share: int | None = None
    """Percent of the traffic, under the weighted strategy."""
    steps: tuple[Step, ...] = ()
    """Of a nested combo."""


def flow_of(combo: Combo, names: Names, connected: Set[str]) -> tuple[Step, ...]:
    """The combo's steps. `connected` holds the ids of providers that have an active account."""
    targets = list(combo.targets.all())
    total = sum(target.weight for target in targets if target.is_active)
    steps = []
    for target in targets:
        step = _step(target.model, names, connected, MAX_DEPTH)
        share = None
        if combo.strategy == "weighted" and target.is_active and total:
            share = round(100 * target.weight / total)
        steps.append(
            Step(
                model=step.model,
                kind=step.kind,
                provider=step.provider,
                note=step.note,
                is_connected=step.is_connected,
                is_active=target.is_active,
                weight=target.weight,
                share=share,
                steps=step.steps,
            )
        )
    return tuple(steps)


def _step(model: str, names: Names, connected: Set[str], depth: int) -> Step:
    if model in names.combos:
        inner = names.combos[model] if depth > 1 else ()
        steps = tuple(_step(target, names, connected, depth - 1) for target in inner)
        return Step(model, "combo", steps=steps, is_connected=any(step.is_connected for step in steps))
    if spec := names.spec(model):
        return Step(model, "model", spec.name, spec.cost_note, spec.id in connected)
    return Step(model, "unknown")
