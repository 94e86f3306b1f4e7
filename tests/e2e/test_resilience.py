"""Circuits, cooldowns, limits and lockouts of a running gateway."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running


@pytest.fixture(scope="module")
def _own(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("resilient")) as gateway:
        gateway.ids = {
            name: gateway.add_provider(name, _simulator.openai_url, key=name) for name in ("a", "b")
        }
        gateway.add_combo("both", "a/x", "b/y")
        yield gateway


@pytest.fixture
def own(_own: Gateway, simulator: Simulator) -> Gateway:
    _own.manage("POST", "/api/resilience/reset")
    return _own


def circuit(gateway: Gateway, name: str) -> dict[str, Any]:
    """Of the provider with this prefix."""
    circuits = gateway.manage("GET", "/api/resilience")["circuitBreakers"]
    return next(each for each in circuits if each["name"] == gateway.ids[name])


def until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


def test_a_failing_provider_is_left_alone_and_tried_again_by_one(own: Gateway, simulator: Simulator):
    own.manage("PATCH", "/api/resilience", {"profiles": {own.ids["a"]: {"circuitBreakerReset": 1500}}})
    simulator.behave("500", key="a")
    assert [own.chat("a/x").status_code for _ in range(3)] == [500, 500, 503]
    assert circuit(own, "a")["state"] == "OPEN"
    assert own.chat("both").status_code == 200
    assert [entry.key for entry in simulator.requests] == ["a", "a", "b"], "two failures open a local one"
    alone = own.chat("a/x")
    assert (alone.status_code, "retry-after" in alone.headers) == (503, True)
    assert "failed repeatedly" in alone.text

    simulator.reset()
    until(lambda: circuit(own, "a")["state"] == "HALF_OPEN")
    own.manage("DELETE", "/api/resilience/model-cooldowns")
    simulator.behave("slow700", key="a")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: own.chat("both"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert [entry.key for entry in simulator.requests].count("a") == 1, "one trial while it is half open"
    assert circuit(own, "a")["state"] == "CLOSED"


def test_a_trial_whose_client_leaves_gives_its_slot_back(own: Gateway, simulator: Simulator):
    own.manage("PATCH", "/api/resilience", {"profiles": {own.ids["a"]: {"circuitBreakerReset": 300}}})
    simulator.behave("500", key="a")
    for _ in range(2):
        own.chat("a/x")
    simulator.reset()
    simulator.behave("hang", key="a", times=1)
    until(lambda: circuit(own, "a")["state"] == "HALF_OPEN")
    with pytest.raises(httpx.ReadTimeout):
        own.http.post(
            "/v1/chat/completions",
            json={"model": "a/x", "messages": [{"role": "user", "content": "x"}]},
            timeout=0.3,
        )
    until(lambda: own.chat("a/x").status_code == 200)
    assert circuit(own, "a")["state"] == "CLOSED"


def test_one_request_counts_once_against_a_provider(own: Gateway, simulator: Simulator):
    """A combo comes to its third model of a server whose first two fail, and the circuit stays closed."""
    own.add_combo("three", "a/one", "a/two", "a/three")
    for model in ("one", "two"):
        simulator.behave("500", model=model)
    answer = own.chat("three")
    assert (answer.status_code, answer.headers["x-omniroute-model"]) == (200, "three")
    assert circuit(own, "a")["state"] == "CLOSED"


def test_rate_limits_and_refusals_open_no_circuit(own: Gateway, simulator: Simulator):
    for behavior in ("429-retry1", "400", "401", "404"):
        simulator.reset()
        simulator.behave(behavior, key="a")
        for _ in range(4):
            own.chat("both")
            own.manage("DELETE", "/api/resilience/model-cooldowns")
    assert circuit(own, "a")["state"] == "CLOSED"
    assert circuit(own, "a")["failureCount"] == 0


def test_a_protected_account_keeps_its_limits_and_others_wait(own: Gateway, simulator: Simulator):
    accounts = own.manage("GET", "/api/providers")["connections"]
    account = next(each["id"] for each in accounts if each["provider"] == own.ids["a"])
    own.manage("POST", "/api/rate-limits", {"connectionId": account, "enabled": True})
    own.manage(
        "PATCH", "/api/resilience", {"defaults": {"minTimeBetweenRequests": 0, "concurrentRequests": 2}}
    )
    simulator.behave("slow150", key="a")
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: own.chat("a/x"), range(8)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(simulator.requests) == 8
        assert shortest_wait_for_a_third(simulator) >= 0.15
    finally:
        own.manage("POST", "/api/rate-limits", {"connectionId": account, "enabled": False})


def shortest_wait_for_a_third(simulator: Simulator) -> float:
    """Seconds: with two at a time, every third request comes when the first one was answered, or later."""
    starts = sorted(entry.at for entry in simulator.requests)
    return min(third - first for first, third in zip(starts, starts[2:], strict=False))


def test_state_survives_a_restart(tmp_path: Path, simulator: Simulator):
    with running(tmp_path) as gateway:
        gateway.ids = {"a": gateway.add_provider("a", simulator.openai_url, key="a")}
        simulator.behave("429-retry300", key="a")
        assert gateway.chat("a/x").status_code == 429
        for _ in range(5):
            gateway.http.get("/api/combos", headers={"authorization": "Bearer wrong"})
        time.sleep(1.5)
        gateway.stop(signal.SIGKILL)
        gateway.start()
        simulator.reset()
        refused = gateway.chat("a/x")
        assert (refused.status_code, simulator.requests) == (429, [])
        assert 200 < int(refused.headers["retry-after"]) <= 300
        (locked,) = gateway.manage("GET", "/api/policies")["lockedIdentifiers"]
        assert locked["identifier"] == "key:127.0.0.1"


def test_wrong_keys_lock_their_address_and_right_ones_pass(tmp_path: Path, simulator: Simulator):
    with running(tmp_path, {"REQUIRE_API_KEY": "true"}) as gateway:
        gateway.add_provider("a", simulator.openai_url)
        body = {"model": "a/x", "messages": [{"role": "user", "content": "x"}]}
        wrong = {"authorization": "Bearer sk-wrong"}
        statuses = [gateway.http.post("/v1/chat/completions", json=body, headers=wrong) for _ in range(7)]
        assert [answer.status_code for answer in statuses] == [401] * 5 + [429] * 2
        assert len({answer.headers["x-request-id"] for answer in statuses}) == 7
        assert int(statuses[-1].headers["retry-after"]) > 800
        right = {"authorization": f"Bearer {gateway.command('create_api_key', 'client').strip()}"}
        assert gateway.http.post("/v1/chat/completions", json=body, headers=right).status_code == 200
        gateway.manage("POST", "/api/policies", {"action": "unlock", "identifier": "key:127.0.0.1"})
        assert gateway.http.post("/v1/chat/completions", json=body, headers=wrong).status_code == 401


def test_refused_addresses_reach_nothing(tmp_path: Path, simulator: Simulator):
    with running(tmp_path, {"TRUSTED_PROXIES": "127.0.0.1"}) as gateway:
        gateway.add_provider("a", simulator.openai_url)
        gateway.manage("PUT", "/api/settings/ip-filter", {"enabled": True, "blacklist": ["203.0.113.0/24"]})
        stranger = {"x-forwarded-for": "203.0.113.9"}
        chat = gateway.http.post("/v1/messages", json={}, headers=stranger)
        assert (chat.status_code, chat.json()["type"]) == (403, "error")
        assert chat.headers["x-request-id"] == chat.json()["request_id"]
        for path in ("/admin/", "/api/health", "/api/resilience"):
            answer = gateway.http.get(path, headers=stranger)
            assert (answer.status_code, answer.json()) == (403, {"error": "This address is on the blacklist"})
        assert gateway.http.get("/api/health", headers={"x-forwarded-for": "203.0.114.9"}).status_code == 200
