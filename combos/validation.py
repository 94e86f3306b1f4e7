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

    def check(self, model: str, *, in_combo: bool) -> None:
        """Check that a target of a combo, or of an alias, leads somewhere. Raise `InvalidTarget`."""
        if model in self.combos:
            return
        found = self.route(model).combo
        if found and in_combo:
            raise InvalidTarget(f"“{model}” is an alias of the combo “{found.name}”. Write the combo's name.")

    def concern(self, model: str) -> str:
        """What is odd about a target that may be saved, in a sentence; "" if nothing is."""
        if model in self.combos:
            return ""
        try:
            target = self.route(model).targets[0]
        except InvalidTarget as error:
            return f"{model} is left out: {error}"
        if not target.provider.models or target.provider.model_spec(target.model):
            return ""
        return (
            f"{model} is not in the provider's list of models. It is sent as it is written; "
            "if it is misspelt, the provider will say so."
        )

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


def check_nesting(model: str, combos: Mapping[str, Sequence[str]], combo: str) -> None:
    """Check one combo as a target of another. Raise `InvalidTarget` for a circle, or too many levels."""

    def walk(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """The longest way down."""
        here = (*path, name)
        if name in path:
            raise InvalidTarget(f"This would go in a circle: {' → '.join(here)}.")
        return max((walk(each, here) for each in combos[name] if each in combos), key=len, default=here)

    longest = walk(model, (combo,))
    if _levels_above(combo, combos) + len(longest) > MAX_DEPTH:
        raise InvalidTarget(
            f"This would nest combos more than {MAX_DEPTH} levels deep: {' → '.join(longest)}."
        )


def _levels_above(combo: str, combos: Mapping[str, Sequence[str]], seen: frozenset[str] = frozenset()) -> int:
    """How many levels of other combos contain this one."""
    parents = [name for name, targets in combos.items() if combo in targets and name not in seen]
    return max((1 + _levels_above(name, combos, seen | {combo}) for name in parents), default=0)
