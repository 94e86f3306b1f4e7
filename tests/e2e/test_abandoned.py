"""Nobody waits for it any more: the provider knows within a tenth of a second, and stops generating."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.server import Gateway
from tests.gateway.upstream.provider import CHUNKED, Provider, Visit, serving

AT_ONCE_S = 0.1
TRIES = 5
"""At least one of them is not held up by the machine's other work."""
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


async def stay_silent(visit: Visit) -> None:
    await visit.request()
    await visit.see_off()


async def begin_to_speak(visit: Visit) -> None:
    await visit.request()
    await visit.say(CHUNKED + b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK))
    await visit.see_off()


async def left_after(provider: Provider, number: int, leaving: Awaitable[float]) -> float:
    """Seconds from somebody's leaving, which `leaving` says the moment of, to the provider's knowing it."""
    visit = await asyncio.wait_for(provider.visit(number), 20)
    left_at = await leaving
    await asyncio.wait_for(visit.left.wait(), 20)
    return visit.left_at - left_at


class Client:
    """Sends a request and closes the connection when it is told to."""

    def __init__(self, gateway: Gateway, model: str, stream: bool) -> None:
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
        sent = json.dumps(body).encode()
        headers = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}"
        head = f"POST /v1/chat/completions HTTP/1.1\r\n{headers}\r\n\r\n"
        self._socket = socket.create_connection(("127.0.0.1", gateway.port))
        self._socket.sendall(head.encode() + sent)

    async def leave(self) -> float:
        await asyncio.sleep(0.2)
        left_at = time.monotonic()
        self._socket.close()
        return left_at


@pytest.mark.parametrize(
    ("stream", "behave"),
    [(False, stay_silent), (True, stay_silent), (True, begin_to_speak)],
    ids=["a whole answer", "a stream that has not begun", "a stream that has begun"],
)
async def test_a_client_that_leaves_is_not_generated_for(
    gateway: Gateway, stream: bool, behave: Callable[[Visit], Awaitable[None]]
) -> None:
    async with serving(behave) as provider:
        name = provided(gateway, provider)
        waits = []
        for number in range(TRIES):
            client = Client(gateway, f"{name}/model", stream)
            waits.append(await left_after(provider, number, client.leave()))
            if waits[-1] < AT_ONCE_S:
                return
        pytest.fail(f"It took {waits} s")


async def test_the_loser_of_a_hedge_is_not_generated_for(gateway: Gateway) -> None:
    async with serving(stay_silent) as provider:
        name = provided(gateway, provider)
        config = {"hedge": "after", "hedgeAfterMs": 100}
        combo = f"hedged-{name}"
        body = {"name": combo, "models": [f"{name}/model", "sim2/quick"], "config": config}
        gateway.manage("POST", "/api/combos", body)

        async def answered() -> float:
            answer = await asyncio.to_thread(gateway.chat, combo)
            assert answer.headers["x-omniroute-model"] == "quick"
            return time.monotonic()

        waits = []
        for number in range(TRIES):
            waits.append(await left_after(provider, number, asyncio.create_task(answered())))
            if waits[-1] < AT_ONCE_S:
                return
        pytest.fail(f"It took {waits} s")


def provided(gateway: Gateway, provider: Provider) -> str:
    """The provider under a name of its own."""
    name = f"quiet{provider.url.rpartition(':')[2].partition('/')[0]}"
    gateway.add_provider(name, provider.url)
    return name
