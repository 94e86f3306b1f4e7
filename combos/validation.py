"""What a combo's target, or an alias's, may be. Every message tells how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from combos.models import Combo
from providers.config import load_specs, prefixes_of
from providers.spec import ProviderSpec

MAX_DEPTH = 3
"""Levels of nesting, the combo itself included. facts/features.md §3."""


class InvalidTarget(ValueError):
    """The target leads nowhere. Its text is for the user."""


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that a target can name: `combos` by name with their targets, `specs` by id, `prefixes` to ids."""

    combos: Mapping[str, Sequence[str]]
    specs: Mapping[str, ProviderSpec]
    prefixes: Mapping[str, str]

    def spec(self, model: str) -> ProviderSpec | None:
        """The provider of a `prefix/model`."""
        prefix, slash, rest = model.partition("/")
        return self.specs.get(self.prefixes.get(prefix.lower(), "")) if slash and rest else None


def known_names() -> Names:
    """Read them. Two queries for the combos, those of `load_specs` for the providers."""
    specs = load_specs()
    combos = {c.name: [t.model for t in c.targets.all()] for c in Combo.objects.prefetch_related("targets")}
    return Names(combos, specs, {name.lower(): owner for name, owner in prefixes_of(specs).items()})


def check_target(model: str, names: Names, within: str = "") -> None:
    """Raise `InvalidTarget` for an unknown provider or combo, and for a combo that leads back to `within`."""
    if model == within:
        raise InvalidTarget("A combo cannot contain itself.")
    if model in names.combos:
        _check_nesting(model, names.combos, within)
    elif names.spec(model) is None:
        raise InvalidTarget(_what_is_wrong(model, names))


def is_listed(model: str, names: Names) -> bool:
    """Whether the model is in the provider's list. One that is not may be new: it is allowed, and worth a warning."""
    if model in names.combos:
        return True
    spec = names.spec(model)
    return spec is not None and (not spec.models or spec.model_spec(model.partition("/")[2]) is not None)


def _check_nesting(model: str, combos: Mapping[str, Sequence[str]], within: str) -> None:
    def walk(name: str, path: tuple[str, ...]) -> None:
        if name == within or name in path:
            raise InvalidTarget(
                f"This would go in a circle: {' → '.join(filter(None, (within, *path, name)))}."
            )
        if len(path) + 1 >= MAX_DEPTH + (not within):
            raise InvalidTarget(
                f"Combos can be nested {MAX_DEPTH} levels deep: {' → '.join((within, *path, name))}."
            )
        for target in combos[name]:
            if target in combos:
                walk(target, (*path, name))

    walk(model, ())


def _what_is_wrong(model: str, names: Names) -> str:
    prefix, slash, rest = model.partition("/")
    if slash and not rest:
        return f"Write the model after the slash: {prefix}/<model>."
    if slash:
        return f"No provider has the prefix “{prefix}”, and no combo is named “{model}”."
    owners = [s.shown_prefix for s in names.specs.values() if s.model_spec(model)]
    if owners:
        return f"Say which provider: {' or '.join(f'{owner}/{model}' for owner in sorted(owners))}."
    return f"No combo is named “{model}”. For a model write provider/model, such as openai/gpt-4o."
