"""Management API of the gateway's health."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest
from ninja import Router, Status

from omniroute import __version__
from omniroute.schema import CamelModel
from providers.config import load_specs
from providers.models import Account
from resilience.cooldown import cooldowns

router = Router(tags=["System"], by_alias=True)

_STARTED = time.monotonic()


class Health(CamelModel):
    status: str
    version: str


class System(CamelModel):
    version: str
    uptime: float
    """Seconds."""
    memory_usage: int
    """Resident bytes of this process."""
    pid: int
    platform: str
    python: str
    data_dir: str
    database: str


class ProviderHealth(CamelModel):
    name: str
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


class MonitoringHealth(CamelModel):
    status: str
    timestamp: datetime
    system: System
    provider_health: dict[str, ProviderHealth]
    lockouts: list[Lockout]
    """Accounts that this process leaves alone for a while, after failures."""
    setup_complete: bool
    """An administrator exists, and so does an account that is switched on."""


@router.get("/health", response={200: Health, 503: Health}, auth=None)
def get_health(request: HttpRequest) -> Status[Health]:
    """Public, for load balancers and containers."""
    healthy = _database_answers()
    return Status(200 if healthy else 503, Health(status="ok" if healthy else "error", version=__version__))


@router.get("/monitoring/health", response=MonitoringHealth)
def get_monitoring_health(request: HttpRequest) -> MonitoringHealth:
    providers = _provider_health()
    return MonitoringHealth(
        status="ok"
        if not any(row.active and row.failing == row.active for row in providers.values())
        else "degraded",
        timestamp=datetime.now(tz=UTC),
        system=System(
            version=__version__,
            uptime=round(time.monotonic() - _STARTED, 1),
            memory_usage=_resident_bytes(),
            pid=os.getpid(),
            platform=platform.platform(terse=True),
            python=platform.python_version(),
            data_dir=str(settings.DATA_DIR),
            database=connection.vendor,
        ),
        provider_health=providers,
        lockouts=_lockouts(),
        setup_complete=get_user_model().objects.filter(is_superuser=True).exists()
        and any(row.active for row in providers.values()),
    )


def _provider_health() -> dict[str, ProviderHealth]:
    names = {spec.id: spec.name for spec in load_specs().values()}
    health: dict[str, ProviderHealth] = {}
    bad = (Account.TestStatus.INVALID, Account.TestStatus.UNREACHABLE)
    for account in Account.objects.defer("api_key").order_by("provider", "priority"):
        row = health.setdefault(
            account.provider,
            ProviderHealth(
                name=names.get(account.provider, account.provider),
                accounts=0,
                active=0,
                failing=0,
                last_error=None,
            ),
        )
        row.accounts += 1
        row.active += account.is_active
        if account.is_active and account.test_status in bad:
            row.failing += 1
            row.last_error = row.last_error or account.last_error or None
    return health


def _lockouts() -> list[Lockout]:
    accounts = {row.pk: row for row in Account.objects.defer("api_key")}
    lockouts = []
    for key, cooldown in cooldowns.active().items():
        kind, id, model = (*key.split(":", 2), "")[:3]
        account = accounts.get(int(id)) if kind == "account" else None
        lockouts.append(
            Lockout(
                provider=account.provider if account else id,
                connection_id=str(account.pk) if account else None,
                name=account.name if account else "",
                model=model or None,
                reason=cooldown.reason,
                remaining_ms=max(0, round((cooldown.until - time.time()) * 1000)),
            )
        )
    return lockouts


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # no /proc: the peak is the next best
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
