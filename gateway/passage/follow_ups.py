"""Answers that take several requests: what each of them brings says what to ask next (`Passage.follow_up`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.passage.base import Passage
from gateway.upstream import Upstream
from omniroute.types import UpstreamRequest

Send = Callable[[UpstreamRequest], Awaitable[Upstream]]


class Finished:
    """The last answer, read to its end."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes | None:
        body, self._body = self._body, b""
        return body or None

    async def read_all(self) -> bytes:
        return await self.read() or b""

    def close(self) -> None:
        pass


async def walk(first: Upstream, request: UpstreamRequest, passage: Passage, send: Send) -> Finished:
    """Raise `UpstreamError` where one of the steps fails."""
    upstream = first
    while True:
        try:
            body = await upstream.read_all()
        finally:
            upstream.close()
        step = passage.follow_up(request, body)
        if step is None:
            return Finished(body)
        await asyncio.sleep(step.wait_s)
        upstream = await send(step.request)
