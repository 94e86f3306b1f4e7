"""The gateway's own settings, and the version that tells processes that the configuration changed."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator
from django.db import models

from gateway.backups.models import BackupSettings as BackupSettings
from gateway.policies.thinking import DEFAULT_BUDGET, MAX_BUDGET
from gateway.replay.models import CachedAnswer as CachedAnswer
from gateway.replay.models import CacheSettings as CacheSettings
from gateway.sync.models import SyncLease as SyncLease
from gateway.sync.models import SyncObject as SyncObject
from gateway.sync.models import SyncRun as SyncRun
from gateway.sync.models import SyncSettings as SyncSettings
from gateway.sync.models import SyncSpace as SyncSpace
from gateway.translator.models import TranslatorSample as TranslatorSample
from omniroute.singleton import Singleton

MAX_SYSTEM_PROMPT = 100_000
"""Characters."""


class ConfigVersion(models.Model):
    """One row. Every saved change of configuration raises `version`; each process compares it with its snapshot's."""

    in_backups = "never"

    version = models.BigIntegerField(default=0)
    epoch = models.BigIntegerField(default=0, help_text="How often a backup replaced everything.")

    def __str__(self) -> str:
        return str(self.version)


class GatewaySettings(Singleton):
    """One row of settings that take effect on the next request."""

    require_key_for_models = models.BooleanField(
        "API key for the model list",
        default=False,
        help_text="Ask for a key on GET /v1/models even where requests do not need one.",
    )
    system_prompt_enabled = models.BooleanField(
        "add a system prompt",
        default=False,
        help_text="Append the text below to the instructions of every request.",
    )
    system_prompt = models.TextField(
        blank=True,
        default="",
        validators=[MaxLengthValidator(MAX_SYSTEM_PROMPT)],
        help_text="Follows the client's own instructions. Counting tokens leaves it out.",
    )
    thinking_mode = models.CharField(
        max_length=20,
        default="passthrough",
        choices=[
            ("passthrough", "Passthrough: what the client asks for"),
            ("auto", "Auto: the model's own default, whatever the client asks for"),
            ("custom", "Custom: one budget for every request"),
            ("adaptive", "Adaptive: by effort and by the size of the request"),
        ],
        help_text="How much models think before they answer. More thinking costs more.",
    )
    thinking_budget = models.PositiveIntegerField(
        "custom budget (tokens)",
        default=DEFAULT_BUDGET,
        validators=[MaxValueValidator(MAX_BUDGET)],
        help_text=f"For the custom mode: 0 (no thinking) to {MAX_BUDGET}; each model's own limits apply.",
    )
    thinking_effort = models.CharField(
        "adaptive effort",
        max_length=10,
        default="medium",
        choices=[("none", "None"), ("low", "Low"), ("medium", "Medium"), ("high", "High")],
        help_text="For the adaptive mode: where it starts; long conversations, many tools and long turns add to it.",
    )
    fetch_private_addresses = models.BooleanField(
        "images from private addresses",
        default=False,
        help_text="Providers that read no web addresses get images as data, which the gateway fetches for them. "
        "Allow that from private networks and this machine too.",
    )
    connect_timeout_s = models.FloatField("connect timeout (s)", default=10)
    first_event_timeout_s = models.FloatField(
        "first event timeout (s)",
        default=120,
        help_text="How long a provider may think before its first event; then the next target is tried.",
    )
    idle_timeout_s = models.FloatField(
        "idle timeout (s)", default=300, help_text="How long a stream may pause before it counts as broken."
    )
    response_timeout_s = models.FloatField(
        "whole answer timeout (s)",
        default=600,
        help_text="How long an answer that is not streamed may take.",
    )
    keepalive_s = models.FloatField(
        "keep-alive (s)", default=15, help_text="How often a waiting client of a stream gets a sign of life."
    )

    class Meta:
        verbose_name = "settings"
        verbose_name_plural = "settings"

    def clean(self) -> None:
        for name in (
            "connect_timeout_s",
            "first_event_timeout_s",
            "idle_timeout_s",
            "response_timeout_s",
            "keepalive_s",
        ):
            if getattr(self, name) <= 0:
                raise ValidationError({name: "Must be greater than 0."})


class AccessSettings(GatewaySettings):
    """Who and what may come and go: a part of the gateway's settings, on a page of its own, like the next two."""

    class Meta:
        proxy = True
        verbose_name = "access"
        verbose_name_plural = "access"


class AISettings(GatewaySettings):
    class Meta:
        proxy = True
        verbose_name = "prompt and thinking"
        verbose_name_plural = "prompt and thinking"


class TimeLimits(GatewaySettings):
    class Meta:
        proxy = True
        verbose_name = "time limits"
        verbose_name_plural = "time limits"


class ThoughtSignature(models.Model):
    """What Gemini wants back with a tool call that it made (`gateway.preparation.signatures`)."""

    in_backups = "never"

    key = models.CharField(primary_key=True, max_length=128)
    """Letters and digits of the call's id."""
    signature = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
