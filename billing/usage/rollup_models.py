"""Roll-ups, kept in the accounting transaction (`billing.usage.rollups`), so that no page reads the history."""

from __future__ import annotations

from decimal import Decimal

from django.db import models


class UsageSums(models.Model):
    """What is added up over requests."""

    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    fallbacks = models.BigIntegerField(default=0)
    cache_hits = models.BigIntegerField(default=0)
    unpriced = models.BigIntegerField(default=0, help_text="Requests with tokens but without a known price.")
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=18, decimal_places=10, default=Decimal(0))
    saved = models.DecimalField(max_digits=18, decimal_places=10, default=Decimal(0))
    latency_ms = models.BigIntegerField(default=0, help_text="Sum; divide by the requests.")
    first_token_ms = models.BigIntegerField(default=0, help_text="Sum; divide by the first tokens.")
    first_tokens = models.BigIntegerField(default=0, help_text="Requests whose first token was timed.")

    class Meta:
        abstract = True


class UsageTotal(UsageSums):
    """Usage of a span of time by one thing at a time, which is what charts and tables show.

    It stays small where `DailyUsage`, with a row for each combination, does not: a year by ten models is 3,650 rows.
    """

    in_backups = "history"

    class Span(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"
        DAY = "day"

    class Dimension(models.TextChoices):
        ALL = "all"
        PROVIDER = "provider"
        MODEL = "model"
        ACCOUNT = "account"
        KEY = "key"
        COMBO = "combo"

    span = models.CharField(max_length=6, choices=Span)
    start = models.DateTimeField(help_text="In UTC, also that of a day.")
    dimension = models.CharField(max_length=8, choices=Dimension)
    provider = models.CharField(
        max_length=60, default="", blank=True, help_text="Of providers, models and accounts."
    )
    name = models.CharField(
        max_length=250,
        default="",
        blank=True,
        help_text="Model or combo, id of the account or API key; empty for requests without a key.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["span", "dimension", "start", "provider", "name"], name="one_total"
            )
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.start:%Y-%m-%d %H:%M} {self.dimension} {self.provider}/{self.name}"


class ComboUsage(models.Model):
    """All that a combo did (without provider and model), or what one of its targets did, attempt by attempt."""

    in_backups = "history"

    combo = models.CharField(max_length=120)
    provider = models.CharField(max_length=60, default="", blank=True)
    model = models.CharField(max_length=250, default="", blank=True)
    requests = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0)
    fallbacks = models.BigIntegerField(default=0)
    latency_ms = models.BigIntegerField(default=0, help_text="Sum; divide by the requests.")
    last_status = models.PositiveSmallIntegerField(default=0)
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["combo", "provider", "model"], name="one_combo_usage")]

    def __str__(self) -> str:
        return f"{self.combo}: {self.provider}/{self.model}" if self.model else self.combo
