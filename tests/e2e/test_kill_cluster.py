"""kill -9 with several workers on PostgreSQL and Redis, under load: what a client saw complete is counted and paid, and
nothing stays reserved for the dead."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from billing.budgets.shared import LEASE_S
from gateway.simulator import Simulator
from tests.e2e.server import Gateway
from tests.e2e.test_budgets import BUDGET, PRICE, ask, key_of, used

pytestmark = pytest.mark.cluster

THREADS, REQUESTS, KILL_AT = 16, 240, 80
WORKERS = 3
SLACK_S = 20.0
"""For a machine that has something else to do."""


class Load:
    """Requests of one key, half of them streams. `complete` are the ids of answers that arrived whole."""

    def __init__(self, gateway: Gateway, secret: str, kill: Callable[[], None]) -> None:
        self.gateway, self.secret, self.kill = gateway, secret, kill
        self.complete: list[str] = []
        self.refused: list[str] = []

    def run(self) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(self._one, range(REQUESTS)))

    def _one(self, number: int) -> None:
        stream = number % 2 == 1
        try:
            answer = ask(self.gateway, self.secret, stream=stream)
        except httpx.TransportError:
            return
        if answer.status_code == 429:
            self.refused.append(answer.text)
        elif answer.status_code == 200 and (not stream or "data: [DONE]" in answer.text):
            self.complete.append(answer.headers["x-request-id"])
            if len(self.complete) == KILL_AT:
                self.kill()


def children(pid: int) -> list[int]:
    """Processes that this one started, and that serve: the web workers."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            serves = b"spawn_main" in (folder / "cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid and serves:
            found.append(int(folder.name))
    return found


def sums(postgres_url: str, budget: str) -> tuple[set[str], tuple[Any, ...], tuple[Any, ...]]:
    """Ids of the rows; requests and ticks of the rows; the same of what is spent of the budget."""
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "SELECT request_id, status, coalesce(cost, 0), output_tokens FROM billing_usagerecord"
            " WHERE api_key_name = 'holder'"
        ).fetchall()
        spent = connection.execute(
            "SELECT requests, usd FROM billing_budgetspend WHERE budget_id = %s", (int(budget),)
        ).fetchall()
        totals = connection.execute("SELECT sum(requests) FROM billing_dailyusage").fetchone()
        every = connection.execute("SELECT count(*) FROM billing_usagerecord").fetchone()
    assert totals == every
    counted = [row for row in rows if row[1] < 400 or row[3]]
    ticks = sum((Decimal(row[2]) for row in counted), Decimal(0)) * 10**10
    return {row[0] for row in rows}, (len(counted), int(ticks)), spent[0]


def check(gateway: Gateway, load: Load, postgres_url: str, key: str, budget: str) -> None:
    ids, rows, spent = sums(postgres_url, budget)
    assert len(load.complete) >= KILL_AT
    assert load.refused == []
    assert set(load.complete) <= ids
    assert rows == spent
    # With room for one request more, whatever the dead had reserved would refuse it.
    limit = {"keyId": key, "limit": int(used(gateway, key)) + 1, "period": "daily", "unit": "requests"}
    gateway.manage("POST", BUDGET, limit)
    gateway.settle()
    deadline = time.monotonic() + LEASE_S + SLACK_S
    while (answer := ask(gateway, load.secret)).status_code == 429 and time.monotonic() < deadline:
        assert "is held" in answer.text
        time.sleep(1)
    assert answer.status_code == 200, answer.text
    refused = ask(gateway, load.secret)
    assert (refused.status_code, "is spent" in refused.text) == (429, True)
    _, rows, spent = sums(postgres_url, budget)
    assert rows == spent


@pytest.mark.parametrize("whole", [False, True], ids=["one worker", "the whole gateway"])
def test_kill_9_loses_nothing_and_leaves_no_reservation(
    whole: bool, tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    gateway = Gateway(tmp_path, env, ["--no-jobs", "--workers", str(WORKERS)])
    gateway.start()
    try:
        node = gateway.add_provider("sim", simulator.openai_url)
        gateway.manage("PATCH", "/api/pricing", {node: {"*": {"input": PRICE, "output": PRICE}}})
        key, secret = key_of(gateway)
        wanted = {"keyId": key, "limit": 100_000, "period": "daily", "unit": "requests"}
        budget = gateway.manage("POST", BUDGET, wanted)["budget"]["id"]
        gateway.settle()
        simulator.behave("slow50")
        assert gateway.process is not None
        server = gateway.process.pid

        def kill() -> None:
            if whole:
                os.killpg(server, signal.SIGKILL)
            else:
                os.kill(children(server)[0], signal.SIGKILL)

        load = Load(gateway, secret, kill)
        load.run()
        if whole:
            gateway.process.wait()
            gateway.start()
        simulator.reset()
        check(gateway, load, postgres_url, key, budget)
    finally:
        gateway.stop()
        gateway.http.close()
