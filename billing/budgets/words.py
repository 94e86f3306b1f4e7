"""Budgets as people see them: in words, and as a bar."""

from __future__ import annotations

from decimal import Decimal

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billing.budgets.status import Status
from billing.models import Budget
from omniroute.templatetags.figures import compact, usd

_PERIODS = {"daily": "a day", "weekly": "a week", "monthly": "a month", "once": "once"}


def words(row: Budget) -> str:
    """$50 a month."""
    return f"{amount(row.limit, row.unit)} {_PERIODS[row.period]}"


def amount(value: Decimal, unit: str) -> str:
    return usd(value) if unit == Budget.Unit.USD else f"{compact(float(value))} {unit}"


def bar(status: Status) -> SafeString:
    """What is used of the limit, as a bar with its figures."""
    context = {
        "status": status,
        "width": f"{min(100.0, status.percent):.1f}",
        "tone": "bad" if status.is_spent else "warn" if status.is_low else "good",
        "used": amount(status.used, status.budget.unit),
        "limit": amount(status.limit, status.budget.unit),
    }
    return render_to_string("admin/billing/budget_bar.html", context)
