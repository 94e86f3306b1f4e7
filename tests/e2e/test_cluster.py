"""The same code on PostgreSQL and Redis with several web processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.simulator import Simulator
from tests import services
from tests.e2e.cluster import each_process, forget_failures, noted, told, until
from tests.e2e.server import Gateway, running

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two web processes, which began with an empty database. Each request has a connection of its own, so that both get
    some."""
    if reason := services.no_postgres() or services.no_redis():
        pytest.skip(reason)
    with services.empty_postgres() as postgres, services.empty_redis() as redis:
        env = {"DATABASE_URL": postgres, "REDIS_URL": redis}
        folder = tmp_path_factory.mktemp("cluster")
        with running(folder, env, ["--no-jobs", "--workers", "2"], fresh=True) as gateway:
            gateway.http.headers["connection"] = "close"
            yield gateway


def test_several_workers_share_configuration_and_accounting(cluster: Gateway, simulator: Simulator) -> None:
    cluster.add_provider("sim", simulator.openai_url)
    cluster.add_combo("one", "sim/x")
    for number in range(20):
        answer = cluster.chat("one", f"hello {number}", stream=number % 2 == 1)
        assert answer.status_code == 200, answer.text
        assert "You said" in answer.text or "chat.completion.chunk" in answer.text
    with psycopg.connect(cluster.env["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT combo, status, input_tokens, attempts->0->>'provider' FROM billing_usagerecord"
        ).fetchall()
        requests = connection.execute("SELECT sum(requests) FROM billing_dailyusage").fetchone()
    assert len(rows) == 20
    assert {(row[0], row[1], row[2] > 0) for row in rows} == {("one", 200, True)}
    assert requests == (20,)


def test_a_change_reaches_the_other_workers_within_seconds(cluster: Gateway, simulator: Simulator) -> None:
    cluster.add_provider("changing", simulator.openai_url)
    cluster.add_combo("moving", "changing/first")
    assert cluster.chat("moving").status_code == 200
    (combo,) = (each for each in cluster.manage("GET", "/api/combos")["combos"] if each["name"] == "moving")
    cluster.manage("PUT", f"/api/combos/{combo['id']}", {"models": ["changing/second"]})
    cluster.settle()
    before = simulator.count
    for _ in range(10):
        assert cluster.chat("moving").status_code == 200
    assert {request.model for request in simulator.requests[before:]} == {"second"}


def test_several_workers_without_redis_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="REDIS_URL"), running(tmp_path, {}, ["--workers", "2"]):
        pass


def test_a_conversation_is_known_to_every_worker(cluster: Gateway, simulator: Simulator) -> None:
    node = cluster.add_provider("talking", simulator.openai_url, key="k1")
    for key in ("k2", "k3"):
        cluster.manage("POST", "/api/providers", {"provider": node, "apiKey": key, "name": key})
    cluster.manage("PATCH", "/api/settings/routing", {"accountStrategy": "random"})
    cluster.settle()
    body = {"model": "talking/x", "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(16):
        with noted():
            cluster.http.post("/v1/chat/completions", json=body, headers={"x-session-id": "one"})
    assert len({request.key for request in simulator.requests}) == 1
    (session,) = cluster.manage("GET", "/api/sessions")["sessions"]
    assert (session["sessionId"], session["requestCount"]) == ("ext:one", 16)


def test_workers_share_cooldowns_circuits_and_limits(cluster: Gateway, simulator: Simulator) -> None:
    broken = cluster.add_provider("broken", simulator.openai_url, key="broken")
    cluster.add_provider("limited", simulator.openai_url, key="limited")
    cluster.settle()
    with each_process(cluster) as processes:

        def aside() -> list[list[str]]:
            health = [told(process, "GET", "/api/monitoring/health") for process in processes]
            return [[each["name"] for each in one["lockouts"]] for one in health]

        def circuits() -> list[list[tuple[int, str]]]:
            found = [told(process, "GET", "/api/resilience")["circuitBreakers"] for process in processes]
            return [
                [(one["failureCount"], one["state"]) for one in each if one["name"] == broken]
                for each in found
            ]

        simulator.behave("429-retry120", key="limited")
        assert cluster.chat("limited/x").status_code == 429
        until(lambda: aside() == [["limited account"]] * 2)
        assert {cluster.chat("limited/x").status_code for _ in range(10)} == {429}
        assert [entry.key for entry in simulator.requests].count("limited") == 1

        simulator.behave("500", key="broken")
        for known in ((1, "CLOSED"), (2, "OPEN")):
            assert cluster.chat("broken/x").status_code == 500
            until(lambda known=known: circuits() == [[known]] * 2)  # type: ignore[misc]
        assert [cluster.chat("broken/x").status_code for _ in range(6)] == [503] * 6

    forget_failures(cluster)
    simulator.reset()
    assert {cluster.chat(f"{name}/x").status_code for name in ("broken", "limited") * 3} == {200}
