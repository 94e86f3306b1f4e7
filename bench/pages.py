"""How long usage pages and APIs take over the history that is there.

    python -m bench.pages        # with the environment's database, after python -m bench.fill --rows 10000000

In one process, without a network: the time of the page itself. The first time reads what is not in memory yet. CPU is
this process's own and, where PostgreSQL runs on this machine, its session's, whatever else the machine is doing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from statistics import median

import django

GOAL_MS = 300
REQUESTS = "/admin/billing/usagerecord/"
RANGES = ("24h", "7d", "30d", "90d", "ytd", "all")
PATHS = [
    "/admin/",
    *(f"/admin/gateway/usage/?range={range_}" for range_ in RANGES),
    *(f"/admin/gateway/usage/?range=all&by={by}" for by in ("provider", "account", "key", "combo", "all")),
    REQUESTS,
    f"{REQUESTS}?result=error",
    f"{REQUESTS}?result=429",
    f"{REQUESTS}?result=fallback",
    f"{REQUESTS}?provider=xai",
    f"{REQUESTS}?provider=mistral&model=codestral-latest&result=error",
    f"{REQUESTS}?key=1&combo=cheap-bulk&account=2",
    f"{REQUESTS}?key=99",
    f"{REQUESTS}?cost=unpriced",
    f"{REQUESTS}?period=month&result=4xx",
    f"{REQUESTS}?q=nothing-says-this",
    f"{REQUESTS}?q=req_000000000000",
    "{older}",
    "{request}",
    "/admin/billing/dailyusage/",
    "/admin/billing/dailyusage/?provider=xai",
    "/admin/billing/dailyusage/?key=99",
    "{far}",
    *(f"/api/usage/analytics?range={range_}" for range_ in RANGES),
    "/api/usage/history",
    "/api/usage/history?range=30d",
    "/api/usage/logs",
    "/api/usage/request-logs",
    "/api/usage/call-logs",
    "/api/usage/call-logs?limit=1000",
    "/api/usage/call-logs?status=error",
    "/api/usage/call-logs?status=418",
    "/api/usage/call-logs?apiKey=Docs&model=grok&status=503",
    "/api/usage/call-logs?search=nothing-says-this",
    "/api/usage/call-logs/{id}",
    "/api/usage/proxy-logs",
    "/api/combos/metrics",
    "/api/usage/budget",
]


def paths() -> list[str]:
    """With what is in the database filled in."""
    from billing.models import DailyUsage, UsageRecord
    from billing.usage.daily_finding import DayCursor
    from billing.usage.finding import Cursor

    row = UsageRecord.objects.order_by("created_at")[50_000:].first() or UsageRecord.objects.latest("id")
    older = f"{REQUESTS}?before={Cursor(row.created_at, row.pk)}"
    day = DailyUsage.objects.filter(unpriced__gt=0).order_by("-day", "-requests", "-id")[2000:].first()
    far = f"/admin/billing/dailyusage/?cost=unpriced&before={DayCursor(day.day, day.requests, day.pk) if day else ''}"
    values = {
        "{far}": far,
        "{older}": older,
        "{request}": f"{REQUESTS}{row.request_id}/change/",
        "{id}": row.request_id,
    }
    found = []
    for path in PATHS:
        for name, value in values.items():
            path = path.replace(name, value)
        found.append(path)
    return found


def _cpu_s() -> float:
    """Of this process and of its database session, to a hundredth."""
    from django.db import connection

    own = time.process_time()
    connection.ensure_connection()
    if connection.vendor != "postgresql":
        return own
    try:
        fields = (
            Path(f"/proc/{connection.connection.info.backend_pid}/stat")
            .read_text()
            .rpartition(")")[2]
            .split()
        )
    except OSError:
        return own
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(times: int) -> int:
    """Print a table. Return how many paths take longer than they should."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(
        User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("bench")
    )
    client.get("/admin/login/")
    slow = 0
    print(f"{'first':>8} {'then':>8} {'CPU':>8}   status  path   (ms)")
    for path in paths():
        taken, cpu = [], []
        for _ in range(times):
            started, used = time.perf_counter(), _cpu_s()
            response = client.get(path)
            taken.append(1000 * (time.perf_counter() - started))
            cpu.append(1000 * (_cpu_s() - used))
        then, own = median(taken[1:] or taken), min(cpu)
        slow += then > GOAL_MS
        word = "slow" if then > GOAL_MS else ""
        print(f"{taken[0]:8.0f} {then:8.0f} {own:8.0f}   {response.status_code} {word:5} {path}", flush=True)
    return slow


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.pages", description="Time the usage pages and APIs."
    )
    parser.add_argument("--times", type=int, default=4)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    sys.exit(1 if measure(options.times) else 0)


if __name__ == "__main__":
    main()
