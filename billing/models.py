"""Client API keys, usage rows, daily roll-ups and price overrides."""

from __future__ import annotations

import uuid

from django.db import models

from billing.rollup_models import ComboUsage, UsageSums, UsageTotal

__all__ = ["ApiKey", "ComboUsage", "DailyUsage", "Price", "UsageRecord", "UsageTotal"]


class ApiKey(models.Model):
    """A client's key. Only its HMAC is stored; the key itself is shown once, when it is made."""

    class Scope(models.TextChoices):
        USE = "use", "Use models"
        MANAGE = "manage", "Use models and manage the gateway"

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
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    """USD per million tokens for a provider's models; overrides the built-in price data."""

    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=200, help_text="Model id or pattern, e.g. gpt-4o or gpt-4o*.")
    input = models.DecimalField("input / 1M", max_digits=12, decimal_places=6)
    output = models.DecimalField("output / 1M", max_digits=12, decimal_places=6)
    cache_read = models.DecimalField(
        "cache read / 1M", max_digits=12, decimal_places=6, null=True, blank=True
    )
    cache_write = models.DecimalField(
        "cache write / 1M", max_digits=12, decimal_places=6, null=True, blank=True
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["provider", "model"]
        constraints = [models.UniqueConstraint(fields=["provider", "model"], name="one_price")]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class UsageRecord(models.Model):
    """One client request, written when it ends, whatever its end. Names are copied: history outlives what it is about.

    `input_tokens` is the whole prompt, cached or not; `output_tokens` includes reasoning.
    """

    class CostSource(models.TextChoices):
        REPORTED = "reported", "Reported by the provider"
        OVERRIDE = "override", "Own price"
        DATASET = "dataset", "Built-in price data"
        NONE = "", "No price known"

    id = models.BigAutoField(primary_key=True)
    request_id = models.CharField(max_length=40, default=uuid.uuid4, db_index=True)
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
    cost = models.DecimalField(max_digits=16, decimal_places=10, null=True)
    cost_source = models.CharField(max_length=10, choices=CostSource, default=CostSource.NONE, blank=True)
    client_address = models.CharField(max_length=45, default="", blank=True)
    user_agent = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "request"

    def __str__(self) -> str:
        return f"{self.status} {self.requested_model}"

    @property
    def has_tokens(self) -> bool:
        return self.input_tokens > 0 or self.output_tokens > 0


class DailyUsage(UsageSums):
    """Usage of one UTC day by every combination of what was asked, by whom and who served it."""

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
