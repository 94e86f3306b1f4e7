"""Changing a budget, in the admin and by API: what was spent stays right whatever is changed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db import transaction
from django.utils import timezone

from billing.budgets import config_of
from billing.budgets.spending import open_period
from billing.models import Budget, BudgetSpend

_MEANING = ("api_key_id", "account_id", "period", "time_zone", "counts_from")
"""With one of these changed, what was spent is something else."""


class BudgetFields(TypedDict, total=False):
    name: str
    limit: Decimal
    time_zone: str
    warning_percent: int
    is_active: bool
    refuse_unpriced: bool


def save_budget(row: Budget, fields: BudgetFields | None = None, now: datetime | None = None) -> Budget:
    """Raise `ValidationError`. Opens the period of `now`."""
    for name, value in (fields or {}).items():
        setattr(row, name, value)
    row.full_clean(exclude=["api_key", "account"])
    with transaction.atomic():
        old = Budget.objects.filter(pk=row.pk).values(*_MEANING).first() if row.pk else None
        is_other = old is not None and any(old[name] != getattr(row, name) for name in _MEANING)
        if is_other:
            _forget(row)
        row.save()
        if old is None or is_other:
            _open(row, now or timezone.now())
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
            _open(row, timezone.now())


def _open(row: Budget, now: datetime) -> None:
    """With what was used in this period so far."""
    config = config_of(row)
    open_period(config.charge(config.period(now).start))


def _forget(row: Budget) -> None:
    """What is spent is worked out from the roll-ups again. The revision tells every process."""
    BudgetSpend.objects.filter(budget=row).delete()
    row.revision += 1
