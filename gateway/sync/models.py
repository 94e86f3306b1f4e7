"""Rows of the sync: how this device does it, what it remembers, and what it keeps for others."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from omniroute.crypto import EncryptedTextField
from omniroute.singleton import Singleton

SPACE_VALIDATOR = RegexValidator(r"^[a-z0-9][a-z0-9-]{0,59}$", "Small letters, digits and dashes.")


class SyncSettings(Singleton):
    """One row: where to, as whom, and how the last sync went. What changes by itself is written by `update`."""

    in_backups = "never"

    is_enabled = models.BooleanField("enabled", default=False)
    url = models.CharField("address", max_length=500, blank=True, default="")
    """CLOUD_URL of the environment wins (`gateway.sync.flow.address`)."""
    api_key = EncryptedTextField("API key", blank=True, default="")
    passphrase = EncryptedTextField(blank=True, default="")
    space = models.CharField(max_length=60, default="main", validators=[SPACE_VALIDATOR])
    device = models.CharField(max_length=32, blank=True, default="")
    """Random: it says nothing about the machine."""
    device_name = models.CharField(max_length=100, blank=True, default="")
    groups = models.JSONField(default=list, blank=True)
    """What is shared (`gateway.sync.groups`)."""
    interval_minutes = models.PositiveIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )

    version = models.BigIntegerField(default=0)
    """The newest version of the copy that was seen: an older one is refused."""
    digest = models.CharField(max_length=64, blank=True, default="")
    is_pending = models.BooleanField(default=False)
    """What is here was merged, but not sent yet."""
    kdf = models.JSONField(default=dict, blank=True)
    """How the copy's key is made of the passphrase."""
    offset_ms = models.BigIntegerField(default=0)
    """The peer's clock less this machine's."""
    devices = models.JSONField(default=dict, blank=True)
    """Id to name and time, as the copy says."""
    tried_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    """A sync soon after a change is on its way."""
    lease = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "gateway"
        verbose_name = verbose_name_plural = "cloud sync"


class SyncObject(models.Model):
    """`gateway.sync.merging.Shadow` of one object."""

    in_backups = "never"

    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=600)
    at = models.BigIntegerField(default=0)
    device = models.CharField(max_length=32, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    edited_at = models.BigIntegerField(default=0)

    class Meta:
        app_label = "gateway"
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_sync_object")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


class SyncRun(models.Model):
    """One sync that did something, or failed."""

    in_backups = "never"

    class Cause(models.TextChoices):
        SCHEDULE = "schedule", "Time"
        CHANGE = "change", "A change"
        NOW = "now", "Asked for"
        ENABLE = "enable", "Enabled"
        TOKEN = "token", "A new token"

    started_at = models.DateTimeField(default=timezone.now, db_index=True)
    cause = models.CharField(max_length=20, choices=Cause, default=Cause.NOW)
    took_ms = models.PositiveIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, default="")
    sent = models.JSONField(default=list)
    """Names of what went out."""
    taken = models.JSONField(default=list)
    """Names of what came in."""
    refused = models.JSONField(default=list)
    """What came in and does not fit here, each with the reason."""

    class Meta:
        app_label = "gateway"
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.cause}"


class SyncSpace(models.Model):
    """What this gateway keeps for devices of one API key: sealed, so that nobody here can read it."""

    owner = models.ForeignKey(
        "billing.ApiKey",
        on_delete=models.CASCADE,
        verbose_name="API key",
        related_name="+",
        help_text="Whose devices use it. Another key takes it over.",
    )
    name = models.CharField(max_length=60, validators=[SPACE_VALIDATOR])
    version = models.BigIntegerField(default=1, editable=False)
    envelope = models.TextField(editable=False)
    device = models.CharField("last device", max_length=32, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField("last change", default=timezone.now, editable=False)

    class Meta:
        app_label = "gateway"
        ordering = ["-updated_at"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_sync_space")]
        verbose_name = "sync space"

    def __str__(self) -> str:
        return self.name


class SyncLease(models.Model):
    """Who of a space's devices does something that only one may do. The name means nothing to this gateway."""

    in_backups = "never"

    space = models.ForeignKey(SyncSpace, on_delete=models.CASCADE, related_name="leases")
    name = models.CharField(max_length=64)
    device = models.CharField(max_length=32)
    until = models.DateTimeField()

    class Meta:
        app_label = "gateway"
        constraints = [models.UniqueConstraint(fields=["space", "name"], name="one_sync_lease")]

    def __str__(self) -> str:
        return self.name
