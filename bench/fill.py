"""Rows for the measured gateway: a provider, an account, a combo, and as much history as wanted.

python -m bench.fill --rows 10000000 --days 365         # into the database of the environment, SQLite or PostgreSQL
python -m bench.fill --upstream http://127.0.0.1:9000   # a route for the benchmark
"""

from __future__ import annotations

import argparse
import os
import time

import django


def make_route(upstream: str) -> None:
    from combos.models import Combo, ComboTarget
    from providers.models import Account, ProviderNode

    node = ProviderNode.objects.create(name="Bench", prefix="bench", base_url=f"{upstream}/v1")
    Account.objects.create(provider=node.id, name="bench", api_key="sk-bench")
    for name in ("bench", "bench-n200-i0", "bench-n100-i50", "bench-n20-i1000", "bench-w1000"):
        combo = Combo.objects.create(name=f"combo-{name}")
        ComboTarget.objects.create(combo=combo, model=f"bench/{name}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fill", description="Fill the database.")
    parser.add_argument("--rows", type=int, default=0, help="usage rows to make")
    parser.add_argument("--days", type=int, default=365, help="over how many days, up to now")
    parser.add_argument("--upstream", default="", help="make a provider at this address, and combos")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
    django.setup()
    if options.upstream:
        make_route(options.upstream)
    if options.rows:
        from bench import history

        started = time.perf_counter()
        history.make(options.rows, options.days)
        print(f"{options.rows:,} rows in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
