"""Which targets, and which of their accounts, one request tries first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from combos import strategies
from combos.attempt import Attempt
from combos.config import CombosConfig
from combos.load import CombosView, TargetLoad
from combos.resolve import Branch, Choice, Route, Target
from providers import selection
from providers.config import AccountConfig, ProvidersConfig
from providers.rotation import AccountChoice, AccountUse


@dataclass(slots=True)
class Ordering:
    """The strategies of one request, over what is known of targets and accounts. Lazy: what nobody asks for costs
    nothing."""

    config: CombosConfig
    providers: ProvidersConfig
    view: CombosView = field(default_factory=lambda: CombosView(TargetLoad()))
    use: AccountUse = field(default_factory=AccountUse)
    places: dict[str, int] = field(default_factory=dict)
    """Places in providers' rotations, where several processes share them."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Where the conversation was before: `combo:<name>` -> choice, provider -> account, by their names and keys."""
    _fixed: tuple[Target, ...] | None = None

    def targets(self, route: Route) -> Iterator[Target]:
        """The route's, as its combos want them, then its fallbacks."""
        if self._fixed is not None:
            yield from self._fixed
            return
        if route.tree is None:
            yield from route.targets
        else:
            yield from self._flat(route.tree)
        yield from route.fallbacks

    def fix(self, route: Route) -> None:
        """Decide on the targets now: what is left to chance comes out the same from here on."""
        self._fixed = tuple(self.targets(route))

    def is_kept(self, branch: Branch) -> bool:
        return self._kept(branch) is not None

    def keeping(self, route: Route, attempt: Attempt) -> dict[str, str]:
        """What to remember of an attempt that was answered, for `kept` of the conversation's next request."""
        kept = {attempt.target.provider.id: attempt.account.key}
        branch = route.tree
        while branch is not None:
            choice = next((each for each in branch.choices if _holds(each, attempt.target)), None)
            if choice is not None:
                kept[f"combo:{branch.combo.name}"] = choice.name
            branch = choice if isinstance(choice, Branch) else None
        return kept

    def accounts(self, target: Target) -> Iterable[AccountConfig]:
        provider = target.provider.id
        accounts = self.providers.accounts.get(provider, ())
        if len(accounts) < 2:
            return accounts
        order = self.config.order_of(provider)
        choice = AccountChoice(
            self.use,
            provider,
            order.sticky_limit,
            self.places.get(provider),
            self.view.is_rehearsal,
            target.model,
        )
        chosen = selection.registry.get(order.strategy)(accounts, choice)
        kept = self.kept.get(provider) if order.strategy in selection.SPREADING else None
        first = self.use.by_key(accounts).get(kept) if kept else None
        return chosen if first is None else _first(first, chosen)

    def chosen(self, attempt: Attempt) -> None:
        """A request goes there now."""
        if not self.view.is_rehearsal:
            self.use.chosen(attempt.account)
            self.view.load.chosen(attempt.target)

    def _flat(self, branch: Branch) -> Iterator[Target]:
        for choice in self._ordered(branch):
            if isinstance(choice, Branch):
                yield from self._flat(choice)
            else:
                yield choice

    def _ordered(self, branch: Branch) -> Sequence[Choice]:
        combo, choices = branch.combo, branch.choices
        if len(choices) < 2:
            return choices
        if (first := self._kept(branch)) is not None:
            return [first, *(choice for choice in choices if choice is not first)]
        return strategies.registry.get(combo.strategy)(choices, self.view.of(combo))

    def _kept(self, branch: Branch) -> Choice | None:
        if not self.kept or branch.combo.strategy not in strategies.SPREADING:
            return None
        kept = self.kept.get(f"combo:{branch.combo.name}")
        return next((choice for choice in branch.choices if choice.name == kept), None)


def _holds(choice: Choice, target: Target) -> bool:
    return (
        any(each is target for each in choice.targets()) if isinstance(choice, Branch) else choice is target
    )


def _first(first: AccountConfig, chosen: Iterable[AccountConfig]) -> Iterator[AccountConfig]:
    """The account of before; the strategy, and with it the rotation, is only asked where that one is out."""
    yield first
    for account in chosen:
        if account is not first:
            yield account
