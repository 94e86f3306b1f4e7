"""A provider over a real socket that says exactly what a test wants said."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from gateway.upstream import Upstream, close_connections, send
from omniroute.types import UpstreamRequest
from providers.proxies import Proxy

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
COME_S = 60.0
EVENT = b"d\r\ndata: event\n\n\r\n"


@dataclass
class Visit:
    """One connection. `left` is set once its client has closed it, `left_at` says when (`time.monotonic`)."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    requests: list[bytes] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    left_at: float = 0.0

    async def request(self) -> bytes:
        """The next one, head and body. Raise `EOFError` where there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        self.requests.append(head + await self.reader.readexactly(length))
        return self.requests[-1]

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection in the rudest way."""
        self.writer.transport.abort()

    async def see_off(self) -> None:
        with suppress(OSError):
            while await self.reader.read(65536):
                pass
        self.left_at = time.monotonic()
        self.left.set()


Behaviour = Callable[[Visit], Awaitable[None]]


@dataclass
class Provider:
    url: str
    visits: list[Visit] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def visit(self, number: int) -> Visit:
        """The `number`th connection, once it is there. Raise `TimeoutError` where it does not come."""
        async with asyncio.timeout(COME_S), self.came:
            await self.came.wait_for(lambda: len(self.visits) > number)
        return self.visits[number]


@asynccontextmanager
async def serving(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """`behave` gets each connection; when it returns, the connection is closed."""
    provider = Provider("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer, len(provider.visits))
        provider.visits.append(visit)
        async with provider.came:
            provider.came.notify_all()
        with suppress(EOFError, OSError):
            await behave(visit)
        writer.close()

    # Beyond the backlog, connections that the client takes for made are none, and nobody says so.
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=1 << 16, backlog=2048)
    port = server.sockets[0].getsockname()[1]
    provider.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    try:
        yield provider
    finally:
        await close_connections()
        server.close()
        for visit in provider.visits:
            visit.writer.transport.abort()
        await asyncio.sleep(0)


async def answer_all(visit: Visit) -> None:
    """Every request with the same short answer."""
    while await visit.request():
        await visit.say(OK)


def question(url: str, body: bytes = b"{}", **headers: str) -> UpstreamRequest:
    return UpstreamRequest("POST", url, headers, body, "openai_chat", True)


async def ask(
    url: str, body: bytes = b"{}", *, connect_s: float = 5, idle_s: float = 10, proxy: Proxy | None = None
) -> Upstream:
    return await send(question(url, body), connect_s, idle_s, proxy)


async def asked(url: str, body: bytes = b"{}", *, idle_s: float = 10, proxy: Proxy | None = None) -> bytes:
    """The whole answer."""
    upstream = await ask(url, body, idle_s=idle_s, proxy=proxy)
    try:
        return await upstream.read_all()
    finally:
        upstream.close()
