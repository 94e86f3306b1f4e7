"""Rows of quota windows, through which processes share them and in which they outlive a restart.

They change with every answer, so they are no configuration: saving them changes no snapshot.
"""

from __future__ import annotations

from django.db import models


class QuotaWindow(models.Model):
    """`providers.quota.Window`, of one account."""

    in_backups = "never"

    account = models.ForeignKey("providers.Account", on_delete=models.CASCADE, related_name="quota_windows")
    key = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    kind = models.CharField(max_length=12)
    used_percent = models.FloatField()
    used = models.FloatField(null=True, blank=True)
    limit = models.FloatField(null=True, blank=True)
    remaining = models.FloatField(null=True, blank=True)
    unlimited = models.BooleanField(default=False)
    resets_at = models.DateTimeField(null=True, blank=True)
    scope_models = models.JSONField(default=list, blank=True)
    paid_extra = models.BooleanField(default=False)
    source = models.CharField(max_length=10)
    fetched_at = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "providers"
        ordering = ["account", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="one_quota_window")]

    def __str__(self) -> str:
        return f"{self.label}: {self.used_percent:.0f} %"


class QuotaCheck(models.Model):
    """When an account's vendor was asked for its windows, and what came of it."""

    in_backups = "never"

    account = models.OneToOneField("providers.Account", on_delete=models.CASCADE, related_name="quota_check")
    asked_at = models.DateTimeField()
    ask_again_at = models.DateTimeField()
    """Not before."""
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        app_label = "providers"

    def __str__(self) -> str:
        return self.error or "ok"
