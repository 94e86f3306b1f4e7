"""In which order a provider's accounts are tried. A strategy is one function; the registry feeds the settings form.

Strategies are pure over the accounts and a view of what is known about them, and lazy: with ten thousand accounts, the
first one comes as quickly as with two. What is cooling or blocked is not their concern: the plan passes over it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, islice
from operator import itemgetter
from typing import Protocol, TypeVar

from omniroute.registry import Registry
from providers.config import AccountConfig
from providers.quota import Window

Accounts = Sequence[AccountConfig]
T = TypeVar("T")
N = TypeVar("N")


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

    def surveyed(
        self,
        name: str,
        accounts: Accounts,
        note: Callable[[AccountConfig], N],
        conclude: Callable[[Sequence[tuple[N, AccountConfig]]], T],
    ) -> T:
        """For what looks at every account: `conclude` of what `note` says of each for this model.

        It may be some seconds old, and at first be about the foremost accounts only (`providers.selection.survey`).
        """


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
_UNKNOWN_RESET = 1e12


@registry.register(
    "fill_first",
    "Fill first: the first account until it fails",
    "The account with the lowest priority number, until it is limited or fails; then the next one.",
)
def fill_first(accounts: Accounts, view: AccountView) -> Accounts:
    return accounts


@registry.register(
    "round_robin",
    "Round robin: each account in turn, some requests in a row",
    "Each account in turn, as many requests in a row as the sticky limit says.",
)
def round_robin(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    """Which account stands in for one that is out changes with every round, so that they share its part evenly."""
    turn = view.place() // view.sticky_limit
    count = len(accounts)
    start, others = turn % count, count - 1
    yield accounts[start]
    for step in range(others):
        yield accounts[(start + 1 + (turn // count + step) % others) % count]


@registry.register(
    "p2c",
    "Power of two choices: the healthier of two random accounts",
    "Of two accounts drawn at random, the one that failed less of late. Spreads requests and avoids "
    "the sick ones.",
)
def p2c(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    order = _shuffled(accounts, view)
    pair = list(islice(order, 2))
    yield from sorted(pair, key=lambda account: (-view.health(account), view.last_used(account)))
    yield from order


@registry.register(
    "random",
    "Random: any account",
    "Any account, each as likely as the others.",
)
def random(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    return _shuffled(accounts, view)


@registry.register(
    "least_used",
    "Least used: the account that has rested longest",
    "The account whose last request is longest ago.",
)
def least_used(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    return view.idle_first(accounts)


@registry.register(
    "cost_optimized",
    "Cost optimized: the lowest priority number; equal ones share the requests",
    "The lowest priority number, like fill first, but accounts with the same number share the "
    "requests. Give paid accounts a higher number than free ones.",
)
def cost_optimized(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    begin = 0
    while begin < len(accounts):
        end = bisect_right(accounts, accounts[begin].priority, begin, key=_priority)
        yield from _shuffled(accounts, view, begin, end)
        begin = end


@registry.register(
    "quota_aware",
    "Quota aware: the more an account has left, the more requests it gets",
    "Drawn by what is left of each account's plan: one that is nearly used up gets few requests. An "
    "unknown quota counts as half full.",
)
def quota_aware(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    """Drawn by what is left. Who was not drawn comes behind, the fullest first; empty ones last."""
    now = view.now()
    fullest, sums = view.surveyed("left", accounts, lambda account: _left(account, view, now), _fullest_first)
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
    yield from islice(accounts, len(fullest), None)


@registry.register(
    "reset_soonest",
    "Reset soonest: the quota that would expire unused first",
    "The account whose quota begins anew soonest: what is not used by then is lost.",
)
def reset_soonest(accounts: Accounts, view: AccountView) -> Iterator[AccountConfig]:
    """Then those whose quota nobody knows, and at last those that are used up."""
    now = view.now()
    soonest = view.surveyed("reset", accounts, lambda account: _reset(account, view, now), _soonest_first)
    yield from soonest
    yield from islice(accounts, len(soonest), None)


def left(windows: Sequence[Window], now: datetime) -> float | None:
    """Percent that the tightest of an account's windows leaves, or None where nobody knows."""
    return min((w.remaining_percent(now) for w in windows if not w.paid_extra), default=None)


def _shuffled(
    accounts: Accounts, view: AccountView, begin: int = 0, end: int | None = None
) -> Iterator[AccountConfig]:
    """Fisher and Yates, one step for each account that is asked for; the sequence itself stays as it is."""
    moved: dict[int, int] = {}
    for last in range((len(accounts) if end is None else end) - 1, begin - 1, -1):
        at = begin + int(view.random() * (last + 1 - begin))
        yield accounts[moved.get(at, at)]
        moved[at] = moved.get(last, last)


def _priority(account: AccountConfig) -> int:
    return account.priority


def _left(account: AccountConfig, view: AccountView, now: datetime) -> float:
    share = left(view.windows(account), now)
    return UNKNOWN_QUOTA if share is None else share


def _fullest_first(
    shares: Sequence[tuple[float, AccountConfig]],
) -> tuple[list[AccountConfig], list[float]]:
    """The accounts, and the sums of their shares so far."""
    ordered = sorted(shares, key=itemgetter(0), reverse=True)
    return [account for _, account in ordered], list(accumulate(share for share, _ in ordered))


def _reset(account: AccountConfig, view: AccountView, now: datetime) -> float:
    """When its next window is full again, seconds since the epoch."""
    windows = view.windows(account)
    share = left(windows, now)
    if share is not None and share <= 0:
        return math.inf
    ahead = [w.resets_at for w in windows if w.resets_at is not None and w.resets_at > now]
    return min(ahead).timestamp() if ahead else _UNKNOWN_RESET


def _soonest_first(resets: Sequence[tuple[float, AccountConfig]]) -> list[AccountConfig]:
    return [account for _, account in sorted(resets, key=itemgetter(0))]
