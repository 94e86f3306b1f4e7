"""Management API of profiles, default limits and cooldowns, in OmniRoute's shapes (docs/resilience.md)."""

from __future__ import annotations

import time
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from gateway import health
from gateway.api.health_shapes import (
    CircuitBreaker,
    ModelCooldown,
    RateLimitStatus,
    circuit_breakers,
    model_cooldowns,
    rate_limit_status,
)
from omniroute.errors import InvalidRequest
from omniroute.schema import CamelModel, Line, StrictModel, row_id
from providers.config import load_specs
from providers.cooling import account_key
from providers.models import Account
from providers.patience import profile_kind
from resilience.cooldown import cooldowns
from resilience.models import KINDS, ProviderProfile, RateLimitSettings
from resilience.profiles import PROFILES
from resilience.reset import reset_all

router = Router(tags=["Resilience"], by_alias=True)

Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]


class ProfileOut(CamelModel):
    """Times in milliseconds."""

    transient_cooldown: int
    rate_limit_cooldown: int
    max_backoff_level: int
    circuit_breaker_threshold: int
    circuit_breaker_reset: int
    throttle_below_percent: int


class ProfileChange(StrictModel):
    transient_cooldown: Milliseconds | None = None
    rate_limit_cooldown: Milliseconds | None = None
    max_backoff_level: Annotated[int, Field(ge=0, le=15)] | None = None
    circuit_breaker_threshold: Annotated[int, Field(ge=1, le=1000)] | None = None
    circuit_breaker_reset: Annotated[int, Field(ge=100, le=86_400_000)] | None = None
    throttle_below_percent: Annotated[int, Field(ge=0, le=50)] | None = None


class Defaults(CamelModel):
    requests_per_minute: int
    min_time_between_requests: int
    """Milliseconds."""
    concurrent_requests: int
    queue_size: int
    queue_timeout: int
    """Milliseconds."""


class DefaultsChange(StrictModel):
    requests_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    min_time_between_requests: Annotated[int, Field(ge=0, le=3_600_000)] | None = None
    concurrent_requests: Annotated[int, Field(ge=0, le=100_000)] | None = None
    queue_size: Annotated[int, Field(ge=0, le=100_000)] | None = None
    queue_timeout: Annotated[int, Field(ge=0, le=600_000)] | None = None


class Resilience(CamelModel):
    profiles: dict[str, ProfileOut]
    circuit_breakers: list[CircuitBreaker]
    rate_limit_status: dict[str, RateLimitStatus]
    """By `provider:connectionId`."""
    defaults: Defaults


class ResilienceChange(StrictModel):
    profiles: dict[Line, ProfileChange] | None = None
    defaults: DefaultsChange | None = None


class ResilienceChanged(CamelModel):
    ok: bool = True
    profiles: dict[str, ProfileOut] | None = None
    defaults: Defaults | None = None


class ResetDone(CamelModel):
    ok: bool
    reset_count: int
    message: str


class ModelCooldowns(CamelModel):
    cooldowns: list[ModelCooldown]


class CooldownsCleared(CamelModel):
    ok: bool = True
    cleared: int


class CooldownOut(CamelModel):
    key: str
    """`account:<id>`, or `account:<id>:<model>` where only one model is put aside."""
    reason: str
    remaining_ms: int


class CooldownList(CamelModel):
    cooldowns: list[CooldownOut]


_COLUMNS: dict[str, tuple[str, float]] = {
    "transient_cooldown": ("transient_cooldown_s", 0.001),
    "rate_limit_cooldown": ("rate_limit_cooldown_s", 0.001),
    "max_backoff_level": ("max_backoff_level", 1),
    "circuit_breaker_threshold": ("breaker_failures", 1),
    "circuit_breaker_reset": ("breaker_reset_s", 0.001),
    "throttle_below_percent": ("throttle_below_percent", 1),
    "requests_per_minute": ("requests_per_minute", 1),
    "min_time_between_requests": ("min_gap_ms", 1),
    "concurrent_requests": ("max_concurrent", 1),
    "queue_size": ("queue_size", 1),
    "queue_timeout": ("queue_timeout_s", 0.001),
}
"""API field: column, and what to multiply with."""


@router.get("/resilience", response=Resilience)
def get_resilience(request: HttpRequest) -> Resilience:
    """Profiles, circuit breakers and default limits, as they are now."""
    known = health.accounts()
    return Resilience(
        profiles=_profiles(),
        circuit_breakers=circuit_breakers(known),
        rate_limit_status=rate_limit_status(known),
        defaults=_defaults(),
    )


@router.patch("/resilience", response=ResilienceChanged)
def patch_resilience(request: HttpRequest, body: ResilienceChange) -> ResilienceChanged:
    """Only what is present changes. Profiles are `oauth`, `apikey`, `local`, or a provider's id."""
    with transaction.atomic():
        for name, change in (body.profiles or {}).items():
            _change_profile(name, change)
        if body.defaults is not None:
            _save(RateLimitSettings.load(), body.defaults)
    return ResilienceChanged(
        profiles=_profiles() if body.profiles is not None else None,
        defaults=_defaults() if body.defaults is not None else None,
    )


@router.post("/resilience/reset", response=ResetDone)
def reset_everything(request: HttpRequest) -> ResetDone:
    """All circuits are closed, all cooldowns cleared."""
    count = reset_all()
    return ResetDone(ok=True, reset_count=count, message=f"{count} circuit breakers and cooldowns were reset")


@router.get("/resilience/cooldowns", response=CooldownList)
def list_cooldowns(request: HttpRequest) -> CooldownList:
    """The longest first."""
    now = time.time()
    active = sorted(cooldowns.active().items(), key=lambda item: item[1].until, reverse=True)
    shown = [
        CooldownOut(key=key, reason=each.reason, remaining_ms=round((each.until - now) * 1000))
        for key, each in active
    ]
    return CooldownList(cooldowns=shown)


@router.get("/resilience/model-cooldowns", response=ModelCooldowns)
def list_model_cooldowns(request: HttpRequest) -> ModelCooldowns:
    """Models that are left out at an account for a while."""
    return ModelCooldowns(cooldowns=model_cooldowns(health.accounts()))


@router.delete("/resilience/model-cooldowns", response=CooldownsCleared)
def clear_model_cooldowns(
    request: HttpRequest,
    provider: str = "",
    connection_id: Annotated[str, Query(alias="connectionId")] = "",
    model: str = "",
) -> CooldownsCleared:
    """Those that fit all of what is given; all of them where nothing is."""
    rows = Account.objects.filter(provider=provider) if provider else Account.objects.all()
    keys = {account_key(pk) for pk in rows.values_list("pk", flat=True)}
    if connection_id:
        keys &= {account_key(row_id(connection_id))}
    cleared = 0
    for key in cooldowns.active():
        account, _, of_model = key.partition(":")[2].partition(":")
        fits = f"account:{account}" in keys or not (provider or connection_id)
        if fits and (not model or of_model == model):
            cleared += cooldowns.reset(key)
    return CooldownsCleared(cleared=cleared)


def _profiles() -> dict[str, ProfileOut]:
    names = [*PROFILES, *ProviderProfile.objects.exclude(name__in=PROFILES).values_list("name", flat=True)]
    return {name: _profile(ProviderProfile.of(name)) for name in names}


def _profile(row: ProviderProfile) -> ProfileOut:
    return ProfileOut(
        transient_cooldown=round(row.transient_cooldown_s * 1000),
        rate_limit_cooldown=round(row.rate_limit_cooldown_s * 1000),
        max_backoff_level=row.max_backoff_level,
        circuit_breaker_threshold=row.breaker_failures,
        circuit_breaker_reset=round(row.breaker_reset_s * 1000),
        throttle_below_percent=row.throttle_below_percent,
    )


def _change_profile(name: str, change: ProfileChange) -> None:
    spec = None if name in KINDS else load_specs().get(name)
    if spec is None and name not in KINDS:
        raise InvalidRequest(f"There is no profile or provider {name!r}", param="profiles")
    _save(ProviderProfile.of(name, profile_kind(spec)) if spec else ProviderProfile.of(name), change)


def _defaults() -> Defaults:
    row = RateLimitSettings.load()
    return Defaults(
        requests_per_minute=row.requests_per_minute,
        min_time_between_requests=row.min_gap_ms,
        concurrent_requests=row.max_concurrent,
        queue_size=row.queue_size,
        queue_timeout=round(row.queue_timeout_s * 1000),
    )


def _save(row: ProviderProfile | RateLimitSettings, change: BaseModel) -> None:
    for field, value in change.model_dump(exclude_none=True).items():
        column, factor = _COLUMNS[field]
        setattr(row, column, value if factor == 1 else value * factor)
    row.full_clean()
    row.save()
