"""Budgets on the pages of what they limit."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse

from billing.budgets.status import Status, statuses
from billing.budgets.words import bar, words
from billing.models import Budget

register = template.Library()


def _local(status: Status) -> str:
    """When the next period begins, by the budget's own clock."""
    end = status.period.end
    return f"{end.astimezone(ZoneInfo(status.budget.time_zone)):%-d %b, %H:%M}" if end else ""


@register.inclusion_tag("admin/billing/budgets_card.html")
def budgets_of(whose: str, row: Any) -> dict[str, Any]:
    """`whose`: `api_key` or `account`; `row`: the one, or None on a page that adds one."""
    if row is None or not row.pk:
        return {}
    found = statuses(Budget.objects.filter(**{whose: row}).select_related("api_key", "account"))
    budgets = [
        {
            "words": words(status.budget),
            "name": status.budget.name,
            "is_active": status.budget.is_active,
            "bar": bar(status),
            "until": _local(status),
            "time_zone": status.budget.time_zone,
            "link": reverse("admin:billing_budget_change", args=(status.budget.pk,)),
        }
        for status in found
    ]
    return {
        "budgets": budgets,
        "add": f"{reverse('admin:billing_budget_add')}?{whose}={row.pk}",
        "is_known": True,
    }
