"""What makes a combo or an alias acceptable, whoever saves it: the admin, the management API, an import.

Everything raises Django's `ValidationError` with a dict of field -> message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from combos.models import Combo, ComboTarget, ModelAlias

MAX_DEPTH = 3
"""Combos within combos, the outermost included (facts/features.md §3)."""

Graph = Mapping[str, Sequence[str]]
"""Names -> what they lead to. A name that is no key is a model."""


@dataclass(frozen=True, slots=True)
class Target:
    """One line of a combo, before it is a row."""

    model: str
    weight: int = 1
    is_active: bool = True


def combo_graph() -> dict[str, list[str]]:
    graph: dict[str, list[str]] = {name: [] for name in Combo.objects.values_list("name", flat=True)}
    for name, model in ComboTarget.objects.values_list("combo__name", "model"):
        graph[name].append(model)
    return graph


def validate_targets(name: str, models: Iterable[str], *, replaces: str = "") -> None:
    """Refuse targets that lead back to `name` or nest too deeply. `replaces`: the combo's name until then."""
    graph = combo_graph()
    if replaces:
        graph.pop(replaces, None)
        graph = {
            key: [name if model == replaces else model for model in value] for key, value in graph.items()
        }
    graph[name] = list(models)
    if path := find_cycle(graph, name):
        raise ValidationError({"models": f"A combo cannot contain itself: {' → '.join(path)}."})
    if (depth := nesting_depth(graph, name)) > MAX_DEPTH:
        raise ValidationError(
            {"models": f"Combos nest at most {MAX_DEPTH} deep; this would make it {depth}."}
        )


def find_cycle(graph: Graph, start: str) -> list[str]:
    """The names from `start` back to `start`, or []."""
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        for child in graph.get(name, ()):
            if child == start:
                path = [start, name]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if child in graph and child not in came_from:
                came_from[child] = name
                waiting.append(child)
    return []


def nesting_depth(graph: Graph, name: str) -> int:
    """How many combos the longest chain through `name` has. Counts no further than it needs to know."""
    parents: dict[str, list[str]] = {}
    for parent, models in graph.items():
        for model in models:
            parents.setdefault(model, []).append(parent)
    children = {parent: [model for model in models if model in graph] for parent, models in graph.items()}
    return _levels(children, name) + _levels(parents, name) - 1


def _levels(graph: Graph, start: str) -> int:
    level, count = {start}, 0
    while level and count <= MAX_DEPTH:
        count += 1
        level = {child for name in level for child in graph.get(name, ())}
    return count


def save_combo(combo: Combo, targets: Sequence[Target] | None = None) -> Combo:
    """Validate and save a combo, and its targets where they are given, in one transaction.

    A new name is carried over to the combos and aliases that use the old one.
    """
    with transaction.atomic():
        old_name = (
            Combo.objects.filter(pk=combo.pk).values_list("name", flat=True).first() if combo.pk else None
        )
        combo.name = combo.name.strip()  # the pattern of names would let a final newline through
        combo.full_clean()
        models = [row.model for row in targets] if targets is not None else _stored_models(combo)
        validate_targets(combo.name, models, replaces=old_name or "")
        combo.save()
        if targets is not None:
            _replace_targets(combo, targets)
        if old_name and old_name != combo.name:
            rename_references(old_name, combo.name)
    return combo


def _stored_models(combo: Combo) -> list[str]:
    return list(combo.targets.values_list("model", flat=True)) if combo.pk else []


def _replace_targets(combo: Combo, targets: Sequence[Target]) -> None:
    rows = [
        ComboTarget(
            combo=combo, position=position, model=row.model, weight=row.weight, is_active=row.is_active
        )
        for position, row in enumerate(targets)
    ]
    for row in rows:
        row.full_clean(exclude=["combo"])
    combo.targets.all().delete()
    for row in rows:
        row.save()


def rename_references(old: str, new: str) -> None:
    """Saved one by one, so that whoever watches the rows notices."""
    rows: list[Any] = [*ComboTarget.objects.filter(model=old)]
    for row in rows:
        row.model = new
        row.save(update_fields=["model"])
    for alias in ModelAlias.objects.filter(target=old):
        alias.target = new
        alias.save(update_fields=["target"])


def save_alias(pattern: str, target: str) -> ModelAlias:
    """Create the alias or point it elsewhere. Refuses aliases that lead to themselves."""
    with transaction.atomic():
        alias = ModelAlias.objects.filter(pattern=pattern).first() or ModelAlias(pattern=pattern)
        alias.target = target
        alias.is_active = True
        alias.full_clean()
        graph = {key: [value] for key, value in ModelAlias.objects.values_list("pattern", "target")}
        if path := find_cycle({**graph, pattern: [target]}, pattern):
            raise ValidationError({"target": f"An alias cannot lead to itself: {' → '.join(path)}."})
        alias.save()
    return alias
