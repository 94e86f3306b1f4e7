"""Limits, and what was used of them."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from billing.periods import check_time_zone


def new_uid() -> str:
    return uuid.uuid4().hex


class Budget(models.Model):
    """What an API key, a provider account or the whole gateway may use within a period.

    Of several that apply to a request, all must have room.
    """

    class Unit(models.TextChoices):
        USD = "usd", "USD"
        TOKENS = "tokens", "Tokens"
        REQUESTS = "requests", "Requests"

    class Period(models.TextChoices):
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week, from Monday"
        MONTHLY = "monthly", "Every month"
        ONCE = "once", "Once, until it is used up"

    uid = models.CharField(max_length=32, unique=True, default=new_uid, editable=False)
    """Names the budget on every machine that shares it."""
    name = models.CharField(max_length=100, blank=True, default="")
    api_key = models.ForeignKey(
        "billing.ApiKey",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        verbose_name="API key",
        related_name="budgets",
    )
    account = models.ForeignKey(
        "providers.Account", null=True, blank=True, on_delete=models.CASCADE, related_name="budgets"
    )
    limit = models.DecimalField(max_digits=18, decimal_places=6)
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.USD)
    period = models.CharField(max_length=10, choices=Period, default=Period.MONTHLY)
    time_zone = models.CharField(
        max_length=60,
        default="UTC",
        validators=[check_time_zone],
        help_text="Whose midnight begins a period, e.g. Europe/Paris.",
    )
    warning_percent = models.PositiveSmallIntegerField(
        "warn at", default=80, help_text="Percent of the limit."
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: it is counted, but nothing is refused."
    )
    refuse_unpriced = models.BooleanField(
        "refuse models without a price",
        default=False,
        help_text="For limits in USD. Off: requests that nobody knows the price of count as free.",
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    """Counts the times that what was spent was worked out anew, so that no process goes on with the old figure."""
    counts_from = models.DateTimeField(default=timezone.now, editable=False)
    """Where the only period of a `once` begins."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(api_key__isnull=True) | models.Q(account__isnull=True),
                name="budget_of_one_thing",
            ),
            models.CheckConstraint(condition=models.Q(limit__gt=0), name="budget_above_zero"),
        ]

    def __str__(self) -> str:
        unit = "USD" if self.unit == self.Unit.USD else self.unit
        return self.name or f"{self.limit.normalize():f} {unit} {self.period}"

    def clean(self) -> None:
        if self.unit != self.Unit.USD and self.limit is not None and self.limit != int(self.limit):
            raise ValidationError({"limit": f"A limit in {self.unit} is a whole number."})


class BudgetSpend(models.Model):
    """What was spent of a budget in one period, written in the transaction of the usage rows."""

    # Without a constraint: a budget that is deleted meanwhile must not cost anybody the row of its usage.
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="spends", db_constraint=False)
    period_start = models.DateTimeField()
    usd = models.BigIntegerField(default=0, help_text="In units of 1e-10 USD, so that sums are exact.")
    tokens = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["budget", "period_start"], name="one_spend_a_period")]

    def __str__(self) -> str:
        return f"{self.budget_id} {self.period_start:%Y-%m-%d}"
