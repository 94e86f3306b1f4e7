"""Management API of the response cache and of idempotency (docs/caching.md)."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from gateway.models import CacheSettings
from gateway.replay import config, repeats
from gateway.replay.entries import Selection
from gateway.replay.store import store
from omniroute.errors import InvalidRequest
from omniroute.schema import CamelModel, Count, Line, StrictModel

router = Router(tags=["Cache"], by_alias=True)


class SemanticCache(CamelModel):
    memory_size: int
    memory_max_size: int
    db_size: int
    """Answers that survive a restart."""
    hits: int
    """Since the start, like the misses and tokens."""
    misses: int
    hit_rate: float
    """Percent."""
    tokens_saved: int


class Idempotency(CamelModel):
    active_keys: int
    """Of this process: what it is asking, or asked within the window."""
    window_ms: int


class CacheOut(CamelModel):
    semantic_cache: SemanticCache
    idempotency: Idempotency


class AnswersForgotten(CamelModel):
    ok: bool = True
    invalidated: int
    cleared: int
    """The same number, by its older name."""
    scope: str


class Statistics(CamelModel):
    size: int
    max_size: int
    hits: int
    misses: int
    hit_rate: float
    tokens_saved: int


class Cleared(CamelModel):
    success: bool = True
    message: str


class CacheSettingsOut(CamelModel):
    enabled: bool
    any_temperature: bool
    ttl_seconds: float
    similarity_model: str
    similarity_threshold: float
    idempotency_window_seconds: float


class CacheSettingsChange(StrictModel):
    """Only the fields that are present change."""

    enabled: bool = True
    any_temperature: bool = False
    ttl_seconds: Annotated[int, Field(ge=1, le=30 * 86_400)] | None = None
    """null: as the environment says."""
    similarity_model: Line = ""
    similarity_threshold: Annotated[float, Field(ge=0.5, le=1)] = 0.95
    idempotency_window_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0


_COLUMNS = {
    "enabled": "cache_enabled",
    "ttl_seconds": "ttl_s",
    "idempotency_window_seconds": "idempotency_window_s",
}


@router.get("/cache", response=CacheOut)
def get_cache(request: HttpRequest) -> CacheOut:
    """What the response cache holds and has saved, and how many requests are watched for repeats."""
    return CacheOut(
        semantic_cache=semantic_cache(),
        idempotency=Idempotency(
            active_keys=len(repeats.table), window_ms=round(config.load().window_s * 1000)
        ),
    )


@router.delete("/cache", response=AnswersForgotten)
def clear_cache(
    request: HttpRequest, model: Line = "", signature: Line = "", staleMs: Count | None = None
) -> AnswersForgotten:
    """Forget all answers, or those of one `model`, one `signature`, or those older than `staleMs`."""
    given = {"model": bool(model), "signature": bool(signature), "stale": staleMs is not None}
    named = [name for name, present in given.items() if present]
    if len(named) > 1:
        raise InvalidRequest("Give one of model, signature and staleMs", param=named[1])
    older = None if staleMs is None else staleMs / 1000
    number = store().forget(Selection(model=model, signature=signature, older_than_s=older))
    return AnswersForgotten(invalidated=number, cleared=number, scope=named[0] if named else "all")


@router.get("/cache/stats", response=Statistics)
def get_statistics(request: HttpRequest) -> Statistics:
    """The response cache in figures: hits, misses, size."""
    found = semantic_cache()
    return Statistics(
        size=found.memory_size,
        max_size=found.memory_max_size,
        hits=found.hits,
        misses=found.misses,
        hit_rate=found.hit_rate,
        tokens_saved=found.tokens_saved,
    )


@router.delete("/cache/stats", response=Cleared)
def clear_all(request: HttpRequest) -> Cleared:
    """Forget every cached answer."""
    number = store().forget(Selection())
    return Cleared(message=f"{number} cached answers were forgotten")


@router.get("/settings/cache", response=CacheSettingsOut)
def get_cache_settings(request: HttpRequest) -> CacheSettingsOut:
    """How long answers are kept, for which requests, and for how long a repeated request gets the same answer."""
    found, row = config.load(), CacheSettings.load()
    return CacheSettingsOut(
        enabled=found.cache,
        any_temperature=found.any_temperature,
        ttl_seconds=found.ttl_s,
        similarity_model=row.similarity_model,
        similarity_threshold=found.threshold,
        idempotency_window_seconds=found.window_s,
    )


@router.put("/settings/cache", response=CacheSettingsOut)
def put_cache_settings(request: HttpRequest, body: CacheSettingsChange) -> CacheSettingsOut:
    """Only the fields that are present change."""
    row = CacheSettings.load()
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    for name, value in changes.items():
        setattr(row, _COLUMNS.get(name, name), value)
    row.full_clean()
    row.save()
    return get_cache_settings(request)


def semantic_cache() -> SemanticCache:
    answers, counts = store(), store().counts()
    memory, kept = answers.size()
    looked = counts.hits + counts.misses
    return SemanticCache(
        memory_size=memory,
        memory_max_size=answers.max_entries,
        db_size=kept,
        hits=counts.hits,
        misses=counts.misses,
        hit_rate=round(100 * counts.hits / looked, 1) if looked else 0.0,
        tokens_saved=counts.tokens_saved,
    )
