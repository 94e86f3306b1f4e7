"""Rows for the measured gateway: a provider, an account, a combo, and as much history as wanted.

Run as `python -m bench.fill UPSTREAM ROWS` with the gateway's environment.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django

BATCH = 5_000


def make_route(upstream: str) -> None:
    from combos.models import Combo, ComboTarget
    from providers.models import Account, ProviderNode

    node = ProviderNode.objects.create(name="Bench", prefix="bench", base_url=f"{upstream}/v1")
    Account.objects.create(provider=node.id, name="bench", api_key="sk-bench")
    for name in ("bench", "bench-n200-i0", "bench-n100-i50", "bench-n20-i1000", "bench-w1000"):
        combo = Combo.objects.create(name=f"combo-{name}")
        ComboTarget.objects.create(combo=combo, model=f"bench/{name}")


def make_history(rows: int) -> None:
    from django.utils import timezone

    from billing.models import UsageRecord

    now = timezone.now()
    for start in range(0, rows, BATCH):
        UsageRecord.objects.bulk_create(
            UsageRecord(
                created_at=now - timedelta(seconds=30 * number),
                requested_model="bench/bench",
                served_model="bench",
                provider="bench",
                status=200,
                attempts=[{"provider": "bench", "model": "bench", "status": 200, "ms": 5}],
                attempt_count=1,
                input_tokens=24,
                output_tokens=23,
                latency_ms=5,
            )
            for number in range(start, min(start + BATCH, rows))
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
    django.setup()
    make_route(sys.argv[1])
    make_history(int(sys.argv[2]))
