"""Client API keys, price overrides, budgets, usage rows and daily roll-ups."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.db import models

from billing.budget_models import Budget, BudgetSpend
from billing.usage.history_models import KeptAnswer, RequestLog, UsageSettings
from billing.usage.rollup_models import ComboUsage, UsageSums, UsageTotal

__all__ = [
    "UNPRICED",
    "ApiKey",
    "Budget",
    "BudgetSpend",
    "ComboUsage",
    "DailyUsage",
    "KeptAnswer",
    "Price",
    "RequestLog",
    "UsageRecord",
    "UsageSettings",
    "UsageTotal",
]


class ApiKey(models.Model):
    """A client's key. Only its HMAC is stored; the key itself is shown once, when it is made."""

    class Scope(models.TextChoices):
        USE = "use", "Use models"
        SYNC = "sync", "Cloud sync of other devices, nothing else"
        MANAGE = "manage", "Use models and manage the gateway"

    class Cache(models.TextChoices):
        OWN = "own", "Its own"
        SHARED = "shared", "Those of all keys with this setting"
        OFF = "off", "None"

    name = models.CharField(max_length=100)
    hint = models.CharField(
        max_length=20, editable=False, help_text="First and last characters, to recognise it by."
    )
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.USE)
    is_active = models.BooleanField("active", default=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    allowed_models = models.JSONField(
        default=list,
        blank=True,
        help_text='Models, combos or patterns that this key may use, e.g. ["glm/*", "premium-coding"]. Empty: all.',
    )
    cache = models.CharField(
        "cached answers",
        max_length=10,
        choices=Cache,
        default=Cache.OWN,
        help_text="Whose answers the response cache may give this key again.",
    )
    similar_answers = models.BooleanField(
        default=False,
        help_text="Also answer prompts from the cache that mean the same, where an embedding model is set for that.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name


def _per_million(name: str, **options: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(name, max_digits=12, decimal_places=6, **options)


class Price(models.Model):
    """USD for a provider's models; overrides the built-in price data. Tokens by the million.

    What has no price of its own costs what it is part of: cached and audio input like input, reasoning like output.
    """

    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=200, help_text="Model id or pattern, e.g. gpt-4o or gpt-4o*.")
    input = _per_million("input / 1M")
    output = _per_million("output / 1M")
    cache_read = _per_million("cache read / 1M", null=True, blank=True)
    cache_write = _per_million("cache write / 1M", null=True, blank=True)
    cache_write_1h = _per_million("cache write for an hour / 1M", null=True, blank=True)
    reasoning = _per_million("reasoning / 1M", null=True, blank=True)
    input_audio = _per_million("audio input / 1M", null=True, blank=True)
    output_audio = _per_million("audio output / 1M", null=True, blank=True)
    request = _per_million("one request", null=True, blank=True)
    audio_minute = _per_million("one minute of audio", null=True, blank=True)
    image = _per_million("one image made", null=True, blank=True)
    long_start = models.PositiveIntegerField(
        "long context above",
        null=True,
        blank=True,
        help_text="Input tokens. A longer request costs the long prices below, for all of its tokens.",
    )
    long_input = _per_million("long input / 1M", null=True, blank=True)
    long_output = _per_million("long output / 1M", null=True, blank=True)
    long_cache_read = _per_million("long cache read / 1M", null=True, blank=True)
    long_cache_write = _per_million("long cache write / 1M", null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["provider", "model"]
        constraints = [models.UniqueConstraint(fields=["provider", "model"], name="one_price")]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Requests(models.Manager["UsageRecord"]):
    """Without the extra rows."""

    def get_queryset(self) -> models.QuerySet[UsageRecord]:
        return super().get_queryset().filter(is_extra=False)


class UsageRecord(models.Model):
    """One client request, written when it ends, whatever its end. Names are copied: history outlives what it is about.

    `input_tokens` is the whole prompt, cached or not; `output_tokens` includes reasoning. Where a provider was paid
    beside the one that answered, that is a row of its own under the same request id (`is_extra`), so that sums are
    right by provider and account, too.
    """

    in_backups = "history"

    class CostSource(models.TextChoices):
        REPORTED = "reported", "Reported by the provider"
        OVERRIDE = "override", "Own price"
        DATASET = "dataset", "Built-in price data"
        SUBSCRIPTION = "subscription", "Part of a subscription"
        CACHE = "cache", "Answered from the cache"
        NONE = "", "No price known"

    id = models.BigAutoField(primary_key=True)
    request_id = models.CharField(max_length=40, default=uuid.uuid4)
    created_at = models.DateTimeField(db_index=True)
    api_key_id = models.BigIntegerField(null=True)
    api_key_name = models.CharField(max_length=100, default="", blank=True)
    endpoint = models.CharField(max_length=60, default="", blank=True)
    client_format = models.CharField(max_length=30, default="", blank=True)
    provider_format = models.CharField(max_length=30, default="", blank=True)
    stream = models.BooleanField(default=False)
    requested_model = models.CharField(max_length=250, default="", blank=True)
    served_model = models.CharField(max_length=250, default="", blank=True)
    combo = models.CharField(max_length=120, default="", blank=True)
    provider = models.CharField(max_length=60, default="", blank=True)
    account_id = models.BigIntegerField(null=True)
    account_name = models.CharField(max_length=100, default="", blank=True)
    status = models.PositiveSmallIntegerField(help_text="HTTP status; 499: the client left.")
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_message = models.CharField(max_length=500, default="", blank=True)
    attempts = models.JSONField(
        default=list,
        help_text="[{provider, model, account, status, error, ms}], in order.",
    )
    attempt_count = models.PositiveSmallIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(default=0)
    first_token_ms = models.PositiveIntegerField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cache_read_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)
    usage_estimated = models.BooleanField(default=False)
    priced_apart = models.JSONField(
        default=dict,
        blank=True,
        help_text='What is priced apart from the counts above, e.g. {"input_audio_tokens": 12, "web_searches": 1}.',
    )
    service_tier = models.CharField(max_length=20, default="", blank=True)
    cost = models.DecimalField(max_digits=16, decimal_places=10, null=True)
    cost_source = models.CharField(max_length=12, choices=CostSource, default=CostSource.NONE, blank=True)
    saved = models.DecimalField(
        max_digits=16,
        decimal_places=10,
        default=Decimal(0),
        help_text="USD at list prices that a subscription or the cache made unnecessary.",
    )
    cache_hit = models.BooleanField(
        default=False, help_text="Answered by the gateway itself, from its cache."
    )
    client_address = models.CharField(max_length=45, default="", blank=True)
    user_agent = models.CharField(max_length=200, default="", blank=True)
    is_extra = models.BooleanField(
        default=False,
        help_text="No request of its own: an attempt that was paid for although another one answered.",
    )

    objects = models.Manager["UsageRecord"]()
    requests = Requests()

    class Meta:
        ordering = ["-id"]
        verbose_name = "request"
        # Each index costs every request. Both grow at their end only, since ids of requests begin with the time; so
        # writing to a long history costs what writing to a short one does.
        indexes = [models.Index(fields=["request_id"], name="request_by_its_id")]

    def __str__(self) -> str:
        return f"{self.status} {self.requested_model}"

    @property
    def sound_s(self) -> float:
        """Seconds of a recording that was paid by its length; else 0."""
        apart = self.priced_apart if isinstance(self.priced_apart, dict) else {}
        return 0 if self.input_tokens or self.output_tokens else float(apart.get("audio_seconds") or 0)

    @property
    def has_price(self) -> bool:
        """Was anything used that somebody wants money for?"""
        return bool(self.input_tokens or self.output_tokens or self.priced_apart)


UNPRICED = models.Q(cost=None) & (
    models.Q(input_tokens__gt=0) | models.Q(output_tokens__gt=0) | ~models.Q(priced_apart={})
)
"""Usage rows that have a price which nobody knows."""


class DailyUsage(UsageSums):
    """Usage of one UTC day by every combination of what was asked, by whom and who served it."""

    in_backups = "history"

    day = models.DateField()
    provider = models.CharField(max_length=60, default="", blank=True)
    model = models.CharField(max_length=250, default="", blank=True)
    account_id = models.BigIntegerField(default=0)
    api_key_id = models.BigIntegerField(default=0)
    combo = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        ordering = ["-day"]
        verbose_name_plural = "daily usage"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "provider", "model", "account_id", "api_key_id", "combo"], name="one_day_row"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.provider}/{self.model}"
