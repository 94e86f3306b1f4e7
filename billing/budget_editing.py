"""Changing a budget, in the admin and by API: what was spent stays right whatever is changed."""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict

from django.db import transaction
from django.utils import timezone

from billing.models import Budget, BudgetSpend

_MEANING = ("api_key_id", "account_id", "period", "time_zone", "counts_from")
"""With one of these changed, what was spent is something else."""


class BudgetFields(TypedDict, total=False):
    name: str
    limit: Decimal
    time_zone: str
    warning_percent: int
    is_active: bool


def save_budget(row: Budget, fields: BudgetFields | None = None) -> Budget:
    """Raise `ValidationError`."""
    for name, value in (fields or {}).items():
        setattr(row, name, value)
    row.full_clean(exclude=["api_key", "account"])
    with transaction.atomic():
        old = Budget.objects.filter(pk=row.pk).values(*_MEANING).first() if row.pk else None
        if old is not None and any(old[name] != getattr(row, name) for name in _MEANING):
            _forget(row)
        row.save()
    return row


def reset(row: Budget) -> None:
    """Begin a budget for once again, with nothing spent."""
    row.counts_from = timezone.now()
    save_budget(row)


def work_out_again() -> None:
    """After the history was changed: what is spent of every budget comes from the roll-ups again."""
    with transaction.atomic():
        for row in Budget.objects.all():
            _forget(row)
            row.save()


def _forget(row: Budget) -> None:
    """The next request, or the next look, works it out from the roll-ups. The revision tells every process."""
    BudgetSpend.objects.filter(budget=row).delete()
    row.revision += 1
