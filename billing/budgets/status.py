"""How budgets stand: what is used, what is left, when it begins anew. Straight from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing.budgets import UNITS, config_of
from billing.budgets.spending import Charge, Spent, dollars, totals
from billing.models import Budget, UsageTotal
from billing.periods import Period


@dataclass(frozen=True, slots=True)
class Status:
    """`used` and `limit` in the budget's unit."""

    budget: Budget
    period: Period
    used: Decimal
    spent: Spent
    unpriced: int = 0
    """Of a limit in USD: requests of the period that nobody knows the price of, and that count as free."""

    @property
    def limit(self) -> Decimal:
        return self.budget.limit

    @property
    def left(self) -> Decimal:
        return max(Decimal(0), self.limit - self.used)

    @property
    def percent(self) -> float:
        return float(100 * self.used / self.limit)

    @property
    def is_spent(self) -> bool:
        return self.used >= self.limit

    @property
    def is_low(self) -> bool:
        """Beyond the warning threshold."""
        return self.percent >= self.budget.warning_percent


def statuses(budgets: Iterable[Budget], now: datetime | None = None) -> list[Status]:
    """In the order given, by three queries for all of them."""
    moment = now or datetime.now(UTC)
    rows = list(budgets)
    periods = {row.pk: config_of(row).period(moment) for row in rows}
    spent = totals(
        {row.pk: Charge(row.pk, periods[row.pk].start, row.api_key_id, row.account_id) for row in rows}
    )
    unpriced = _unpriced(
        {row.pk: (_place(row), periods[row.pk].start) for row in rows if row.unit == Budget.Unit.USD}
    )
    return [
        Status(row, periods[row.pk], _used(row, spent[row.pk]), spent[row.pk], unpriced.get(row.pk, 0))
        for row in rows
    ]


def _place(row: Budget) -> tuple[str, str]:
    """Dimension and name of what the budget is about, in the roll-ups."""
    if row.api_key_id is not None:
        return "key", str(row.api_key_id)
    return ("account", str(row.account_id)) if row.account_id is not None else ("all", "")


def _unpriced(wanted: Mapping[int, tuple[tuple[str, str], datetime]]) -> dict[int, int]:
    """By whole UTC days, so that a period of another time zone has up to a day more."""
    if not wanted:
        return {}
    first = min(start for _, start in wanted.values()).replace(hour=0, minute=0, second=0, microsecond=0)
    found = UsageTotal.objects.filter(
        span="day",
        dimension__in={dimension for (dimension, _), _ in wanted.values()},
        name__in={name for (_, name), _ in wanted.values()},
        start__gte=first,
        unpriced__gt=0,
    ).values_list("dimension", "name", "start", "unpriced")
    counts: Counter[int] = Counter()
    for dimension, name, day, unpriced in found:
        for key, (place, start) in wanted.items():
            if place == (dimension, name) and day + timedelta(days=1) > start:
                counts[key] += unpriced
    return counts


def _used(row: Budget, spent: Spent) -> Decimal:
    return dollars(spent.usd) if row.unit == Budget.Unit.USD else Decimal(spent[UNITS.index(row.unit)])
