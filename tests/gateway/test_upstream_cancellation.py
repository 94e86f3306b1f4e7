"""A client that leaves in the very moment of an event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from gateway.upstream import close_clients, send
from omniroute.types import UpstreamRequest

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b"d\r\ndata: event\n\n\r\n"


@dataclass
class Provider:
    """One connection, which the test writes to. `closed`: its client left."""

    url: str = ""
    writer: asyncio.StreamWriter | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.writer = writer
        await reader.read()
        self.closed.set()
        writer.close()

    async def connected(self) -> asyncio.StreamWriter:
        while self.writer is None:
            await asyncio.sleep(0.005)
        return self.writer


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        yield made
    await close_clients()


async def read_forever(url: str, seen: asyncio.Event) -> None:
    upstream = await send(UpstreamRequest("POST", url, {}, b"", "openai_chat", True), 5, 60)
    try:
        while await upstream.read() is not None:
            seen.set()
    finally:
        await upstream.close()


async def test_a_cancellation_is_not_lost_to_an_event_of_the_same_moment(provider: Provider):
    """Without the gateway's insisting, every other one is: the library answers with the event."""
    for _ in range(15):
        provider.writer, seen = None, asyncio.Event()
        provider.closed.clear()
        task = asyncio.create_task(read_forever(provider.url, seen))
        writer = await provider.connected()
        writer.write(HEAD + EVENT)
        await seen.wait()
        writer.write(EVENT)
        time.sleep(0.01)  # noqa: ASYNC251  (the event is there now, and the loop does not know yet)
        task.cancel()
        await asyncio.wait({task}, timeout=2)
        assert task.cancelled()
        async with asyncio.timeout(5):
            await provider.closed.wait()
