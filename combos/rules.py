"""Saving combos and aliases with everything that belongs to it: for the management API and imports.

The admin's forms check each target by itself (`combos.validation`); the rules are the same, except that here a
target may name a provider that is not there yet: `target_warnings` says so. Everything raises Django's
`ValidationError` with a dict of field -> message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete

from combos import strategies
from combos.models import Combo, ComboTarget, FallbackChain, FallbackEntry, ModelAlias, ProviderRouting
from combos.queries import rename_references
from combos.validation import InvalidTarget, Names, check_nesting, known_names
from providers.models import ProviderNode


@dataclass(frozen=True, slots=True)
class Target:
    """One line of a combo, before it is a row."""

    model: str
    weight: int = 1
    is_active: bool = True


def combo_graph() -> dict[str, list[str]]:
    """Every combo's name -> what it leads to, inactive ones included."""
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
    try:
        for model in graph[name]:
            if model in graph:
                check_nesting(model, graph, name)
    except InvalidTarget as error:
        raise ValidationError({"models": str(error)}) from None


def target_warnings(models: Iterable[str], names: Names) -> list[str]:
    """Why targets cannot be used as things stand. They are passed over until that changes."""
    warnings = []
    for model in models:
        if model in names.combos:
            continue
        try:
            names.route(model)
        except InvalidTarget as error:
            warnings.append(f"{model}: {error}")
    return warnings


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
        if combo.strategy not in strategies.registry:
            raise ValidationError({"strategy": f"One of: {', '.join(strategies.registry)}."})
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


@dataclass(frozen=True, slots=True)
class Fallback:
    """One line of a chain, before it is a row."""

    target: str
    is_active: bool = True


def save_chain(
    name: str, model: str, entries: Sequence[Fallback], *, is_active: bool = True
) -> FallbackChain:
    """Make a chain, or replace the one of this model, else of this name."""
    names = known_names()  # takes a while, and writers wait for the transaction
    with transaction.atomic():
        found = FallbackChain.objects.filter(model=model).first() if model else None
        row = found or FallbackChain.objects.filter(name=name).first() or FallbackChain()
        row.name, row.model, row.is_active = name, model, is_active
        row.full_clean()
        if not entries:
            raise ValidationError({"chain": "Add at least one line."})
        for entry in entries:
            check_fallback(entry.target, names)
        row.save()
        row.entries.all().delete()
        for position, entry in enumerate(entries):
            line = FallbackEntry(chain=row, position=position, target=entry.target, is_active=entry.is_active)
            line.full_clean(exclude=["chain"])
            line.save()
    return row


def check_fallback(target: str, names: Names) -> None:
    """Raise `ValidationError` for what is neither a provider nor a combo nor a model."""
    if names.providers.find(target) is not None:
        return
    try:
        names.check(target, in_combo=False)
    except InvalidTarget as error:
        raise ValidationError({"chain": f"{target}: {error}"}) from None


def provider_id(name: str, prefixes: Mapping[str, str], field: str) -> str:
    """The id of the provider that the user calls so. Raise `ValidationError` for `field` where there is none."""
    found = prefixes.get(name) or prefixes.get(name.lower())
    if found is None:
        raise ValidationError({field: f"There is no provider “{name}”."})
    return found


def save_alias(pattern: str, target: str) -> ModelAlias:
    """Create the alias or point it elsewhere. Refuse one that leads to itself, or that would catch every name."""
    if not pattern.strip("*?"):
        raise ValidationError(
            {"alias": "This would catch every model. Put some of the name into the pattern."}
        )
    with transaction.atomic():
        alias = ModelAlias.objects.filter(pattern=pattern).first() or ModelAlias(pattern=pattern)
        alias.target = target
        alias.is_active = True
        alias.full_clean()
        refuse_circle(pattern, {**dict(ModelAlias.objects.values_list("pattern", "target")), pattern: target})
        alias.save()
    return alias


def refuse_circle(pattern: str, aliases: dict[str, str]) -> None:
    """Raise `ValidationError` for an alias that leads to itself, by others or at once."""
    path = [pattern]
    while path[-1] in aliases and len(path) <= len(aliases):
        path.append(aliases[path[-1]])
        if path[-1] == pattern:
            raise ValidationError({"target": f"An alias cannot lead to itself: {' → '.join(path)}."})


def watch_models() -> None:
    """Rules go with the custom provider that they are for."""
    post_delete.connect(_forget_rules, sender=ProviderNode, dispatch_uid="provider-rules")


def _forget_rules(sender: type[Model], instance: ProviderNode, **kwargs: Any) -> None:
    for row in ProviderRouting.objects.filter(provider=instance.pk):
        row.delete()
