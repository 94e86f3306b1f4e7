"""What of the history is kept, for how long, and the request logs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from omniroute.singleton import Singleton

MAX_BODY_KB = 256
_AT_LEAST_ONE = MinValueValidator(1)


def _limit(name: str, default: int | None, help_text: str) -> models.PositiveIntegerField[Any, Any]:
    return models.PositiveIntegerField(
        name, null=True, blank=True, default=default, validators=[_AT_LEAST_ONE], help_text=help_text
    )


class UsageSettings(Singleton):
    """One row. Bodies are logged only where the environment's ENABLE_REQUEST_LOGS allows it at all."""

    class Place(models.TextChoices):
        DATABASE = "database", "In the database"
        DISK = "disk", "As files in the data directory"

    keep_requests_days = _limit("requests: days", 365, "Older ones are deleted. Empty: never.")
    keep_requests_rows = _limit(
        "requests: number", None, "Of more, the oldest are deleted. Empty: any number."
    )
    keep_logs_days = _limit("request logs: days", 7, "Older ones are deleted. Empty: never.")
    keep_logs_rows = _limit(
        "request logs: number", 10_000, "Of more in the database, the oldest are deleted."
    )
    keep_daily_days = _limit(
        "daily figures: days", None, "What charts and totals are made of; it is little. Empty: for ever."
    )
    log_place = models.CharField(
        "where",
        max_length=10,
        choices=Place,
        default=Place.DATABASE,
        help_text="Holds for what is logged from now on.",
    )
    log_body_kb = models.PositiveIntegerField(
        "KB of each body",
        default=8,
        validators=[_AT_LEAST_ONE, MaxValueValidator(MAX_BODY_KB)],
        help_text="Of longer bodies the beginning is kept. Images and secrets are left out before.",
    )

    class Meta:
        verbose_name = verbose_name_plural = "usage settings"

    def __str__(self) -> str:
        return "Usage settings"

    def clean(self) -> None:
        """Daily figures say on which days there is anything to find: they have to outlive the requests."""
        if self.keep_daily_days and self.keep_daily_days < (self.keep_requests_days or 2**31):
            raise ValidationError({"keep_daily_days": "Has to be at least as long as requests are kept."})


class RequestLog(models.Model):
    """What went over the wire for one request (`billing.usage.request_logs`), where it is kept in the database."""

    in_backups = "history"

    request_id = models.CharField(primary_key=True, max_length=40)
    created_at = models.DateTimeField(db_index=True)
    document = models.BinaryField(help_text="JSON, compressed.")

    def __str__(self) -> str:
        return self.request_id


class KeptAnswer(models.Model):
    """Who keeps an answer that a later request may name by its id (`billing.usage.kept_answers`)."""

    in_backups = "history"

    digest = models.CharField(primary_key=True, max_length=32)
    """Of the answer's id and of the API key that got it."""
    created_at = models.DateTimeField(db_index=True)
    """When it was asked for, as in its usage row."""
    request_id = models.CharField(max_length=40)
    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=250)
    account_id = models.BigIntegerField()
    combo = models.CharField(max_length=120)
    is_open = models.BooleanField(help_text="Made in the background, and what it used is not known yet.")
    charged_usd = models.BigIntegerField(help_text="What its budgets were charged at once, in 10^-10 USD.")
    charged_tokens = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.provider}/{self.model} {self.request_id}"
