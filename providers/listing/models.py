"""Models that providers were seen to list, so that new ones can be used and shown without a release."""

from __future__ import annotations

from django.db import models


class ListedModel(models.Model):
    """One model of a provider's own list. What vanishes from the list stays, marked."""

    provider = models.CharField(max_length=60)
    model_id = models.CharField("model", max_length=250)
    name = models.CharField(max_length=250, blank=True, default="")
    kind = models.CharField(max_length=20, default="chat")
    context_window = models.PositiveIntegerField(null=True)
    max_output_tokens = models.PositiveIntegerField(null=True)
    first_seen = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ["provider", "model_id"]
        constraints = [models.UniqueConstraint(fields=["provider", "model_id"], name="one_listed_model")]
        verbose_name = "listed model"

    def __str__(self) -> str:
        return f"{self.provider}/{self.model_id}"


class ModelSync(models.Model):
    """When a provider's list was read last. Saved whenever its models may have changed."""

    provider = models.CharField(primary_key=True, max_length=60)
    synced_at = models.DateTimeField()
    total = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return self.provider
