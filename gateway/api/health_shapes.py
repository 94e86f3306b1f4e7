"""How the management API shows circuits, cooldowns and limiters (docs/resilience.md)."""

from __future__ import annotations

from gateway import health
from omniroute.schema import CamelModel
from providers.models import Account


class CircuitBreaker(CamelModel):
    name: str
    """The provider's id."""
    state: str
    """CLOSED, OPEN or HALF_OPEN."""
    failure_count: int
    last_failure_time: int | None
    """Milliseconds since the epoch."""
    retry_after_ms: int


class RateLimitStatus(CamelModel):
    """Of a protected account."""

    enabled: bool
    active: bool
    """Something runs or waits, or the account pauses."""
    queued: int
    running: int
    gap_ms: int
    """What the provider's own words ask for."""
    paused_ms: int


class ModelCooldown(CamelModel):
    provider: str
    connection_id: str | None
    model: str | None
    """null: all of the account's."""
    reason: str
    remaining_ms: int


def circuit_breakers(known: list[Account]) -> list[CircuitBreaker]:
    return [
        CircuitBreaker(
            name=each.provider,
            state=each.state.value,
            failure_count=each.failures,
            last_failure_time=milliseconds(each.last_failure),
            retry_after_ms=round(each.retry_after_s * 1000),
        )
        for each in health.circuits(known, {})
    ]


def rate_limit_status(known: list[Account]) -> dict[str, RateLimitStatus]:
    return {
        f"{each.account.provider}:{each.account.pk}": limiter_state(each) for each in health.limited(known)
    }


def limiter_state(each: health.Limited) -> RateLimitStatus:
    return RateLimitStatus(
        enabled=each.account.rate_limit_protection,
        active=bool(each.queued or each.running or each.paused_s),
        queued=each.queued,
        running=each.running,
        gap_ms=round(each.gap_s * 1000),
        paused_ms=round(each.paused_s * 1000),
    )


def model_cooldowns(known: list[Account]) -> list[ModelCooldown]:
    return [
        ModelCooldown(
            provider=each.provider,
            connection_id=str(each.account) if each.account else None,
            model=each.model or None,
            reason=each.reason,
            remaining_ms=round(each.remaining_s * 1000),
        )
        for each in health.held(known, {})
    ]


def milliseconds(moment: float | None) -> int | None:
    return None if moment is None else round(moment * 1000)
