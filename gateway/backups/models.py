"""Settings of the backups."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from omniroute.singleton import Singleton


class BackupSettings(Singleton):
    backup_daily = models.BooleanField(
        "back up every day", default=True, help_text="Unless nothing has changed since the last backup."
    )
    backup_history = models.BooleanField(
        "with the history",
        default=True,
        help_text="Requests, their logs and the daily figures, too. Off: the configuration alone, which is small.",
    )
    keep_backups = models.PositiveIntegerField(
        "keep at most",
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Of more backups the oldest are deleted.",
    )
    keep_backups_days = models.PositiveIntegerField(
        "keep for (days)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text="Older ones are deleted, but never the last one. Empty: for ever.",
    )

    class Meta:
        app_label = "gateway"
        verbose_name = verbose_name_plural = "backup settings"
