"""How budgets stand: what is used, what is left, when it begins anew. Straight from the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing.budgets import UNITS, config_of
from billing.budgets.spending import Charge, Spent, dollars, totals
from billing.models import Budget
from billing.periods import Period


@dataclass(frozen=True, slots=True)
class Status:
    """`used` and `limit` in the budget's unit."""

    budget: Budget
    period: Period
    used: Decimal
    spent: Spent

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
    """In the order given, by two queries for all of them."""
    moment = now or datetime.now(UTC)
    rows = list(budgets)
    periods = {row.pk: config_of(row).period(moment) for row in rows}
    spent = totals(
        {row.pk: Charge(row.pk, periods[row.pk].start, row.api_key_id, row.account_id) for row in rows}
    )
    return [Status(row, periods[row.pk], _used(row, spent[row.pk]), spent[row.pk]) for row in rows]


def _used(row: Budget, spent: Spent) -> Decimal:
    return dollars(spent.usd) if row.unit == Budget.Unit.USD else Decimal(spent[UNITS.index(row.unit)])
