"""In which order a provider's accounts are tried. A strategy is one function; the registry feeds the settings form.

Strategies are pure over the accounts and a view of what is known about them, and lazy: with ten thousand accounts, the
first one comes as quickly as with two. What is cooling or blocked is not their concern: the plan passes over it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, groupby, islice
from typing import Protocol, TypeVar

from omniroute.registry import Registry
from providers.config import AccountConfig
from providers.quota import Window

Accounts = Sequence[AccountConfig]
T = TypeVar("T")


class AccountView(Protocol):
    """What strategies may know of the accounts of one provider, for one request."""

    @property
    def sticky_limit(self) -> int:
        """How many requests in a row an account gets under round robin; at least 1."""

    def place(self) -> int:
        """This request's place in the rotation: 0, 1, 2 ... It is taken when it is first asked for."""

    def health(self, account: AccountConfig) -> float:
        """From 0 (sick) to 100."""

    def last_used(self, account: AccountConfig) -> float:
        """Rises with each use of any account; 0.0 for one that was never used."""

    def idle_first(self, accounts: Accounts) -> Iterator[AccountConfig]:
        """Those that were never used by priority, then the others by their last use, the oldest first."""

    def windows(self, account: AccountConfig) -> Sequence[Window]:
        """Those that concern the request's model; empty where none is known."""

    def now(self) -> datetime:
        """In UTC."""

    def random(self) -> float:
        """At least 0.0, below 1.0."""

    def remembered(self, name: str, accounts: Accounts, compute: Callable[[Accounts], T]) -> T:
        """For what looks at every account: `compute(accounts)` for this model, which may be some seconds old."""


AccountStrategy = Callable[[Accounts, AccountView], Iterable[AccountConfig]]
"""Pure: the given accounts, which come by priority, in the order to try them."""

registry: Registry[AccountStrategy] = Registry("account strategy")
SPREADING = frozenset({"round_robin", "p2c", "random", "least_used", "quota_aware", "reset_soonest"})
"""Under these a conversation stays on its account; the others say themselves which one comes first."""
ROTATING = frozenset({"round_robin"})
"""These ask for a place in the rotation, which several processes have to share."""
UNKNOWN_QUOTA = 50.0
"""An account whose quota nobody knows counts as half full."""
_DRAWS = 8


@registry.register("fill_first", "Fill first: the first account until it fails")
def fill_first(accounts: Accounts, view: AccountView) -> Accounts:
    return accounts


@registry.register("round_robin", "Round robin: each account in turn, some requests in a row")
def round_robin(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    """Which account stands in for one that is out changes with every round, so that they share its part evenly."""
    turn = view.place() // view.sticky_limit
    count = len(accounts)
    start, others = turn % count, count - 1
    yield accounts[start]
    for step in range(others):
        yield accounts[(start + 1 + (turn // count + step) % others) % count]


@registry.register("p2c", "Power of two choices: the healthier of two random accounts")
def p2c(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    order = _shuffled(accounts, view)
    pair = list(islice(order, 2))
    yield from sorted(pair, key=lambda account: (-view.health(account), view.last_used(account)))
    yield from order


@registry.register("random", "Random: any account")
def random(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    return _shuffled(accounts, view)


@registry.register("least_used", "Least used: the account that has rested longest")
def least_used(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    return view.idle_first(accounts)


@registry.register(
    "cost_optimized", "Cost optimized: the lowest priority number; equal ones share the requests"
)
def cost_optimized(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    for group in view.remembered("priority", accounts, _by_priority):
        yield from _shuffled(group, view)


@registry.register("quota_aware", "Quota aware: the more an account has left, the more requests it gets")
def quota_aware(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    """Drawn by what is left. Who was not drawn comes behind, the fullest first; empty ones last."""
    fullest, sums = view.remembered("left", accounts, lambda accounts: _by_left(accounts, view))
    drawn: set[int] = set()
    total = sums[-1]
    for _ in range(min(_DRAWS, len(fullest)) if total else 0):
        index = min(bisect_right(sums, view.random() * total), len(fullest) - 1)
        if index not in drawn:
            drawn.add(index)
            yield fullest[index]
    for index, account in enumerate(fullest):
        if index not in drawn:
            yield account


@registry.register("reset_soonest", "Reset soonest: the quota that would expire unused first")
def reset_soonest(accounts: Accounts, view: AccountView) -> Accounts:
    """Then those whose quota nobody knows, and at last those that are used up."""
    return view.remembered("reset", accounts, lambda accounts: _by_reset(accounts, view))


def left(windows: Sequence[Window], now: datetime) -> float | None:
    """Percent that the tightest of an account's windows leaves, or None where nobody knows."""
    return min((w.remaining_percent(now) for w in windows if not w.paid_extra), default=None)


def _shuffled(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    """Fisher and Yates, one step for each account that is asked for; the sequence itself stays as it is."""
    moved: dict[int, int] = {}
    for last in range(len(accounts) - 1, -1, -1):
        at = int(view.random() * (last + 1))
        yield accounts[moved.get(at, at)]
        moved[at] = moved.get(last, last)


def _by_priority(accounts: Accounts) -> list[tuple[AccountConfig, ...]]:
    return [tuple(group) for _, group in groupby(accounts, key=lambda account: account.priority)]


def _by_left(accounts: Accounts, view: AccountView) -> tuple[list[AccountConfig], list[float]]:
    now, shares = view.now(), []
    for account in accounts:
        share = left(view.windows(account), now)
        shares.append((UNKNOWN_QUOTA if share is None else share, account))
    shares.sort(key=lambda item: -item[0])
    return [account for _, account in shares], list(accumulate(share for share, _ in shares))


def _by_reset(accounts: Accounts, view: AccountView) -> list[AccountConfig]:
    now = view.now()

    def rank(account: AccountConfig) -> tuple[int, float]:
        windows = view.windows(account)
        share = left(windows, now)
        if share is not None and share <= 0:
            return 2, 0.0
        ahead = [w.resets_at for w in windows if w.resets_at is not None and w.resets_at > now]
        return (0, min(ahead).timestamp()) if ahead else (1, 0.0)

    return sorted(accounts, key=rank)
