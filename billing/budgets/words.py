"""Budgets as people see them: in words, and as a bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billing.budgets.status import Status, statuses
from billing.models import Budget
from omniroute.templatetags.figures import compact, usd

_PERIODS = {"daily": "a day", "weekly": "a week", "monthly": "a month", "once": "once"}


def words(row: Budget) -> str:
    """$50 a month."""
    return f"{_limit(row)} {_PERIODS[row.period]}"


def _limit(row: Budget) -> str:
    """As it was written, not rounded: $0.0123."""
    if row.unit != Budget.Unit.USD or row.limit == 0:
        return amount(row.limit, row.unit)
    exponent = row.limit.normalize().as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0  # a word for what is no number
    return f"${row.limit:,.{max(2, digits)}f}"


def amount(value: Decimal, unit: str) -> str:
    return usd(value) if unit == Budget.Unit.USD else f"{compact(float(value))} {unit}"


@dataclass(frozen=True, slots=True)
class Low:
    """A budget that runs low. `whose`: a name, or "" for all requests."""

    pk: int
    words: str
    whose: str
    bar: SafeString
    is_spent: bool
    until: datetime | None


def low_budgets() -> list[Low]:
    """Those that are beyond their warning threshold, the ones that refuse already first."""
    rows = Budget.objects.filter(is_active=True).select_related("api_key", "account")
    found = [status for status in statuses(rows) if status.is_low]
    return [_low(status) for status in sorted(found, key=lambda each: (-each.percent, each.budget.pk))]


def _low(status: Status) -> Low:
    row = status.budget
    whose = row.api_key.name if row.api_key else str(row.account) if row.account else ""
    return Low(row.pk, words(row), whose, bar(status), status.is_spent, status.period.end)


def bar(status: Status) -> SafeString:
    """What is used of the limit, as a bar with its figures."""
    context = {
        "status": status,
        "width": f"{min(100.0, status.percent):.1f}",
        "tone": "bad" if status.is_spent else "warn" if status.is_low else "good",
        "used": amount(status.used, status.budget.unit),
        "limit": _limit(status.budget),
    }
    return render_to_string("admin/billing/budget_bar.html", context)
