"""Budgets against a real gateway: many requests at once, several processes, kill -9 in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running

BUDGET = "/api/usage/budget"
PRICE = 10.0
"""USD per million tokens, in and out."""


def key_of(gateway: Gateway, name: str = "holder") -> tuple[str, str]:
    """(id, secret)"""
    made = gateway.manage("POST", "/api/keys", {"name": name})
    return made["id"], made["key"]


def ask(gateway: Gateway, secret: str, **more: Any) -> httpx.Response:
    body = {"model": "sim/m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20, **more}
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {secret}"},
        timeout=60,
        trust_env=False,
    )


@contextmanager
def priced(
    folder: Path, simulator: Simulator, env: dict[str, str] | None = None, *arguments: str
) -> Iterator[Gateway]:
    with running(folder, env, arguments or ["--no-jobs"]) as gateway:
        node = gateway.add_provider("sim", simulator.openai_url)
        gateway.manage("PATCH", "/api/pricing", {node: {"*": {"input": PRICE, "output": PRICE}}})
        yield gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    """Of the tests whose keys and budgets are their own."""
    with priced(tmp_path_factory.mktemp("budgets"), _simulator) as gateway:
        yield gateway


def cost_of_one(gateway: Gateway) -> Decimal:
    """What the simulator's answer costs."""
    _, secret = key_of(gateway, "taster")
    usage = ask(gateway, secret).json()["usage"]
    return Decimal(usage["total_tokens"]) * Decimal(PRICE) / 1_000_000


def storm(gateway: Gateway, secret: str, count: int) -> list[int]:
    with ThreadPoolExecutor(count) as threads:
        return [answer.status_code for answer in threads.map(lambda _: ask(gateway, secret), range(count))]


def test_two_hundred_at_once_get_no_more_than_the_budget_and_one_reservation(
    gateway: Gateway, simulator: Simulator
) -> None:
    check_storm(gateway, simulator)


@pytest.mark.cluster
def test_two_hundred_at_once_over_four_processes(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with priced(tmp_path, simulator, env, "--no-jobs", "--workers", "4") as gateway:
        gateway.settle()
        check_storm(gateway, simulator)


def check_storm(gateway: Gateway, simulator: Simulator) -> None:
    one = cost_of_one(gateway)
    id, secret = key_of(gateway)
    gateway.manage("POST", BUDGET, {"keyId": id, "limit": str(one * 50), "period": "monthly"})
    simulator.behave("slow200")
    gateway.settle()
    before = simulator.count
    statuses = storm(gateway, secret, 200)
    assert set(statuses) == {200, 429}
    assert simulator.count - before == statuses.count(200)
    reservation = Decimal("0.001")  # 20 tokens of output and the body's own, generously
    assert used(gateway, id) == one * statuses.count(200)
    assert used(gateway, id) <= one * 50 + reservation
    while ask(gateway, secret).status_code == 200:  # what was held is free again, so the rest can be used
        pass
    assert one * 50 <= used(gateway, id) <= one * 51
    refused = ask(gateway, secret)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "insufficient_quota"


def used(gateway: Gateway, id: str) -> Decimal:
    (budget,) = gateway.manage("GET", f"{BUDGET}?apiKeyId={id}")["budgets"]
    return Decimal(str(budget["used"]))


def test_a_count_of_requests_is_exact(gateway: Gateway, simulator: Simulator) -> None:
    id, secret = key_of(gateway, "counted")
    gateway.manage("POST", BUDGET, {"keyId": id, "limit": 50, "period": "daily", "unit": "requests"})
    simulator.behave("slow200")
    assert storm(gateway, secret, 200).count(200) == 50
    assert used(gateway, id) == 50


MESSAGES = {"messages": [{"role": "user", "content": "x"}]}
GEMINI = "/v1beta/models/sim/m:generateContent"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/chat/completions", MESSAGES, ("code", "insufficient_quota")),
        ("/v1/messages", {**MESSAGES, "max_tokens": 9}, ("type", "rate_limit_error")),
        ("/v1/responses", {"input": "x"}, ("code", "insufficient_quota")),
        (GEMINI, {"contents": [{"parts": [{"text": "x"}]}]}, ("status", "RESOURCE_EXHAUSTED")),
    ],
)
def test_the_refusal_is_in_the_client_s_format_and_says_when_to_come_back(
    gateway: Gateway, spent: str, simulator: Simulator, path: str, body: dict[str, Any], told: tuple[str, str]
) -> None:
    before = simulator.count
    model = {} if "v1beta" in path else {"model": "sim/m"}
    for stream in (False, True):
        asked = {**body, **model, **({"stream": True} if stream and model else {})}
        answer = httpx.post(f"{gateway.url}{path}", json=asked, headers={"x-api-key": spent}, trust_env=False)
        assert answer.status_code == 429
        name, value = told
        assert answer.json()["error"][name] == value
        assert "is spent" in answer.text
        assert 0 < int(answer.headers["retry-after"]) <= 86_400
        assert answer.headers["x-should-retry"] == "false"
    assert simulator.count == before


@pytest.fixture
def spent(gateway: Gateway, simulator: Simulator) -> str:
    """A key whose budget is."""
    id, secret = key_of(gateway, "spent")
    assert ask(gateway, secret).status_code == 200
    gateway.manage("POST", BUDGET, {"keyId": id, "limit": "0.000001", "period": "daily"})
    return secret


def test_daily_and_monthly_both_bind(gateway: Gateway, simulator: Simulator) -> None:
    for number, (daily, monthly) in enumerate([(3, 5), (5, 3)]):
        id, secret = key_of(gateway, f"holder {number}")
        for period, limit in (("daily", daily), ("monthly", monthly)):
            gateway.manage(
                "POST", BUDGET, {"keyId": id, "limit": limit, "period": period, "unit": "requests"}
            )
        assert [ask(gateway, secret).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_spent_account_is_skipped_and_another_serves(gateway: Gateway, simulator: Simulator) -> None:
    _, secret = key_of(gateway, "skipping")
    node = gateway.add_provider("pair", simulator.openai_url)
    gateway.manage(
        "POST", "/api/providers", {"provider": node, "apiKey": "sk-2", "name": "second", "priority": 2}
    )
    first = next(
        row for row in gateway.manage("GET", "/api/providers")["connections"] if row["name"] == "pair account"
    )
    body = {"connectionId": first["id"], "limit": 2, "period": "daily", "unit": "requests"}
    gateway.manage("POST", BUDGET, body)
    served = [ask(gateway, secret, model="pair/m").headers["x-omniroute-account"] for _ in range(4)]
    assert served == ["pair account", "pair account", "second", "second"]


def test_answers_through_streams_are_charged(gateway: Gateway, simulator: Simulator) -> None:
    id, secret = key_of(gateway, "streaming")
    gateway.manage("POST", BUDGET, {"keyId": id, "limit": 5, "period": "daily"})
    assert "[DONE]" in ask(gateway, secret, stream=True).text
    assert used(gateway, id) > 0


def test_kill_9_loses_no_spend_and_leaves_no_reservation(tmp_path: Path, simulator: Simulator) -> None:
    gateway = Gateway(tmp_path)
    gateway.start()
    try:
        node = gateway.add_provider("sim", simulator.openai_url)
        gateway.manage("PATCH", "/api/pricing", {node: {"*": {"input": PRICE, "output": PRICE}}})
        id, secret = key_of(gateway)
        gateway.manage("POST", BUDGET, {"keyId": id, "limit": 60, "period": "daily", "unit": "requests"})
        done: list[int] = []

        def one(_: int) -> None:
            try:
                done.append(ask(gateway, secret).status_code)
            except httpx.TransportError:
                return
            if len(done) == 20:
                assert gateway.process
                os.killpg(gateway.process.pid, signal.SIGKILL)

        simulator.behave("slow100")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(one, range(200)))
        assert gateway.process
        gateway.process.wait()
        answered = done.count(200)
        gateway.start()
        spent = used(gateway, id)
        assert answered <= spent <= answered + 8
        rest = [ask(gateway, secret).status_code for _ in range(61 - int(spent))]
        assert rest == [200] * (60 - int(spent)) + [429]
    finally:
        gateway.stop()
        gateway.http.close()


def test_a_stream_that_its_client_leaves_counts_as_far_as_it_came(
    gateway: Gateway, simulator: Simulator
) -> None:
    id, secret = key_of(gateway, "leaving")
    gateway.manage("POST", BUDGET, {"keyId": id, "limit": 100000, "period": "daily", "unit": "tokens"})
    simulator.behave("n50-i20")
    body = {"model": "sim/m", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    headers = {"authorization": f"Bearer {secret}"}
    with (
        httpx.Client(base_url=gateway.url, trust_env=False) as client,
        client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer,
    ):
        lines = answer.iter_lines()
        for _ in range(30):
            next(lines)
    deadline = time.monotonic() + 10
    while not used(gateway, id) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert 20 < used(gateway, id) < 100
    row = gateway.rows()[-1]
    assert (row["status"], row["usage_estimated"]) == (499, 1)


def test_models_without_a_price_are_free_unless_the_budget_refuses_them(
    gateway: Gateway, simulator: Simulator
) -> None:
    new = gateway.add_provider("new", simulator.openai_url)
    gateway.add_combo("mixed", "new/m", "sim/m")
    id, secret = key_of(gateway, "unpriced")
    budget = {"keyId": id, "limit": 1, "period": "daily"}
    gateway.manage("POST", BUDGET, budget)
    assert ask(gateway, secret, model="new/m").status_code == 200
    (status,) = gateway.manage("GET", f"{BUDGET}?apiKeyId={id}")["budgets"]
    assert (status["used"], status["unpricedRequests"], status["refuseUnpriced"]) == (0, 1, False)
    gateway.manage("POST", BUDGET, {**budget, "refuseUnpriced": True})
    before = simulator.count
    refused = ask(gateway, secret, model="new/m")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "unpriced_model")
    assert simulator.count == before
    served = ask(gateway, secret, model="mixed")
    assert served.status_code == 200
    assert served.headers["x-omniroute-provider"] != new
    assert gateway.chat("new/m").status_code == 200  # without the key


def test_a_budget_that_runs_low_says_so_with_every_answer(gateway: Gateway, simulator: Simulator) -> None:
    id, secret = key_of(gateway, "running low")
    budget = {"keyId": id, "limit": 4, "period": "daily", "unit": "requests", "warningThreshold": 0.5}
    gateway.manage("POST", BUDGET, budget)
    told = [ask(gateway, secret, stream=n % 2 == 1).headers.get("x-omniroute-budget") for n in range(4)]
    assert told == [None, None, "50% of 4 requests (daily) is used", "75% of 4 requests (daily) is used"]
