"""The same code on PostgreSQL and Redis with several web processes."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import running

pytestmark = pytest.mark.cluster


def test_several_workers_share_configuration_and_accounting(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running(tmp_path, env, ["--no-jobs", "--workers", "2"]) as gateway:
        gateway.add_provider("sim", simulator.openai_url)
        gateway.add_combo("one", "sim/x")
        for number in range(20):  # new connections, so that both workers get some
            answer = gateway.chat("one", f"hello {number}", stream=number % 2 == 1)
            gateway.http.headers["connection"] = "close"
            assert answer.status_code == 200, answer.text
            assert "You said" in answer.text or "chat.completion.chunk" in answer.text
        with psycopg.connect(postgres_url) as connection:
            rows = connection.execute(
                "SELECT combo, status, input_tokens, attempts->0->>'provider' FROM billing_usagerecord"
            ).fetchall()
            requests = connection.execute("SELECT sum(requests) FROM billing_dailyusage").fetchone()
        assert len(rows) == 20
        assert {(row[0], row[1], row[2] > 0) for row in rows} == {("one", 200, True)}
        assert requests == (20,)


def test_a_change_reaches_the_other_workers_within_seconds(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running(tmp_path, env, ["--no-jobs", "--workers", "2"]) as gateway:
        gateway.http.headers["connection"] = "close"
        gateway.add_provider("sim", simulator.openai_url)
        gateway.add_combo("moving", "sim/first")
        assert gateway.chat("moving").status_code == 200
        (combo,) = gateway.manage("GET", "/api/combos")["combos"]
        gateway.manage("PUT", f"/api/combos/{combo['id']}", {"models": ["sim/second"]})
        time.sleep(2.5)
        before = simulator.count
        for _ in range(10):
            assert gateway.chat("moving").status_code == 200
        assert {request.model for request in simulator.requests[before:]} == {"second"}


def test_several_workers_without_redis_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="REDIS_URL"), running(tmp_path, {}, ["--workers", "2"]):
        pass


def test_round_robin_rotates_right_over_the_workers(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running(tmp_path, env, ["--no-jobs", "--workers", "2"]) as gateway:
        node = gateway.add_provider("sim", simulator.openai_url, key="k1")
        for key in ("k2", "k3"):
            gateway.manage("POST", "/api/providers", {"provider": node, "apiKey": key, "name": key})
        gateway.manage("PATCH", "/api/settings/routing", {"accountStrategy": "round-robin"})
        combo = {"name": "turns", "models": ["sim/a", "sim/b", "sim/c"], "strategy": "round-robin"}
        gateway.manage("POST", "/api/combos", combo)
        gateway.http.headers["connection"] = "close"  # new connections, so that both workers get some
        time.sleep(2)  # both have the configuration
        start = simulator.count
        for number in range(18):
            assert gateway.chat("sim/x", f"hello {number}").status_code == 200
        used = [request.key for request in simulator.requests[start:]]
        assert [len(set(used[n : n + 3])) for n in range(0, 18, 3)] == [1] * 6
        assert Counter(used) == {"k1": 6, "k2": 6, "k3": 6}
        start = simulator.count
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: gateway.chat("turns", f"hi {number}"), range(30)))
        assert {answer.status_code for answer in answers} == {200}
        models = Counter(request.model for request in simulator.requests[start:])
        assert models == {"a": 10, "b": 10, "c": 10}


def test_a_conversation_is_known_to_every_worker(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running(tmp_path, env, ["--no-jobs", "--workers", "2"]) as gateway:
        node = gateway.add_provider("sim", simulator.openai_url, key="k1")
        for key in ("k2", "k3"):
            gateway.manage("POST", "/api/providers", {"provider": node, "apiKey": key, "name": key})
        gateway.manage("PATCH", "/api/settings/routing", {"accountStrategy": "random"})
        gateway.http.headers["connection"] = "close"
        time.sleep(2)
        start = simulator.count
        body = {"model": "sim/x", "messages": [{"role": "user", "content": "hi"}]}
        for _ in range(16):
            gateway.http.post("/v1/chat/completions", json=body, headers={"x-session-id": "one"})
        assert len({request.key for request in simulator.requests[start:]}) == 1
        (session,) = gateway.manage("GET", "/api/sessions")["sessions"]
        assert (session["sessionId"], session["requestCount"]) == ("ext:one", 16)


def test_workers_share_cooldowns_circuits_and_limits(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with running(tmp_path, env, ["--no-jobs", "--workers", "2"]) as gateway:
        gateway.http.headers["connection"] = "close"  # so that both workers get some
        broken = gateway.add_provider("broken", simulator.openai_url, key="broken")
        gateway.add_provider("limited", simulator.openai_url, key="limited")
        time.sleep(2)  # both have the configuration
        simulator.behave("429-retry120", key="limited")
        assert gateway.chat("limited/x").status_code == 429
        time.sleep(0.5)
        assert {gateway.chat("limited/x").status_code for _ in range(10)} == {429}
        assert [entry.key for entry in simulator.requests].count("limited") == 1

        simulator.behave("500", key="broken")
        statuses = []
        for _ in range(8):
            statuses.append(gateway.chat("broken/x").status_code)
            time.sleep(0.1)
        assert statuses == [500, 500] + [503] * 6
        for _ in range(6):
            circuits = gateway.manage("GET", "/api/resilience")["circuitBreakers"]
            assert {each["state"] for each in circuits if each["name"] == broken} == {"OPEN"}
        gateway.manage("POST", "/api/resilience/reset")
        simulator.reset()
        time.sleep(0.5)
        assert {gateway.chat(f"{name}/x").status_code for name in ("broken", "limited") * 3} == {200}
