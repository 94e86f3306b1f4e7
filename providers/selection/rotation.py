"""How the accounts were used: whose turn it is, who rested longest. In memory.

Other processes' uses are heard of within a moment (`resilience.gossip`). A rotation has to be exact, so
its places can be given from outside (`AccountChoice.places`).
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from providers import quota
from providers.config import AccountConfig
from providers.quota import Window
from providers.selection import Accounts
from providers.selection.survey import Survey
from resilience.classify import BILLING, RATE_LIMITED
from resilience.cooldown import Cooldown, cooldowns
from resilience.gossip import Tell, gossip, nobody

T = TypeVar("T")
N = TypeVar("N")

SURVEYED_S = 5.0
"""For so long, what a look at every account found is good enough."""
MAX_SURVEYS = 500
_LIMITED = frozenset({BILLING.reason, RATE_LIMITED.reason})
_FIRST = 8


@dataclass(slots=True)
class _Order:
    """A provider's accounts, the longest unused first. `accounts` tells whether it is still about the same ones."""

    accounts: Accounts
    by_use: OrderedDict[int, AccountConfig]


class AccountUse:
    """One per process; only for its event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, int] = {}
        self._orders: dict[str, _Order] = {}
        self._last_used: dict[str, int] = {}
        self._uses = 0
        self._by_key: dict[str, tuple[Accounts, dict[str, AccountConfig]]] = {}
        self._surveys: dict[tuple[str, str], tuple[Survey[Any, Any], float]] = {}
        self.tell: Tell = nobody

    def take_place(self, provider: str) -> int:
        place = self._places.get(provider, 0)
        self._places[provider] = place + 1
        return place

    def next_place(self, provider: str) -> int:
        """The place that the next request will take."""
        return self._places.get(provider, 0)

    def chosen(self, account: AccountConfig) -> None:
        """A request goes to this account now."""
        self._note_use(account.provider, account.id, account.key)
        self.tell("used", account.provider, account.id, account.key)

    def hear(self, count: int, what: str, *about: Any) -> None:
        """It happened so often in another process."""
        if what == "used":
            self._note_use(*about)

    def _note_use(self, provider: str, id: int, key: str) -> None:
        self._uses += 1
        self._last_used[key] = self._uses
        order = self._orders.get(provider)
        if order is not None and id in order.by_use:
            order.by_use.move_to_end(id)

    def last_used(self, account: AccountConfig) -> float:
        return self._last_used.get(account.key, 0)

    def idle_first(self, accounts: Accounts) -> Iterator[AccountConfig]:
        if not accounts:
            return
        by_use = self._order(accounts).by_use
        first = list(islice(by_use.values(), _FIRST))
        yield from first
        if len(by_use) > _FIRST:  # other requests may have moved some meanwhile
            seen = {account.id for account in first}
            yield from [account for account in list(by_use.values()) if account.id not in seen]

    def by_key(self, accounts: Accounts) -> dict[str, AccountConfig]:
        known = self._by_key.get(accounts[0].provider)
        if known is None or known[0] is not accounts:
            known = self._by_key[accounts[0].provider] = (accounts, {each.key: each for each in accounts})
        return known[1]

    def surveyed(
        self,
        name: str,
        accounts: Accounts,
        note: Callable[[AccountConfig], N],
        conclude: Callable[[Sequence[tuple[N, AccountConfig]]], T],
    ) -> T:
        if not accounts:
            return conclude(())
        now = self._clock()
        key = (name, accounts[0].provider)
        survey, at = self._surveys.get(key, (None, 0.0))
        if survey is None or survey.accounts is not accounts:
            if len(self._surveys) >= MAX_SURVEYS:
                self._surveys.clear()
            survey = Survey(accounts, note, conclude)
            self._surveys[key] = (survey, now)
        elif now - at >= SURVEYED_S:
            survey.renew(note)
            self._surveys[key] = (survey, now)
        found: T = survey.found
        return found

    def _order(self, accounts: Accounts) -> _Order:
        provider = accounts[0].provider
        order = self._orders.get(provider)
        if order is None or order.accounts is not accounts:
            ranked = sorted(accounts, key=self.last_used)
            order = _Order(accounts, OrderedDict((account.id, account) for account in ranked))
            self._orders[provider] = order
        return order


@dataclass(slots=True)
class AccountChoice:
    """The view of one provider's accounts for one request (`selection.AccountView`)."""

    use: AccountUse
    provider: str
    sticky_limit: int = 3
    places: dict[str, int] = field(default_factory=dict)
    """The request's own, by provider: one for each, however many of its models are tried."""
    is_rehearsal: bool = False
    """Nothing is taken or counted: only somebody's question which accounts would be chosen."""
    model: str = ""
    """The provider's own id."""
    quota: Callable[[str], Sequence[Window]] = quota.windows
    failure: Callable[[str], Cooldown | None] = cooldowns.last_failure
    """Of an account, and of a model on it."""
    random: Callable[[], float] = field(default=random.random)

    def place(self) -> int:
        if self.provider not in self.places:
            take = self.use.next_place if self.is_rehearsal else self.use.take_place
            self.places[self.provider] = take(self.provider)
        return self.places[self.provider]

    def health(self, account: AccountConfig) -> float:
        failure = self.failure(account.key) or self.failure(f"{account.key}:{self.model}")
        if failure is None:
            return 100.0
        return max(0.0, 80.0 - 10 * failure.level - (30 if failure.reason in _LIMITED else 0))

    def last_used(self, account: AccountConfig) -> float:
        return self.use.last_used(account)

    def idle_first(self, accounts: Accounts) -> Iterator[AccountConfig]:
        return self.use.idle_first(accounts)

    def windows(self, account: AccountConfig) -> Sequence[Window]:
        return [window for window in self.quota(account.key) if window.concerns(self.model)]

    def now(self) -> datetime:
        return datetime.now(UTC)

    def surveyed(
        self,
        name: str,
        accounts: Accounts,
        note: Callable[[AccountConfig], N],
        conclude: Callable[[Sequence[tuple[N, AccountConfig]]], T],
    ) -> T:
        return self.use.surveyed(f"{name}:{self.model}", accounts, note, conclude)


account_use = AccountUse()
"""This process's own."""
account_use.tell = gossip.join("accounts", account_use.hear)
