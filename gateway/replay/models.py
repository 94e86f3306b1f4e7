"""Settings of the cache and of idempotency, and what the cache keeps across restarts."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from omniroute.singleton import Singleton


class CacheSettings(Singleton):
    cache_enabled = models.BooleanField(
        "response cache",
        default=True,
        help_text="Answer a repeated request with the answer that it had, if it is not streamed and has temperature 0.",
    )
    any_temperature = models.BooleanField(
        "at any temperature",
        default=False,
        help_text="Also where the client asked for variety, or said nothing about it.",
    )
    ttl_s = models.PositiveIntegerField(
        "lifetime (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(30 * 86_400)],
        help_text="How long an answer is kept. Empty: SEMANTIC_CACHE_TTL_MS of the environment, one hour by default.",
    )
    similarity_model = models.CharField(
        "embedding model",
        max_length=250,
        blank=True,
        default="",
        help_text="Keys that allow it also get the answer to a prompt that means the same. This model of the gateway "
        "says what does, e.g. openai/text-embedding-3-small. Empty: exact repeats only.",
    )
    similarity_threshold = models.FloatField(
        "similarity",
        default=0.95,
        validators=[MinValueValidator(0.5), MaxValueValidator(1.0)],
        help_text="Cosine from which on two prompts mean the same: 1 is equal; below 0.9 wrong answers are likely.",
    )
    idempotency_window_s = models.FloatField(
        "idempotency window (s)",
        default=5.0,
        validators=[MinValueValidator(0), MaxValueValidator(3600)],
        help_text="How long a request with the same Idempotency-Key gets the same answer. 0: never.",
    )

    class Meta:
        verbose_name = "cache settings"
        verbose_name_plural = "cache settings"


class CachedAnswer(models.Model):
    """Where one process serves, its cache survives a restart here. Several share theirs in Redis."""

    in_backups = "never"

    signature = models.CharField(max_length=64, unique=True)
    prompt_hash = models.CharField(max_length=64, blank=True, default="")
    """Of everything but the last prompt, for prompts that are similar."""
    model = models.CharField(max_length=250)
    response = models.BinaryField()
    """A `gateway.replay.store.Entry` as MessagePack."""
    tokens_saved = models.PositiveIntegerField(default=0)
    """By each hit."""
    hit_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.model} {self.signature[:8]}"
