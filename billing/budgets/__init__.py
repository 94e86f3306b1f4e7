"""Budgets on the hot path: reserved before a request is sent, settled once its usage row is committed.

A request is let in while something is left of every budget that it counts for, after what is spent and what other
requests have reserved. So what is spent exceeds a budget by one reservation at most, however many requests run beside
each other. Several processes share their reservations through Redis (`billing.budgets.shared`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from billing.budgets.spending import Charge, Spent, dollars, ticks, totals
from billing.models import Budget
from billing.periods import Period, period_of

UNITS = ("usd", "tokens", "requests")
"""In the order of `Spent`."""


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """A budget as the hot path sees it. `limit` and `spent` in its own unit, USD in ticks."""

    id: int
    revision: int
    name: str
    api_key_id: int | None
    account_id: int | None
    unit: str
    limit: int
    kind: str
    zone: ZoneInfo
    counts_from: datetime
    is_active: bool
    place: int
    """Of the unit in `Spent`."""
    warn_at: int = 0
    """In its own unit."""
    refuses_unpriced: bool = False
    known_start: datetime | None = None
    """The period that `known` was read for."""
    known: int = 0
    """What was spent by then, by the database."""

    def period(self, moment: datetime) -> Period:
        return period_of(self.kind, self.zone, moment, self.counts_from)

    def charge(self, start: datetime) -> Charge:
        return Charge(self.id, start, self.api_key_id, self.account_id)

    @property
    def whose(self) -> str:
        if self.api_key_id is not None:
            return "this API key"
        return "the account" if self.account_id is not None else "the gateway"


@dataclass(frozen=True, slots=True)
class Budgets:
    """All of them, by what they are about. Also the inactive ones, which are counted and refuse nothing."""

    of_all: tuple[BudgetConfig, ...] = ()
    of_keys: Mapping[int, tuple[BudgetConfig, ...]] = field(default_factory=dict)
    of_accounts: Mapping[int, tuple[BudgetConfig, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.of_all or self.of_keys or self.of_accounts)

    def of_caller(self, api_key_id: int | None) -> tuple[BudgetConfig, ...]:
        own = self.of_keys.get(api_key_id, ()) if api_key_id is not None else ()
        return (*own, *self.of_all) if self.of_all else own

    def of_account(self, account_id: int) -> tuple[BudgetConfig, ...]:
        return self.of_accounts.get(account_id, ())


@dataclass(slots=True, eq=False)
class Meter:
    """One budget in one period, as far as this process knows."""

    budget: BudgetConfig
    period: Period
    spent: int = 0
    reserved: int = 0
    """By requests of this process."""

    @property
    def is_full(self) -> bool:
        return self.spent + self.reserved >= self.budget.limit

    @property
    def is_spent(self) -> bool:
        """Nothing is left until the next period, whatever becomes of the requests that run."""
        return self.spent >= self.budget.limit

    @property
    def warning(self) -> str:
        """For the client, once its budget runs low; else ""."""
        budget = self.budget
        if self.spent < budget.warn_at or not budget.warn_at:
            return ""
        percent = 100 * self.spent // budget.limit
        return f"{percent}% of {spoken(budget.limit, budget.unit)} ({budget.kind}) is used"

    def learn(self, spent: int) -> None:
        """What is spent never becomes less within a period, so the highest figure is the newest one."""
        self.spent = max(self.spent, spent)


@dataclass(slots=True, eq=False)
class Reservation:
    """What a request holds of its budgets until it is settled, exactly once."""

    held: tuple[tuple[Meter, int], ...]
    is_open: bool = True

    def close(self) -> bool:
        """Give back what is held. False: this was done before."""
        if not self.is_open:
            return False
        self.is_open = False
        for meter, amount in self.held:
            meter.reserved = max(0, meter.reserved - amount)
        return True


class Ledger:
    """The meters of this process. `clock` tells the Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._meters: dict[tuple[int, int], Meter] = {}

    def meter(self, budget: BudgetConfig) -> Meter:
        """Of the period that is now."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        key = budget.id, budget.revision
        meter = self._meters.get(key)
        if meter is None or not (meter.period.has(now) or meter.period.is_just_ahead(now)):
            meter = self._meters[key] = Meter(budget, budget.period(now))
            self._learn_known(meter)
        elif meter.budget is not budget:
            meter.budget = budget
            self._learn_known(meter)
        return meter

    @staticmethod
    def _learn_known(meter: Meter) -> None:
        if meter.budget.known_start == meter.period.start:
            meter.learn(meter.budget.known)

    def reserve(
        self, budgets: Iterable[BudgetConfig], amount: Spent, *, shared: bool = False
    ) -> Reservation | Meter:
        """Take the amount from every budget, or from none: then the first one that has nothing left is returned.

        `shared`: others reserve, too, so that only what is spent is certain here.
        """
        meters = [self.meter(budget) for budget in budgets if budget.is_active]
        for meter in meters:
            if meter.is_spent or (meter.is_full and not shared):
                return meter
        held = tuple((meter, amount[meter.budget.place]) for meter in meters)
        for meter, part in held:
            meter.reserved += part
        return Reservation(held)

    def charges(self, budgets: Sequence[BudgetConfig], moment: datetime) -> list[Charge]:
        """Where a request of that moment is counted."""
        return [budget.charge(self._start(budget, moment)) for budget in budgets]

    def _start(self, budget: BudgetConfig, moment: datetime) -> datetime:
        meter = self._meters.get((budget.id, budget.revision))
        if meter is not None and meter.period.has(moment):
            return meter.period.start
        return budget.period(moment).start

    def learn(self, budgets: Iterable[BudgetConfig], totals: Mapping[tuple[int, datetime], Spent]) -> None:
        """The newest totals of the database."""
        for budget in budgets:
            meter = self.meter(budget)
            total = totals.get((budget.id, meter.period.start))
            if total is not None:
                meter.learn(total[budget.place])

    @property
    def reserves(self) -> bool:
        """Is anything held?"""
        return any(meter.reserved for meter in self._meters.values())

    def all_meters(self) -> list[Meter]:
        return list(self._meters.values())

    def forget(self) -> None:
        self._meters.clear()

    def seconds_left(self, meter: Meter) -> float | None:
        """Until the next period; None: there is none."""
        end = meter.period.end
        return None if end is None else max(0.0, end.timestamp() - self._clock())


@cache
def ledger() -> Ledger:
    """The process's own."""
    return Ledger()


def load() -> Budgets:
    """From the database, with what is spent by now."""
    now = datetime.now(UTC)
    rows = [config_of(row) for row in Budget.objects.all()]
    starts = {row.id: row.period(now).start for row in rows}
    spent = totals({row.id: row.charge(starts[row.id]) for row in rows})
    of_all: list[BudgetConfig] = []
    of_keys: dict[int, list[BudgetConfig]] = {}
    of_accounts: dict[int, list[BudgetConfig]] = {}
    for row, known in ((row, spent[row.id]) for row in rows):
        config = _known(row, starts[row.id], known)
        if row.api_key_id is not None:
            of_keys.setdefault(row.api_key_id, []).append(config)
        elif row.account_id is not None:
            of_accounts.setdefault(row.account_id, []).append(config)
        else:
            of_all.append(config)
    return Budgets(
        tuple(of_all),
        {key: tuple(each) for key, each in of_keys.items()},
        {account: tuple(each) for account, each in of_accounts.items()},
    )


def config_of(row: Budget) -> BudgetConfig:
    return BudgetConfig(
        id=row.pk,
        revision=row.revision,
        name=str(row),
        api_key_id=row.api_key_id,
        account_id=row.account_id,
        unit=row.unit,
        limit=limit_of(row),
        kind=row.period,
        zone=ZoneInfo(row.time_zone),
        counts_from=row.counts_from,
        is_active=row.is_active,
        place=UNITS.index(row.unit),
        warn_at=limit_of(row) * row.warning_percent // 100,
        refuses_unpriced=row.refuse_unpriced and row.is_active and row.unit == Budget.Unit.USD,
    )


def _known(config: BudgetConfig, start: datetime, spent: Spent) -> BudgetConfig:
    return replace(config, known_start=start, known=spent[config.place])


def limit_of(row: Budget) -> int:
    """In the budget's own unit, USD in ticks."""
    return ticks(row.limit) if row.unit == Budget.Unit.USD else int(row.limit)


def spoken(amount: int, unit: str) -> str:
    """For people: `12.50 USD`, `1,000 tokens`."""
    if unit == "usd":
        usd = dollars(amount)
        return f"{usd:.2f} USD" if usd >= 1 or usd == 0 else f"{usd.normalize():f} USD"
    return f"{amount:,} {unit}"
