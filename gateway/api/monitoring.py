"""Management API of the gateway's health: the system, its providers, how long requests take."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Annotated

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest
from ninja import Query, Router

from gateway import health, snapshot
from gateway.api.health_shapes import RateLimitStatus, milliseconds, rate_limit_status
from gateway.api.limits import SignatureCache, signature_cache
from gateway.records import processes
from gateway.records.telemetry import Spread
from omniroute import __version__
from omniroute.schema import CamelModel
from providers.models import Account
from resilience.breaker import State

router = Router(tags=["System"], by_alias=True)

LATENCY_WINDOW_S = 900.0
_FAILING = (Account.TestStatus.INVALID, Account.TestStatus.UNREACHABLE)


class Process(CamelModel):
    """A web process. `uptime` in seconds, `memory_usage` in resident bytes."""

    pid: int
    host: str
    uptime: float
    memory_usage: int
    tasks: int
    """What runs on its event loop, requests and background work."""
    open_files: int
    """Connections among them."""


class System(CamelModel):
    """Uptime, memory, process id and configuration are those of the process that answers."""

    version: str
    uptime: float
    """Seconds."""
    memory_usage: int
    """Resident bytes of this process."""
    pid: int
    configuration: int
    """Counts the changes that it knows of. A second after a change, all processes know of it."""
    processes: list[Process]
    """The one that answers first."""
    platform: str
    python: str
    data_dir: str
    database: str


class ProviderHealth(CamelModel):
    name: str
    state: str
    """Of its circuit: CLOSED, OPEN or HALF_OPEN."""
    failures: int
    """In a row."""
    last_failure: int | None
    """Milliseconds since the epoch."""
    accounts: int
    active: int
    failing: int
    """Active accounts whose last test failed."""
    last_error: str | None


class Lockout(CamelModel):
    provider: str
    connection_id: str | None
    name: str
    model: str | None
    """null: all of the account's."""
    reason: str
    remaining_ms: int


class Times(CamelModel):
    """Milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float


class PhaseTimes(CamelModel):
    count: int
    p50: float
    p95: float
    avg: float


class MonitoringHealth(CamelModel):
    status: str
    timestamp: datetime
    system: System
    provider_health: dict[str, ProviderHealth]
    rate_limit_status: dict[str, RateLimitStatus]
    lockouts: list[Lockout]
    """Accounts that are left alone for a while, after failures."""
    latency: dict[str, Times]
    """By provider, of the last quarter of an hour."""
    signature_cache: SignatureCache
    setup_complete: bool
    """An administrator exists, and so does an account that is switched on."""


class TelemetrySummary(Times):
    """Of the last thousand requests at most, over all processes."""

    phase_breakdown: dict[str, PhaseTimes]
    providers: dict[str, Times]


@router.get("/monitoring/health", response=MonitoringHealth)
def get_monitoring_health(request: HttpRequest) -> MonitoringHealth:
    """Version, memory and database; circuits, limits, lockouts and latency of the providers."""
    known = health.accounts()
    names = health.provider_names()
    providers = _provider_health(known, names)
    return MonitoringHealth(
        status="degraded" if any(map(_is_down, providers.values())) else "ok",
        timestamp=datetime.now(tz=UTC),
        system=system(),
        provider_health=providers,
        rate_limit_status=rate_limit_status(known),
        lockouts=[
            Lockout(
                provider=each.provider,
                connection_id=str(each.account) if each.account else None,
                name=each.name,
                model=each.model or None,
                reason=each.reason,
                remaining_ms=round(each.remaining_ms),
            )
            for each in health.held(known, names)
        ],
        latency={
            provider: _times(each) for provider, each in processes.summary(LATENCY_WINDOW_S).providers.items()
        },
        signature_cache=signature_cache(),
        setup_complete=get_user_model().objects.filter(is_superuser=True).exists()
        and any(row.active for row in providers.values()),
    )


@router.get("/telemetry/summary", response=TelemetrySummary)
def get_telemetry(
    request: HttpRequest, window_ms: Annotated[int, Query(alias="windowMs", ge=1, le=86_400_000)] = 300_000
) -> TelemetrySummary:
    """How long the requests of the last `windowMs` took: percentiles, by phase and by provider."""
    summary = processes.summary(window_ms / 1000)
    return TelemetrySummary(
        **_times(summary.overall).model_dump(),
        phase_breakdown={
            phase: PhaseTimes(count=each.count, p50=each.p50, p95=each.p95, avg=each.avg)
            for phase, each in summary.phases.items()
        },
        providers={provider: _times(each) for provider, each in summary.providers.items()},
    )


def system() -> System:
    found = processes.reports()
    answering = found[0]
    return System(
        version=__version__,
        uptime=round(answering.uptime, 1),
        memory_usage=answering.memory,
        pid=answering.pid,
        configuration=snapshot.version(),
        processes=[
            Process(
                pid=each.pid,
                host=each.host,
                uptime=round(each.uptime, 1),
                memory_usage=each.memory,
                tasks=each.tasks,
                open_files=each.open_files,
            )
            for each in found
        ],
        platform=platform.platform(terse=True),
        python=platform.python_version(),
        data_dir=str(settings.DATA_DIR),
        database=connection.vendor,
    )


def _times(spread: Spread) -> Times:
    return Times(count=spread.count, p50=spread.p50, p95=spread.p95, p99=spread.p99)


def _is_down(provider: ProviderHealth) -> bool:
    failed = provider.active and provider.failing == provider.active
    return bool(failed) or provider.state == State.OPEN.value


def _provider_health(known: list[Account], names: dict[str, str]) -> dict[str, ProviderHealth]:
    found = {
        each.provider: ProviderHealth(
            name=each.name,
            state=each.state.value,
            failures=each.failures,
            last_failure=milliseconds(each.last_failure),
            accounts=0,
            active=0,
            failing=0,
            last_error=None,
        )
        for each in health.circuits(known, names)
    }
    for account in known:
        row = found[account.provider]
        row.accounts += 1
        row.active += account.is_active
        if account.is_active and account.test_status in _FAILING:
            row.failing += 1
            row.last_error = row.last_error or account.last_error or None
    return found
