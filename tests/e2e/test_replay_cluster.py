"""Cache and idempotency between two processes that share Redis and PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests import services
from tests.e2e import template
from tests.e2e.server import Gateway, running
from tests.relay import Relay, relay_to

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def line() -> Iterator[tuple[Relay, str]]:
    """To Redis, which other tests use as well."""
    with services.empty_redis() as url, relay_to(url) as found:
        yield found


@pytest.fixture(scope="module")
def _pair(
    tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator, line: tuple[Relay, str]
) -> Iterator[list[Gateway]]:
    with ExitStack() as stack:
        env = {"DATABASE_URL": stack.enter_context(template.postgres()), "REDIS_URL": line[1]}
        found = [stack.enter_context(running(tmp_path_factory.mktemp(name), env)) for name in ("one", "two")]
        found[0].add_provider("sim1", _simulator.openai_url)
        yield found


@pytest.fixture
def pair(_pair: list[Gateway], simulator: Simulator) -> list[Gateway]:
    """Without cooldowns from the test before, and with a provider that behaves."""
    for gateway in _pair:
        if gateway.process is None:
            gateway.start()
    _pair[0].manage("POST", "/api/resilience/reset")
    return _pair


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


async def test_a_stream_that_runs_in_another_process_is_read_along(
    pair: list[Gateway], simulator: Simulator
) -> None:
    simulator.behave("slow200+n30-i40")
    name = {"idempotency-key": "along"}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        first = asyncio.create_task(began(http, pair[0], name))
        await asked(simulator)
        answers = await asyncio.gather(*(ask(http, gateway, name) for gateway in (*pair, pair[1])))
        first_events = await first
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].content.startswith(first_events)
    assert answers[0].text.rstrip().endswith("data: [DONE]")
    assert [answer.headers["x-omniroute-idempotent"] for answer in answers] == ["true"] * 3
    assert all(answer.headers["x-omniroute-provider"] for answer in answers)
    assert len(simulator.requests) == 1
    rows = pair[0].manage("GET", "/api/usage/call-logs?limit=4")
    assert sorted(row["status"] for row in rows) == [200] * 4


async def test_whoever_waits_for_a_stream_gets_signs_of_life(
    pair: list[Gateway], simulator: Simulator
) -> None:
    """Also where the first to ask waits in another process, or beside it; and nobody gets those of others again."""
    for gateway in pair:  # who saves it knows it
        gateway.manage("PATCH", "/api/settings", {"keepaliveS": 0.3})
    simulator.behave("first3000+n4")
    name = {"idempotency-key": "patient"}
    try:
        answers = await together(pair, name, stream=True)
    finally:
        pair[0].manage("PATCH", "/api/settings", {"keepaliveS": 15})
    later = pair[1].http.post("/v1/chat/completions", json=body(stream=True), headers=name)
    sign = b": keep-alive\n\n"
    before = [answer.content.partition(b"data:")[0].count(sign) for answer in answers]
    assert min(before) >= 3, before
    assert {answer.content.replace(sign, b"") for answer in answers} == {later.content}
    assert len(simulator.requests) == 1


async def test_the_last_reader_elsewhere_ends_the_upstream_request(
    pair: list[Gateway], simulator: Simulator
) -> None:
    simulator.behave("n200-i50")
    name = {"idempotency-key": "nobody"}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        await asyncio.gather(*(began(http, gateway, name) for gateway in pair))
    ended = await asyncio.to_thread(simulator.wait_for_end)
    assert ended.ended == "client_left"
    assert len(simulator.requests) == 1


async def test_who_reads_along_is_told_when_the_other_process_dies(
    pair: list[Gateway], simulator: Simulator
) -> None:
    simulator.behave("n400-i50")
    name = {"idempotency-key": "orphan"}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        first = asyncio.create_task(ask(http, pair[0], name))
        await asked(simulator)
        second = asyncio.create_task(ask(http, pair[1], name))
        await asyncio.sleep(1)
        pair[0].stop(signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await first
        answer = await second
    assert "The process that was asked for this answer ended before it" in answer.text
    assert len(simulator.requests) == 1


async def asked(simulator: Simulator) -> None:
    """Return when it has been asked."""
    async with asyncio.timeout(10):
        while not simulator.count:
            await asyncio.sleep(0.02)


async def ask(http: httpx.AsyncClient, gateway: Gateway, headers: dict[str, str]) -> httpx.Response:
    return await http.post(f"{gateway.url}/v1/chat/completions", json=body(stream=True), headers=headers)


async def began(http: httpx.AsyncClient, gateway: Gateway, headers: dict[str, str]) -> bytes:
    """What came first of a stream, whose client then leaves."""
    url = f"{gateway.url}/v1/chat/completions"
    async with http.stream("POST", url, json=body(stream=True), headers=headers) as answer:
        found = b""
        async for part in answer.aiter_bytes():
            found += part
            if found.count(b"\n\n") > 5:
                break
        return found


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


async def test_without_redis_requests_go_on(pair: list[Gateway], line: tuple[Relay, str]) -> None:
    """What waits for Redis waits a second, not for ever."""
    for gateway in pair:
        assert gateway.http.post("/v1/chat/completions", json=body()).status_code == 200
    line[0].hold(4.0)
    started = time.monotonic()
    answers = await together(pair, {"idempotency-key": "paused"}, temperature=0)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert time.monotonic() - started < 20
