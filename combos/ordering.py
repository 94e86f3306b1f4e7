"""Which targets, and which of their accounts, one request tries first.

Rotations have places. Where several processes take turns together, a place has to be agreed upon before it is asked
for: then a `Turn` comes instead of a target, and whoever iterates enters its place (`gateway.affinity.places`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from combos import strategies
from combos.attempt import Attempt
from combos.config import CombosConfig
from combos.load import CombosView, TargetLoad, scope_of
from combos.resolve import Branch, Choice, Route, Target
from providers import selection
from providers.config import AccountConfig, ProvidersConfig
from providers.selection.rotation import AccountChoice, AccountUse


@dataclass(frozen=True, slots=True)
class Turn:
    """A place in a rotation is wanted: of a combo (`combo:<name>`), or of a provider's accounts (its id)."""

    scope: str


@dataclass(slots=True)
class Ordering:
    """The strategies of one request, over what is known of targets and accounts. Lazy: what nobody asks for costs
    nothing."""

    config: CombosConfig
    providers: ProvidersConfig
    view: CombosView = field(default_factory=lambda: CombosView(TargetLoad()))
    use: AccountUse = field(default_factory=AccountUse)
    kept: Mapping[str, str] = field(default_factory=dict)
    """Where the conversation was before: `combo:<name>` -> choice, provider -> account, by their names and keys."""
    is_bound: bool = False
    """Only who is in `kept` can answer, so every strategy keeps to it."""
    shares_turns: bool = False
    """With other processes."""

    @property
    def places(self) -> dict[str, int]:
        """Of this request in rotations, by their scope: each is taken once."""
        return self.view.places

    def targets(self, route: Route) -> Iterator[Target | Turn]:
        """The route's, as its combos want them, then its fallbacks."""
        if route.tree is None:
            yield from route.targets
        else:
            yield from self._flat(route.tree)
        yield from route.fallbacks

    def turn_of(self, target: Target) -> Turn | None:
        """What has to be agreed upon before `accounts`."""
        provider = target.provider.id
        if (
            not self.shares_turns
            or provider in self.places
            or len(self.providers.accounts.get(provider, ())) < 2
            or self.config.order_of(provider).strategy not in selection.ROTATING
            or self._kept_account(provider) is not None
        ):
            return None
        return Turn(provider)

    def keeping(self, route: Route, attempt: Attempt) -> dict[str, str]:
        """What to remember of an attempt that was answered, for `kept` of the conversation's next request."""
        kept = {attempt.target.provider.id: attempt.account.key}
        branch = route.tree
        while branch is not None:
            choice = next((each for each in branch.choices if _holds(each, attempt.target)), None)
            if choice is not None:
                kept[scope_of(branch.combo)] = choice.name
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
            self.places,
            self.view.is_rehearsal,
            target.model,
        )
        chosen = selection.registry.get(order.strategy)(accounts, choice)
        first = self._kept_account(provider)
        return chosen if first is None else _first(first, chosen)

    def chosen(self, attempt: Attempt) -> None:
        """A request goes there now."""
        if not self.view.is_rehearsal:
            self.use.chosen(attempt.account)
            self.view.load.chosen(attempt.target)

    def _kept_account(self, provider: str) -> AccountConfig | None:
        kept = self.kept.get(provider)
        if not kept:
            return None
        if not self.is_bound and self.config.order_of(provider).strategy not in selection.SPREADING:
            return None
        return self.use.by_key(self.providers.accounts[provider]).get(kept)

    def _flat(self, branch: Branch) -> Iterator[Target | Turn]:
        if (
            self.shares_turns
            and branch.combo.strategy in strategies.ROTATING
            and len(branch.choices) > 1
            and self._kept(branch) is None
        ):
            yield Turn(scope_of(branch.combo))
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
        if not self.kept or not (self.is_bound or branch.combo.strategy in strategies.SPREADING):
            return None
        kept = self.kept.get(scope_of(branch.combo))
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
