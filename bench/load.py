"""The load generator: raw asyncio protocols on httptools, so that it costs less than what it measures."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools

_MARK = re.compile(rb"@(\d{10,})@")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send which bytes."""

    host: str
    port: int
    request: bytes

    @classmethod
    def post(cls, url: str, body: bytes, headers: dict[str, str]) -> Target:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        head = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return cls(parts.hostname, parts.port, f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + body)


@dataclass(slots=True)
class PlainResult:
    """Latencies in seconds, of the answers with status 200 that came within the time."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class StreamResult:
    """Times in seconds. `delays`: from the upstream's write to here, per event."""

    seconds: float = 0.0
    first: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    complete: int = 0
    errors: int = 0

    @property
    def rate(self) -> float:
        return len(self.delays) / self.seconds if self.seconds else 0.0


class _Connection(asyncio.Protocol):
    """Sends a request and hands what comes back to a subclass."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._go()

    def _go(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sent = time.perf_counter()
        self._transport.write(self._target.request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        self._transport.close()


class _Plain(_Connection):
    def __init__(self, target: Target, result: PlainResult, until: float) -> None:
        super().__init__(target)
        self._result, self._until = result, until

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        if self._parser.get_status_code() != 200:
            self._result.errors += 1
        elif now <= self._until:
            self._result.latencies.append(now - self._sent)
        if now >= self._until:
            self._finish()
        elif self._parser.should_keep_alive():
            self._go()
        else:
            self._result.errors += 1
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._result.errors += 1
        super().connection_lost(error)


class _Stream(_Connection):
    def __init__(self, target: Target, result: StreamResult, events: int) -> None:
        super().__init__(target)
        self._result, self._events = result, events
        self._seen, self._rest = 0, b""

    def on_body(self, body: bytes) -> None:
        data = self._rest + body
        whole = data.rfind(b"\n") + 1
        self._rest = data[whole:]
        now = time.monotonic_ns()
        for mark in _MARK.findall(data, 0, whole):
            if not self._seen:
                self._result.first.append(time.perf_counter() - self._sent)
            self._seen += 1
            self._result.delays.append((now - int(mark)) / 1e9)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() == 200 and self._seen == self._events:
            self._result.complete += 1
        else:
            self._result.errors += 1
        self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._result.errors += 1
        super().connection_lost(error)


async def plain(target: Target, connections: int, seconds: float) -> PlainResult:
    """Keep `connections` busy, each with one request at a time. Returns when all of them are answered."""
    loop, result = asyncio.get_running_loop(), PlainResult()
    began = time.perf_counter()
    opened = [
        (
            await loop.create_connection(
                lambda: _Plain(target, result, began + seconds), target.host, target.port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.wait([connection.done for connection in opened], timeout=seconds + 30)
    result.errors += sum(not connection.done.done() for connection in opened)
    result.seconds = min(seconds, time.perf_counter() - began)
    return result


async def streams(target: Target, count: int, events: int, timeout_s: float = 60) -> StreamResult:
    """Open `count` streams at once, a connection each, and read them to their ends."""
    loop, result = asyncio.get_running_loop(), StreamResult()
    began = time.perf_counter()
    connecting = (
        loop.create_connection(lambda: _Stream(target, result, events), target.host, target.port)
        for _ in range(count)
    )
    opened = [connection for _, connection in await asyncio.gather(*connecting)]
    await asyncio.wait([connection.done for connection in opened], timeout=timeout_s)
    result.errors += sum(not connection.done.done() for connection in opened)
    result.seconds = time.perf_counter() - began
    for connection in opened:
        connection.connection_lost(None)
    return result


def percentile(values: list[float], share: float) -> float | None:
    """None of no values."""
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
