"""Requests that come twice: asked once, whether the second comes meanwhile or a moment later."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

HEADER = "x-omniroute-idempotent"


def body(**more: Any) -> dict[str, Any]:
    return {"model": "sim1/m", "messages": [{"role": "user", "content": "Hi"}], **more}


async def together(
    gateway: Gateway, count: int, headers: dict[str, str], **more: Any
) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30, trust_env=False) as http:
        asking = [http.post("/v1/chat/completions", json=body(**more), headers=headers) for _ in range(count)]
        return list(await asyncio.gather(*asking))


def post(
    gateway: Gateway, headers: dict[str, str], path: str = "/v1/chat/completions", **more: Any
) -> httpx.Response:
    return gateway.http.post(path, json=body(**more), headers=headers)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_duplicates_in_flight_cause_one_upstream_call(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    simulator.behave("slow300")
    answers = await together(gateway, 5, {"idempotency-key": f"flight-{stream}"}, stream=stream)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers.get(HEADER, "") for answer in answers) == ["", *["true"] * 4]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 5
    assert len(simulator.requests) == 1
    rows = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 5")
    assert sorted(row["cache_hit"] for row in rows) == [0, 1, 1, 1, 1]
    assert {(row["status"], row["provider"] != "", row["served_model"]) for row in rows} == {(200, True, "m")}
    assert sum(row["output_tokens"] > 0 for row in rows) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_repetition_within_the_window_gets_the_same_answer(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    name = {"idempotency-key": f"later-{stream}"}
    first, second = post(gateway, name, stream=stream), post(gateway, name, stream=stream)
    assert first.content == second.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert (HEADER in first.headers, second.headers[HEADER]) == (False, "true")
    assert len(simulator.requests) == 1


def test_the_window_ends_and_can_be_closed(gateway: Gateway, simulator: Simulator) -> None:
    gateway.manage("PUT", "/api/settings/cache", {"idempotencyWindowSeconds": 0.2})
    try:
        name = {"idempotency-key": "short"}
        post(gateway, name)
        time.sleep(0.5)
        assert HEADER not in post(gateway, name).headers
        gateway.manage("PUT", "/api/settings/cache", {"idempotencyWindowSeconds": 0})
        assert [HEADER in post(gateway, {"idempotency-key": "off"}).headers for _ in range(2)] == [
            False,
            False,
        ]
    finally:
        gateway.manage("PUT", "/api/settings/cache", {"idempotencyWindowSeconds": 5})
    assert len(simulator.requests) == 4


def test_another_body_under_the_same_key_is_refused_in_the_clients_format(
    gateway: Gateway, simulator: Simulator
) -> None:
    name = {"idempotency-key": "reused"}
    post(gateway, name)
    refused = post(gateway, name, seed=1)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(simulator.requests) == 1
    assert gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]["status"] == 422


def test_a_request_id_counts_only_with_the_same_body(gateway: Gateway, simulator: Simulator) -> None:
    name = {"x-request-id": "from-a-proxy"}
    assert HEADER not in post(gateway, name).headers
    assert HEADER not in post(gateway, name, seed=1).headers
    assert post(gateway, name).headers[HEADER] == "true"
    assert len(simulator.requests) == 2


def test_keys_and_paths_have_names_of_their_own(gateway: Gateway, simulator: Simulator) -> None:
    name = {"idempotency-key": "scoped"}
    post(gateway, name)
    for person in ("ann", "bob"):
        secret = gateway.manage("POST", "/api/keys", {"name": person})["key"]
        assert HEADER not in post(gateway, {**name, "authorization": f"Bearer {secret}"}).headers
    assert HEADER not in post(gateway, name, "/v1/providers/sim1/chat/completions").headers
    assert len(simulator.requests) == 4


def test_a_failure_is_not_kept(gateway: Gateway, simulator: Simulator) -> None:
    name = {"idempotency-key": "failing"}
    simulator.behave("400", times=1)
    assert post(gateway, name).status_code == 400
    assert post(gateway, name).status_code == 200
    assert len(simulator.requests) == 2


async def test_duplicates_of_a_failing_request_share_its_failure(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("slow1500+400")
    answers = await together(gateway, 3, {"idempotency-key": "shared-failure"})
    assert [answer.status_code for answer in answers] == [400] * 3
    assert len(simulator.requests) == 1
    rows = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 3")
    assert {(row["status"], row["cache_hit"]) for row in rows} == {(400, 0)}
    assert all(row["error_code"] for row in rows)


async def begun(http: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    """A stream of which something has come."""
    asked = http.build_request("POST", "/v1/chat/completions", json=body(stream=True), headers=headers)
    return await http.send(asked, stream=True)


async def test_the_answer_goes_on_for_a_duplicate_when_the_first_client_leaves(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("n40-i100")
    name = {"idempotency-key": "left-alone"}
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30, trust_env=False) as http:
        first, answer, third = [await begun(http, name) for _ in range(3)]
        await first.aclose()
        await third.aclose()
        await answer.aread()
    assert answer.status_code == 200
    rows = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 3")
    assert sorted(row["status"] for row in rows) == [200, 200, 499]  # what the first asked for was of use
    assert answer.text.rstrip().endswith("data: [DONE]")
    assert len(simulator.requests) == 1


async def test_the_last_clients_leaving_ends_the_upstream_request(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("n20-i100")
    async with (
        httpx.AsyncClient(base_url=gateway.url, timeout=30, trust_env=False) as http,
        http.stream(
            "POST", "/v1/chat/completions", json=body(stream=True), headers={"idempotency-key": "gone"}
        ) as answer,
    ):
        async for _ in answer.aiter_bytes():
            break
    ended = await asyncio.to_thread(simulator.wait_for_end)
    assert ended.ended == "client_left"


def test_a_stream_is_not_held_back_by_its_recording(gateway: Gateway, simulator: Simulator) -> None:
    simulator.behave("n8-i100")
    arrived = []
    with gateway.http.stream(
        "POST",
        "/v1/chat/completions",
        json=body(stream=True, messages=[{"role": "user", "content": "one two three four five six"}]),
        headers={"idempotency-key": "steady"},
    ) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {") and json.loads(line[6:]).get("choices"):
                arrived.append(time.monotonic())
    assert arrived[-1] - arrived[0] > 0.3
