"""The part of the snapshot that is about giving answers again."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from gateway.replay.models import CacheSettings


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    cache: bool = True
    any_temperature: bool = False
    ttl_s: float = 3600.0
    window_s: float = 5.0
    """How long an answer is given again to the same idempotency key; 0: never."""
    similar_model: str = ""
    """What embeds prompts; "": only exact repeats are answered."""
    threshold: float = 0.95
    """Cosine."""


DEFAULT = ReplayConfig()


def load() -> ReplayConfig:
    row = CacheSettings.load()
    return ReplayConfig(
        cache=row.cache_enabled,
        any_temperature=row.any_temperature,
        ttl_s=row.ttl_s or settings.SEMANTIC_CACHE_TTL_MS / 1000,
        window_s=row.idempotency_window_s,
        similar_model=row.similarity_model.strip(),
        threshold=row.similarity_threshold,
    )
