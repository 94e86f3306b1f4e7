"""Combos and aliases: names of the user's own for models of any provider."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

NAME_VALIDATOR = RegexValidator(r"^[a-zA-Z0-9_/.-]+$", "Letters, digits, and _ / . - only.")


class Combo(models.Model):
    """An ordered group of models under one name, which clients use as the model."""

    name = models.CharField(
        max_length=120, unique=True, validators=[NAME_VALIDATOR], help_text="What clients send as the model."
    )
    description = models.CharField(max_length=300, blank=True, default="")
    strategy = models.CharField(
        max_length=30, default="priority", help_text="How the first target is chosen."
    )
    is_active = models.BooleanField("active", default=True)
    max_retries = models.PositiveSmallIntegerField(
        default=0,
        help_text="Further tries of the same target after a passing failure, before the next target. "
        "0 moves on at once.",
    )
    retry_delay_ms = models.PositiveIntegerField("retry delay (ms)", default=2000)
    target_timeout_s = models.FloatField(
        "timeout per target (s)",
        null=True,
        blank=True,
        help_text="How long a target may take to its first event. Empty: the gateway's setting.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ComboTarget(models.Model):
    """One line of a combo: `provider/model`, or another combo's name."""

    combo = models.ForeignKey(Combo, on_delete=models.CASCADE, related_name="targets")
    position = models.PositiveIntegerField(default=0, db_index=True)
    model = models.CharField(max_length=250, help_text="provider/model, or the name of another combo.")
    weight = models.PositiveIntegerField(
        default=1, help_text="Share of the traffic, for the weighted strategy."
    )
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "target"

    def __str__(self) -> str:
        return self.model


class ModelAlias(models.Model):
    """Another name for a model or combo. `*` stands for any characters, `?` for one; an exact name wins."""

    pattern = models.CharField(
        max_length=200, unique=True, help_text="A name, or a pattern such as claude-sonnet-*."
    )
    target = models.CharField(max_length=250, help_text="provider/model, or a combo's name.")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pattern"]
        verbose_name = "model alias"
        verbose_name_plural = "model aliases"

    def __str__(self) -> str:
        return f"{self.pattern} → {self.target}"
