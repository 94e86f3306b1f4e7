"""Sends an answer over ASGI, with whatever faults it shall have."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from typing import Any

from gateway.simulator.behavior import Behavior
from gateway.simulator.formats.base import Step, dump
from gateway.simulator.journal import Entry
from gateway.simulator.question import JSONDict

Send = Callable[[dict[str, Any]], Awaitable[None]]
_JSON = "application/json"


class Cut(Exception):
    """The connection shall be closed with the response unfinished."""


class Player:
    def __init__(self, send: Send, entry: Entry, behavior: Behavior) -> None:
        self._send, self._entry, self._behavior = send, entry, behavior
        self._packer: Any = None

    async def json(
        self, body: JSONDict, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        await self.plain(dump(body), _JSON, status, headers)

    async def error(self, body: JSONDict, status: int) -> None:
        """With Retry-After where the behaviour has one, in seconds or as a date."""
        headers: tuple[tuple[str, str], ...] = ()
        seconds = self._behavior.retry_after
        if seconds is not None:
            as_date = formatdate(time.time() + seconds, usegmt=True)
            headers = (("retry-after", as_date if self._behavior.retry_as_date else str(seconds)),)
        await self.json(body, status, headers)

    async def plain(
        self, body: bytes, content_type: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """A whole body; a cut leaves it half sent."""
        behavior = self._behavior
        if behavior.gzip:
            packer = zlib.compressobj(wbits=31)
            body, headers = packer.compress(body) + packer.flush(), (*headers, ("content-encoding", "gzip"))
        await self._start(
            status, (("content-length", str(len(body))), ("content-type", content_type), *headers)
        )
        if behavior.cut_after is not None or behavior.end_after is not None:
            await self._write(body[: len(body) // 2])
            raise Cut
        if behavior.stall_after is not None:
            await self._write(body[: len(body) // 2])
            await asyncio.Event().wait()
        await self._write(body, more=False)

    async def canned(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        await self._start(status, headers)
        await self._write(body, more=False)

    async def stream(self, steps: Iterable[Step], error: bytes, content_type: str) -> None:
        """`error` is what a failure in band looks like."""
        behavior = self._behavior
        headers: tuple[tuple[str, str], ...] = (("content-type", content_type), ("cache-control", "no-cache"))
        if behavior.gzip:
            self._packer = zlib.compressobj(wbits=31)
            headers = (*headers, ("content-encoding", "gzip"))
        await self._start(200, headers)
        if behavior.empty:
            return await self._write(b"", more=False)
        await self._play(until_fault(list(steps), behavior))
        if behavior.cut_after is not None:
            raise Cut
        if behavior.stall_after is not None:
            await asyncio.Event().wait()
        if behavior.error_after is not None:
            await self._chunk(error)
        return await self._write(self._packer.flush() if self._packer else b"", more=False)

    async def _play(self, steps: list[Step]) -> None:
        wait = self._behavior.first_ms
        for step in steps:
            if step.content:
                if wait := wait + self._behavior.interval_ms:
                    await asyncio.sleep(wait / 1000)
                wait = 0
                if self._behavior.comments:
                    await self._chunk(b": still here\n\n")
            await self._chunk(step.data)

    async def _chunk(self, data: bytes) -> None:
        if self._packer:
            data = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        size = self._behavior.split or len(data)
        for start in range(0, len(data), size):
            await self._write(data[start : start + size])
            if size < len(data):
                await asyncio.sleep(0)

    async def _start(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self._entry.status = status
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _write(self, data: bytes, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


def until_fault(steps: list[Step], behavior: Behavior) -> list[Step]:
    """The steps before the fault: up to its content event, or to the last one where there are fewer."""
    faults = (behavior.cut_after, behavior.end_after, behavior.stall_after, behavior.error_after)
    after = next((fault for fault in faults if fault is not None), None)
    if after is None:
        return steps
    shown = [index for index, step in enumerate(steps) if step.content]
    if after < len(shown):
        return steps[: shown[after]]
    return steps[: shown[-1] + 1] if shown else []
