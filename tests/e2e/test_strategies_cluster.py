"""Every strategy over two web processes: whom it asks, beside each other and one after the other, and who stays."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import httpx
import pytest

from combos import strategies
from gateway.simulator import Simulator
from providers import selection
from tests import services
from tests.e2e import template
from tests.e2e.cluster import each_process, forget_failures, noted, overhearing, told, until
from tests.e2e.server import Gateway, running

pytestmark = pytest.mark.cluster

KEYS = ("k1", "k2", "k3")
BESIDE = 8
REQUESTS = 63


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    """Two processes; `sim` has three accounts, `other` one, and `dead` answers nobody."""
    if reason := services.no_postgres() or services.no_redis():
        pytest.skip(reason)
    with template.postgres() as postgres, services.empty_redis() as redis:
        env = {"DATABASE_URL": postgres, "REDIS_URL": redis}
        with running(tmp_path_factory.mktemp("cluster"), env, ["--no-jobs", "--workers", "2"]) as gateway:
            node = gateway.add_provider("sim", _simulator.openai_url, key="k1")
            for key in KEYS[1:]:
                gateway.manage("POST", "/api/providers", {"provider": node, "apiKey": key, "name": key})
            gateway.add_provider("other", _simulator.openai_url, key="other")
            gateway.add_provider("dead", "http://127.0.0.1:9/v1", key="dead")
            gateway.http.headers["connection"] = "close"  # new connections, so that both processes get some
            yield gateway


def accounts_by(cluster: Gateway, simulator: Simulator, strategy: str) -> None:
    cluster.manage(
        "PATCH", "/api/settings/routing", {"accountStrategy": strategy.replace("_", "-"), "stickyLimit": 3}
    )
    start_over(cluster, simulator)


def combo(cluster: Gateway, simulator: Simulator, name: str, *models: Any, **values: Any) -> None:
    cluster.manage("POST", "/api/combos", {"name": name, "models": list(models), **values})
    start_over(cluster, simulator)


def start_over(cluster: Gateway, simulator: Simulator) -> None:
    forget_failures(cluster)
    simulator.reset()


def asked(simulator: Simulator, by: str = "key") -> list[str]:
    return [getattr(request, by) for request in simulator.requests]


def ask(cluster: Gateway, model: str, count: int, beside: int = BESIDE, **more: Any) -> None:
    with ThreadPoolExecutor(beside) as pool:
        answers = list(pool.map(lambda number: cluster.chat(model, f"hello {number}", **more), range(count)))
    assert {answer.status_code for answer in answers} == {200}


# ---- Accounts --------------------------------------------------------------------------------------------------------

SPREAD = {
    "fill_first": {"k1": (63, 63)},
    "round_robin": dict.fromkeys(KEYS, (21, 21)),
    "p2c": dict.fromkeys(KEYS, (8, 36)),
    "random": dict.fromkeys(KEYS, (8, 36)),
    "least_used": dict.fromkeys(KEYS, (15, 25)),
    "cost_optimized": {"k1": (63, 63)},
    "quota_aware": dict.fromkeys(KEYS, (8, 36)),
    "reset_soonest": {"k1": (63, 63)},
}
"""Of `REQUESTS`, eight at a time: the fewest and the most of each account. Nobody's quota is known; what is drawn is
within four standard deviations."""


def test_every_account_strategy_is_here() -> None:
    assert set(SPREAD) == set(selection.registry)


@pytest.mark.parametrize("strategy", list(SPREAD))
def test_requests_spread_over_the_accounts(cluster: Gateway, simulator: Simulator, strategy: str) -> None:
    accounts_by(cluster, simulator, strategy)
    ask(cluster, "sim/x", REQUESTS)
    served, expected = Counter(asked(simulator)), SPREAD[strategy]
    assert set(served) == set(expected)
    assert all(least <= served[key] <= most for key, (least, most) in expected.items()), served


def test_round_robin_gives_three_in_a_row_whoever_is_asked(cluster: Gateway, simulator: Simulator) -> None:
    accounts_by(cluster, simulator, "round_robin")
    for number in range(18):
        assert cluster.chat("sim/x", f"hello {number}").status_code == 200
    runs = [len(list(run)) for _, run in groupby(asked(simulator))]
    assert runs == [3] * 6


def test_least_used_knows_whom_the_other_process_asked(cluster: Gateway, simulator: Simulator) -> None:
    accounts_by(cluster, simulator, "least_used")
    names = dict(zip(("sim account", *KEYS[1:]), KEYS, strict=True))

    def order(process: httpx.Client) -> list[str]:
        explained = told(process, "POST", "/api/route/explain", {"model": "sim/x"})
        return [names[attempt["account"]] for attempt in explained["attempts"]]

    body = {"model": "sim/x", "messages": [{"role": "user", "content": "hello"}]}
    with each_process(cluster) as processes:
        until(lambda: len({tuple(order(process)) for process in processes}) == 1)
        for number in range(12):
            told(processes[number % 2], "POST", "/v1/chat/completions", body)
            last = asked(simulator)[-1]
            until(lambda last=last: {order(process)[-1] for process in processes} == {last})  # type: ignore[misc]
    used = asked(simulator)
    assert [len(set(used[at : at + 3])) for at in range(0, 12, 3)] == [3] * 4


def test_p2c_knows_of_a_failure_in_the_other_process(cluster: Gateway, simulator: Simulator) -> None:
    """Also when the account is no longer put aside."""
    accounts_by(cluster, simulator, "p2c")
    simulator.behave("429-retry5", key="k1", times=1)
    with each_process(cluster) as processes, overhearing() as heard:
        while not heard.of("changes:cooldowns"):
            ask(cluster, "sim/x", 1, beside=1)

        def aside() -> bool:
            health = [told(process, "GET", "/api/monitoring/health") for process in processes]
            return any(one["lockouts"] for one in health)

        until(lambda: not aside())
    simulator.reset()
    ask(cluster, "sim/x", 30)
    assert set(asked(simulator)) == {"k2", "k3"}


@pytest.mark.parametrize("strategy", sorted(selection.SPREADING))
def test_a_conversation_stays_on_its_account(cluster: Gateway, simulator: Simulator, strategy: str) -> None:
    accounts_by(cluster, simulator, strategy)
    turns = [{"role": "user", "content": f"one {strategy}"}]
    for number in range(10):
        with noted():
            answer = cluster.http.post("/v1/chat/completions", json={"model": "sim/x", "messages": turns})
        assert answer.status_code == 200
        turns += [answer.json()["choices"][0]["message"], {"role": "user", "content": f"and {number}"}]
    assert len(set(asked(simulator))) == 1


# ---- Combos ----------------------------------------------------------------------------------------------------------

TARGETS = {
    "priority": {"a": (63, 63)},
    "weighted": {"a": (15, 45), "b": (5, 32), "c": (1, 26)},
    "round_robin": dict.fromkeys("abc", (21, 21)),
    "random": dict.fromkeys("abc", (6, 36)),
    "least_used": dict.fromkeys("abc", (15, 25)),
    "cost_optimized": {"b": (63, 63)},
    "fastest": {"a": (0, 8), "b": (44, 63), "c": (0, 8)},
}


def test_every_combo_strategy_is_here() -> None:
    assert set(TARGETS) == set(strategies.registry)


@pytest.mark.parametrize("strategy", list(TARGETS))
def test_requests_spread_over_a_combo(cluster: Gateway, simulator: Simulator, strategy: str) -> None:
    accounts_by(cluster, simulator, "fill_first")
    cluster.manage("PATCH", "/api/pricing", {"other": {"cost_optimized-b": {"input": 0.1, "output": 0.1}}})
    names = [f"{strategy}-{name}" for name in "abc"]  # what another combo asked counts too
    lines = [
        {"model": f"other/{name}", "weight": weight} for name, weight in zip(names, (5, 3, 2), strict=True)
    ]
    combo(cluster, simulator, f"by-{strategy}", *lines, strategy=strategy.replace("_", "-"))
    if strategy == "fastest":
        for name in names[::2]:
            simulator.behave("slow150", model=name)
        with overhearing() as heard:
            # What a process has no time of is tried first.
            while not all(heard.took(f"other/{name}") for name in names):
                ask(cluster, f"by-{strategy}", 1, beside=1)
        cluster.settle()
    before = len(asked(simulator))
    ask(cluster, f"by-{strategy}", REQUESTS)
    models = asked(simulator, "model")[before:]
    served, expected = Counter(name[-1] for name in models), TARGETS[strategy]
    assert set(served) <= set(expected)
    assert all(least <= served[name] <= most for name, (least, most) in expected.items()), served


@pytest.mark.parametrize("strategy", sorted(strategies.SPREADING))
def test_a_conversation_stays_with_its_target(cluster: Gateway, simulator: Simulator, strategy: str) -> None:
    combo(
        cluster,
        simulator,
        f"kept-{strategy}",
        "other/a",
        "other/b",
        "other/c",
        strategy=strategy.replace("_", "-"),
    )
    body = {"model": f"kept-{strategy}", "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(10):
        with noted():
            answer = cluster.http.post("/v1/chat/completions", json=body, headers={"x-session-id": strategy})
        assert answer.status_code == 200
    assert len(set(asked(simulator, "model"))) == 1


def test_turns_are_exact_behind_a_failed_target_and_in_nested_combos(
    cluster: Gateway, simulator: Simulator
) -> None:
    accounts_by(cluster, simulator, "round_robin")
    cluster.manage("PATCH", "/api/settings/routing", {"stickyLimit": 1})
    combo(cluster, simulator, "inner", "sim/a", "other/b", strategy="round-robin")
    combo(cluster, simulator, "outer", "dead/x", "inner")
    ask(cluster, "outer", 60)
    assert Counter(asked(simulator, "model")) == {"a": 30, "b": 30}
    assert Counter(asked(simulator)) == {"k1": 10, "k2": 10, "k3": 10, "other": 30}


def test_a_target_works_on_no_more_than_its_limit(cluster: Gateway, simulator: Simulator) -> None:
    config = {"concurrencyPerModel": 2, "queueTimeoutMs": 20_000, "queueDepth": 50}
    combo(cluster, simulator, "narrow", "other/n", "other/spare", config=config)
    simulator.behave("slow500", model="n")
    ask(cluster, "narrow", 12, beside=12)
    received = simulator.requests
    assert {request.model for request in received} == {"n"}
    # The simulator notes an answer's end a moment after its last byte, which makes room for the next one.
    ends = [(request.ended_at or 0.0) - 0.25 for request in received]
    at_once = [
        sum(each.at <= now.at < end for each, end in zip(received, ends, strict=True)) for now in received
    ]
    assert max(at_once) == 2


def test_a_process_that_dies_gives_its_places_back(cluster: Gateway, simulator: Simulator) -> None:
    """What it held counts no more once its lease ran out; the others' leases are renewed meanwhile."""
    import redis

    config = {"concurrencyPerModel": 1, "queueTimeoutMs": 20_000}
    combo(cluster, simulator, "leased", "other/l", config=config)
    with redis.Redis.from_url(services.REDIS_URL) as client:
        key = "omniroute:limit-running:target:leased:other/l"
        began = time.time()
        client.zadd(key, {"dead-process:1": began + 1.0})
        assert cluster.chat("leased").status_code == 200
        assert time.time() - began > 1.0
        assert client.zcard(key) == 0


def test_hedging_learns_from_both_processes(cluster: Gateway, simulator: Simulator) -> None:
    """Five answers are needed to know how long a target usually takes, whichever process had them."""
    combo(
        cluster,
        simulator,
        "hedged",
        "other/usual",
        "other/quick",
        config={"hedge": "p95", "hedgeAfterMs": 60_000},
    )
    with overhearing() as heard:
        ask(cluster, "hedged", 6, beside=1, stream=True)
        until(lambda: heard.took("other/usual") == 6)
    cluster.settle()
    simulator.behave("first20000", model="usual")
    answers = [cluster.chat("hedged", stream=True) for _ in range(4)]
    assert {answer.headers["x-omniroute-model"] for answer in answers} == {"quick"}


def test_both_processes_are_asked(cluster: Gateway) -> None:
    """Else the tests above would say nothing."""

    def pid(_: int) -> int:
        with httpx.Client(base_url=cluster.url, trust_env=False, timeout=30) as client:
            answer = client.get("/api/monitoring/health", headers={"authorization": f"Bearer {cluster.key}"})
            return int(json.loads(answer.text)["system"]["pid"])

    with ThreadPoolExecutor(BESIDE) as pool:
        pids = Counter(pool.map(pid, range(40)))
    assert len(pids) == 2
    assert min(pids.values()) >= 4


def test_either_process_tells_of_both(cluster: Gateway) -> None:
    ask(cluster, "other/told", 20)
    with each_process(cluster) as processes:

        def everybody() -> set[frozenset[int]]:
            health = [told(process, "GET", "/api/monitoring/health")["system"] for process in processes]
            return {frozenset(each["pid"] for each in one["processes"]) for one in health}

        def counts() -> set[int]:
            return {told(process, "GET", "/api/telemetry/summary")["count"] for process in processes}

        until(lambda: [len(known) for known in everybody()] == [2])
        until(lambda: len(counts()) == 1 and min(counts()) >= 20)
