"""Cache and idempotency between two processes that share Redis and PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running

pytestmark = pytest.mark.cluster


@pytest.fixture
def pair(tmp_path: Path, postgres_url: str, redis_url: str, simulator: Simulator) -> Iterator[list[Gateway]]:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with ExitStack() as stack:
        found = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            found.append(stack.enter_context(running(tmp_path / name, env)))
        found[0].add_provider("sim1", simulator.openai_url)
        yield found


def body(**more: Any) -> dict[str, Any]:
    return {"model": "sim1/m", "messages": [{"role": "user", "content": "Hi"}], **more}


async def together(pair: list[Gateway], headers: dict[str, str], **more: Any) -> list[httpx.Response]:
    """Two requests to each process, at once."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        asking = [
            http.post(f"{gateway.url}/v1/chat/completions", json=body(**more), headers=headers)
            for gateway in [*pair, *pair]
        ]
        return list(await asyncio.gather(*asking))


async def test_duplicates_in_two_processes_cause_one_upstream_call(
    pair: list[Gateway], simulator: Simulator
) -> None:
    simulator.behave("slow400")
    answers = await together(pair, {"idempotency-key": "everywhere"})
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers.get("x-omniroute-idempotent", "") for answer in answers)[1:] == ["true"] * 3
    assert len(simulator.requests) == 1
    refused = pair[1].http.post(
        "/v1/chat/completions", json=body(seed=1), headers={"idempotency-key": "everywhere"}
    )
    assert refused.status_code == 422


def test_a_stream_that_is_over_is_replayed_by_the_other_process(
    pair: list[Gateway], simulator: Simulator
) -> None:
    name = {"idempotency-key": "streamed"}
    one, two = (
        gateway.http.post("/v1/chat/completions", json=body(stream=True), headers=name) for gateway in pair
    )
    assert one.content == two.content
    assert two.headers["content-type"].startswith("text/event-stream")
    assert two.headers["x-omniroute-idempotent"] == "true"
    assert len(simulator.requests) == 1


def test_a_failure_is_free_for_another_try_elsewhere(pair: list[Gateway], simulator: Simulator) -> None:
    simulator.behave("400", times=1)
    name = {"idempotency-key": "again"}
    statuses = [
        gateway.http.post("/v1/chat/completions", json=body(), headers=name).status_code for gateway in pair
    ]
    assert statuses == [400, 200]


def test_one_process_answers_from_what_the_other_kept(pair: list[Gateway], simulator: Simulator) -> None:
    one, two = (gateway.http.post("/v1/chat/completions", json=body(temperature=0)) for gateway in pair)
    assert [answer.headers["x-omniroute-cache"] for answer in (one, two)] == ["MISS", "HIT"]
    assert one.content == two.content
    found = pair[0].manage("GET", "/api/cache")["semanticCache"]
    assert (found["memorySize"], found["hits"], found["misses"]) == (1, 1, 1)
    assert pair[0].manage("DELETE", "/api/cache")["invalidated"] == 1
    again = pair[1].http.post("/v1/chat/completions", json=body(temperature=0))
    assert again.headers["x-omniroute-cache"] == "MISS"


async def test_without_redis_requests_go_on(
    pair: list[Gateway], simulator: Simulator, redis_url: str
) -> None:
    """What waits for Redis waits a second, not for ever."""
    import redis

    for gateway in pair:
        assert gateway.http.post("/v1/chat/completions", json=body()).status_code == 200
    with redis.Redis.from_url(redis_url) as client:
        client.client_pause(4000, all=True)
        started = time.monotonic()
        answers = await together(pair, {"idempotency-key": "paused"}, temperature=0)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert time.monotonic() - started < 20
