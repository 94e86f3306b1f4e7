"""Management API of what is limited and locked: accounts' rate limits, identifiers that failed too often
(docs/resilience.md)."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import StrictBool

from gateway import health
from gateway.api.health_shapes import (
    CircuitBreaker,
    ModelCooldown,
    RateLimitStatus,
    circuit_breakers,
    limiter_state,
    model_cooldowns,
    rate_limit_status,
)
from gateway.records import processes
from omniroute.errors import NotFound
from omniroute.schema import CamelModel, Line, StrictModel, row_id
from providers.models import Account
from resilience.lockout import lockouts

router = Router(tags=["Resilience"], by_alias=True)


class LockedIdentifier(CamelModel):
    identifier: str
    """`login:<address>` or `key:<address>`."""
    locked: bool = True
    remaining_ms: int
    attempts: int


class Policies(CamelModel):
    circuit_breakers: list[CircuitBreaker]
    locked_identifiers: list[LockedIdentifier]


class PolicyAction(StrictModel):
    action: Literal["unlock"]
    identifier: Line


class Unlocked(CamelModel):
    success: bool = True
    action: str = "unlocked"
    identifier: str


class LimitedConnection(RateLimitStatus):
    connection_id: str
    provider: str
    name: str
    rate_limit_protection: bool


class SignatureCache(CamelModel):
    """Of thought signatures, which clients drop and Gemini wants back."""

    active_keys: int
    hits: int
    misses: int
    hit_rate: float
    """0 to 1."""


class RateLimits(CamelModel):
    connections: list[LimitedConnection]
    overview: dict[str, RateLimitStatus]
    """Of the protected accounts, by `provider:connectionId`."""
    lockouts: list[ModelCooldown]
    cache_stats: SignatureCache


class ProtectionChange(StrictModel):
    connection_id: Line
    enabled: StrictBool


class ProtectionChanged(CamelModel):
    success: bool = True
    connection_id: str
    enabled: bool


@router.get("/policies", response=Policies)
def get_policies(request: HttpRequest) -> Policies:
    """Circuit breakers, and identifiers that are locked because they failed too often."""
    return Policies(
        circuit_breakers=circuit_breakers(health.accounts()), locked_identifiers=locked_identifiers()
    )


@router.post("/policies", response=Unlocked)
def act_on_policy(request: HttpRequest, body: PolicyAction) -> Unlocked:
    """Unlock an identifier that failed too often."""
    lockouts.forgive(body.identifier)
    return Unlocked(identifier=body.identifier)


@router.get("/rate-limits", response=RateLimits)
@router.get("/rate-limit", response=RateLimits, include_in_schema=False)
def get_rate_limits(request: HttpRequest) -> RateLimits:
    """Accounts with rate limit protection and what runs or waits there; lockouts; the cache of signatures."""
    known = health.accounts()
    states = {each.account.pk: each for each in health.limited(known)}
    return RateLimits(
        connections=[
            LimitedConnection(
                connection_id=str(account.pk),
                provider=account.provider,
                name=account.name,
                rate_limit_protection=account.rate_limit_protection,
                **limiter_state(states.get(account.pk) or health.Limited(account)).model_dump(),
            )
            for account in known
        ],
        overview=rate_limit_status(known),
        lockouts=model_cooldowns(known),
        cache_stats=signature_cache(),
    )


@router.post("/rate-limits", response=ProtectionChanged)
@router.post("/rate-limit", response=ProtectionChanged, include_in_schema=False)
def set_protection(request: HttpRequest, body: ProtectionChange) -> ProtectionChanged:
    """Protect an account from its provider's limits, or stop doing so."""
    account = Account.objects.filter(pk=row_id(body.connection_id)).first()
    if account is None:
        raise NotFound("There is no such connection", param="connectionId")
    account.rate_limit_protection = body.enabled
    account.save(update_fields=["rate_limit_protection", "updated_at"])
    return ProtectionChanged(connection_id=str(account.pk), enabled=body.enabled)


def locked_identifiers() -> list[LockedIdentifier]:
    return [
        LockedIdentifier(
            identifier=each.identifier, remaining_ms=round(each.remaining_ms), attempts=each.attempts
        )
        for each in health.locked()
    ]


def signature_cache() -> SignatureCache:
    stats = processes.signature_stats()
    return SignatureCache(
        active_keys=stats.active, hits=stats.hits, misses=stats.misses, hit_rate=round(stats.hit_rate, 4)
    )
