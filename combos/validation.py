"""What a combo's target, or an alias's, may be. Every message tells how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from combos import config as combos_config
from combos.config import CombosConfig
from combos.models import Combo
from combos.resolve import MAX_DEPTH, Route, resolve
from omniroute.errors import ClientError
from providers import config as providers_config
from providers.config import ProvidersConfig


class InvalidTarget(ValueError):
    """The target leads nowhere. Its text is for the user."""


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that a target can name. `combos` holds all of them, with all of their targets, also inactive ones."""

    combos: Mapping[str, Sequence[str]]
    active: CombosConfig
    providers: ProvidersConfig

    def route(self, model: str) -> Route:
        """Raise `InvalidTarget`."""
        try:
            return resolve(model, self.active, self.providers)
        except ClientError as error:
            raise InvalidTarget(self._advice(model) or error.message) from None

    def is_listed(self, model: str) -> bool:
        """Whether the provider's list has the model. One that is not there may be new: allowed, but worth a word."""
        if model in self.combos:
            return True
        target = self.route(model).targets[0]
        return not target.provider.models or target.provider.model_spec(target.model) is not None

    def _advice(self, model: str) -> str:
        prefix, slash, rest = model.partition("/")
        if slash and not rest:
            return f"Write the model after the slash: {prefix}/<model>."
        if slash and self.providers.find(prefix) is None:
            return f"No provider has the prefix “{prefix}”, and no combo is named “{model}”."
        if not slash and not any(spec.model_spec(model) for spec in self.providers.specs.values()):
            return f"No combo is named “{model}”. For a model write provider/model, such as openai/gpt-4o."
        return ""


def known_names() -> Names:
    combos = {
        combo.name: [target.model for target in combo.targets.all()]
        for combo in Combo.objects.prefetch_related("targets")
    }
    return Names(combos, combos_config.load(), providers_config.load())


def check_target(model: str, names: Names, combo: str = "") -> None:
    """Check a target of the named combo, or of an alias. Raise `InvalidTarget`."""
    if combo and model == combo:
        raise InvalidTarget("A combo cannot contain itself.")
    if model in names.combos:
        if combo:
            check_nesting(model, names.combos, combo)
        return
    found = names.route(model).combo
    if found and combo:
        raise InvalidTarget(f"“{model}” is an alias of the combo “{found.name}”. Write the combo's own name.")


def check_nesting(model: str, combos: Mapping[str, Sequence[str]], combo: str) -> None:
    """Check one combo as a target of another. Raise `InvalidTarget` for a circle, or too many levels."""
    above = _levels_above(combo, combos)

    def walk(name: str, path: tuple[str, ...]) -> None:
        chain = " → ".join((*path, name))
        if name in path:
            raise InvalidTarget(f"This would go in a circle: {chain}.")
        if above + len(path) >= MAX_DEPTH:
            raise InvalidTarget(f"This would nest combos more than {MAX_DEPTH} levels deep: {chain}.")
        for target in combos[name]:
            if target in combos:
                walk(target, (*path, name))

    walk(model, (combo,))


def _levels_above(combo: str, combos: Mapping[str, Sequence[str]], seen: frozenset[str] = frozenset()) -> int:
    """How many levels of other combos contain this one."""
    parents = [name for name, targets in combos.items() if combo in targets and name not in seen]
    return max((1 + _levels_above(name, combos, seen | {combo}) for name in parents), default=0)
