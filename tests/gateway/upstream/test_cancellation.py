"""Whoever waits for an answer can stop waiting at any point, and the provider knows at once."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from tests.gateway.upstream.provider import CHUNKED, EVENT, OK, Behaviour, Visit, ask, asked, serving

Waiting = tuple[Visit, asyncio.Task[None]]

AT_ONCE_S = 0.1
PATIENCE = 5
"""Tries: at least one of them is not held up by the machine's other work."""


async def read_forever(url: str, body: bytes = b"{}") -> None:
    upstream = await ask(url, body, idle_s=60)
    try:
        while await upstream.read() is not None:
            pass
    finally:
        upstream.close()


async def noticed_after(task: asyncio.Task[None], visit: Visit) -> float:
    """Seconds from the cancellation to the provider's end of the connection."""
    began = time.monotonic()
    task.cancel()
    await asyncio.wait_for(visit.left.wait(), 30)
    await asyncio.wait({task})
    assert task.cancelled()
    return visit.left_at - began


async def nothing(visit: Visit) -> None:
    await visit.see_off()


async def no_answer(visit: Visit) -> None:
    await visit.request()
    await visit.see_off()


async def half_a_head(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 OK\r\ncontent-")
    await visit.see_off()


async def an_event(visit: Visit) -> None:
    await visit.request()
    await visit.say(CHUNKED + EVENT)
    await visit.see_off()


async def an_error(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\n{")
    await visit.see_off()


@asynccontextmanager
async def under_way(behave: Behaviour, scheme: str = "http", body: bytes = b"{}") -> AsyncIterator[Waiting]:
    """A request that waits for what `behave` does not send."""
    async with serving(behave) as provider:
        task = asyncio.create_task(read_forever(provider.url.replace("http:", f"{scheme}:"), body))
        visit = await provider.visit(0)
        await asyncio.sleep(0.05)
        yield visit, task


@pytest.mark.parametrize(
    ("behave", "scheme"),
    [(nothing, "https"), (no_answer, "http"), (half_a_head, "http"), (an_event, "http"), (an_error, "http")],
    ids=["in the handshake", "before an answer", "within the head", "within a stream", "within an error"],
)
async def test_cancelling_closes_the_connection_at_once(behave: Behaviour, scheme: str):
    waits = []
    for _ in range(PATIENCE):
        async with under_way(behave, scheme) as (visit, task):
            waits.append(await noticed_after(task, visit))
        if waits[-1] < AT_ONCE_S:
            return
    pytest.fail(f"It took {waits} s")


async def test_cancelling_an_upload_ends_it():
    received = 0

    async def behave(visit: Visit) -> None:
        nonlocal received
        await go.wait()
        try:
            while piece := await visit.reader.read(1 << 16):
                received += len(piece)
        finally:
            visit.left.set()

    go = asyncio.Event()
    async with under_way(behave, body=bytes(100_000_000)) as (visit, task):
        task.cancel()
        await asyncio.wait({task})
        go.set()
        await asyncio.wait_for(visit.left.wait(), 30)
    assert task.cancelled()
    assert received < 50_000_000


async def test_cancelling_while_it_connects_leaves_no_socket():
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with closing(socket.create_connection(address)), closing(socket.socket()) as filler:
            filler.setblocking(False)
            filler.connect_ex(address)  # nobody accepts: the next one is not answered
            before = len(os.listdir("/proc/self/fd"))
            task = asyncio.create_task(read_forever(f"http://127.0.0.1:{address[1]}/v1"))
            await asyncio.sleep(0.1)
            assert len(os.listdir("/proc/self/fd")) == before + 1
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
            assert len(os.listdir("/proc/self/fd")) == before


async def test_a_cancellation_is_not_lost_to_an_event_of_the_same_moment():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED + EVENT)
        await visit.see_off()

    async with serving(behave) as provider:
        for number in range(15):
            task = asyncio.create_task(read_forever(provider.url))
            visit = await provider.visit(number)
            await asyncio.sleep(0.02)
            visit.writer.write(EVENT)
            time.sleep(0.01)  # noqa: ASYNC251  (the event is there now, and the loop does not know yet)
            task.cancel()
            await asyncio.wait({task}, timeout=2)
            assert task.cancelled()
            await asyncio.wait_for(visit.left.wait(), 5)


async def test_a_cancellation_is_not_lost_to_an_answer_of_the_same_moment():
    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.see_off()

    async with serving(behave) as provider:
        for number in range(15):
            task = asyncio.create_task(asked(provider.url))
            visit = await provider.visit(number)
            await asyncio.sleep(0.02)
            visit.writer.write(OK)
            time.sleep(0.01)  # noqa: ASYNC251
            task.cancel()
            await asyncio.wait({task}, timeout=2)
            assert task.cancelled()
            await asyncio.wait_for(visit.left.wait(), 5)
