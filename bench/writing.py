"""What accounting costs with the history that is there: run it over an empty database and over a long one.

    python -m bench.writing        # with the environment's database

It writes rows, and takes them for real: not for a database that matters.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import django


def measure(batch: int, times: int, pool: Sequence[Any]) -> tuple[float, float]:
    """(CPU µs of this process, median µs by the clock) for each row."""
    from gateway.records.recorder import Entry, Recorder

    recorder, done = Recorder(), asyncio.Future[None](loop=asyncio.new_event_loop())
    took, used = [], time.process_time()
    for _ in range(times):
        now = datetime.now(UTC)
        rows = [
            random.choice(pool)._replace(
                created_at=now,
                request_id=f"req_{time.time_ns() // 1_000_000:012x}{random.getrandbits(64):016x}",
            )
            for _ in range(batch)
        ]
        started = time.perf_counter()
        recorder._commit([Entry(row, None, done) for row in rows])
        took.append(time.perf_counter() - started)
    cpu = time.process_time() - used
    recorder.close()
    return 1e6 * cpu / (batch * times), 1e6 * median(took) / batch


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.writing", description="Time the accounting transaction."
    )
    parser.add_argument("--times", type=int, default=400)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
    django.setup()
    from bench import history
    from billing.models import UsageRecord

    pool = history._pool(random.Random(1))
    measure(1, 50, pool)
    newest = UsageRecord.objects.order_by("-id").values_list("id", flat=True).first()
    print(f"over about {newest or 0:,} rows")
    for batch in (1, 32):
        cpu, clock = measure(batch, options.times, pool)
        print(f"{batch:3} rows a transaction: {cpu:6.0f} µs CPU, {clock:6.0f} µs by the clock, for each row")


if __name__ == "__main__":
    main()
