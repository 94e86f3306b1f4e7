"""Connections that wait for their next request."""

from __future__ import annotations

import asyncio

from gateway.upstream.connection import Connection
from gateway.upstream.dialing import dial
from gateway.upstream.head import Way, address_of, request_head
from omniroute.errors import UpstreamBroken
from omniroute.types import UpstreamRequest
from providers.proxies import Proxy

IDLE_S = 60.0
"""How long a connection waits; many servers close theirs after 60 to 75 seconds."""
MAX_IDLE = 512
"""Connections that wait for requests of one way."""
LOOK_EVERY_S = 10.0


class Pool:
    """The connections of one event loop. Those in use are not limited, and not known here."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: dict[Way, list[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def ask(
        self, request: UpstreamRequest, connect_s: float, idle_s: float, proxy: Proxy | None
    ) -> Connection:
        """Send it and return once the head of the answer is there. Raise `UpstreamError`.

        The upstream may close a waiting connection at the very moment of the request. One that ends before a byte of
        the answer is taken for that, and the request is sent once more, over a new one.
        """
        address = address_of(request.url)
        way = Way(address.place, proxy)
        head = request_head(request, address, proxy if way.is_forwarded else None)
        connection = self._take(way)
        if connection is not None:
            try:
                await connection.ask(head, request.body, idle_s)
                return connection
            except UpstreamBroken:
                if connection.heard:
                    raise
        connection = await dial(way, connect_s)
        await connection.ask(head, request.body, idle_s)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Nothing more is wanted of its answer. Read to its end, it waits for another request; else it is closed."""
        if not connection.finish():
            return
        waiting = self._idle.setdefault(connection.way, [])
        if len(waiting) >= MAX_IDLE:
            connection.close()
            return
        connection.idle_since = self._loop.time()
        waiting.append(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._close_old)

    def drop(self, connection: Connection) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(connection.abort)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiting in self._idle.values():
            for connection in waiting:
                connection.close()
        self._idle.clear()

    def _take(self, way: Way) -> Connection | None:
        """The one that waits for the shortest time: the others may grow old, and be closed."""
        waiting = self._idle.get(way)
        while waiting:
            connection = waiting.pop()
            if connection.is_open:
                return connection
        return None

    def _close_old(self) -> None:
        self._timer = None
        oldest = self._loop.time() - IDLE_S
        kept = {}
        for way, waiting in self._idle.items():
            fresh = [found for found in waiting if found.is_open and found.idle_since > oldest]
            for connection in set(waiting).difference(fresh):
                connection.close()
            if fresh:
                kept[way] = fresh
        self._idle = kept
        if kept:
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._close_old)


_pools: dict[asyncio.AbstractEventLoop, Pool] = {}


def pool() -> Pool:
    """The running loop's. Those of loops that are over are forgotten."""
    loop = asyncio.get_running_loop()
    found = _pools.get(loop)
    if found is None:
        for other in [other for other in _pools if other.is_closed()]:
            del _pools[other]
        found = _pools[loop] = Pool(loop)
    return found
