"""One answer as it comes, for everybody who waits for it: whole, or a stream that late-comers read from its start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway.edge.responses import Streaming, Write


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: dict[str, str]
    streamed: bool


class Recording:
    """Runs in a task of its own, so that it does not end with the request that began it, but with its last reader."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.parts: list[bytes] = []
        self.closed = False
        self.failure: BaseException | None = None
        self.abandoned = False
        """Its last reader left before the end: there is nothing to join any more."""
        self._readers = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))

    def start(self, ask: Callable[[], Awaitable[HttpResponseBase]], ended: Callable[[], None]) -> None:
        """`ended` is called when the answer is complete, or failed."""
        self._task = asyncio.get_running_loop().create_task(self._run(ask, ended))

    async def _run(self, ask: Callable[[], Awaitable[HttpResponseBase]], ended: Callable[[], None]) -> None:
        try:
            response = await ask()
            streamed = isinstance(response, Streaming)
            self.head = Head(response.status_code, dict(response.items()), streamed)
            if isinstance(response, Streaming):
                self._tell()
                await response.stream_to(self._write)
            elif isinstance(response, HttpResponse):
                self.parts.append(response.content)
        except BaseException as error:  # the readers raise it
            self.failure = error
        finally:
            self.closed = True
            ended()
            self._tell()

    async def _write(self, part: bytes) -> None:
        self.parts.append(part)
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @contextmanager
    def reading(self) -> Iterator[None]:
        self._readers += 1
        try:
            yield
        finally:
            self.leave()

    def join(self) -> None:
        self._readers += 1

    def leave(self) -> None:
        """The last reader's leaving ends the work: nobody wants it any more."""
        self._readers -= 1
        if not self._readers and not self.closed and self._task is not None:
            self.abandoned = True
            self._task.cancel()

    async def changed(self) -> None:
        """Return when there is more, or the end."""
        if self.closed:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    async def response(
        self,
        finish: Callable[[], Awaitable[None]] | None,
        headers: dict[str, str],
        abandon: Callable[[], object] | None = None,
    ) -> HttpResponseBase:
        """For one reader. `finish` is awaited before its last byte; `abandon` is called if it leaves a stream.

        Raise what the recorded request raised.
        """
        with self.reading():
            while self.head is None and not self.closed:
                await self.changed()
            head = self.head
            if head is None:
                raise self.failure or RuntimeError("The recording ended without an answer")
            if head.streamed:
                self.join()
                return RecordedStream(self, head, finish, headers, abandon)
            while not self.closed:
                await self.changed()
            if finish is not None:
                await finish()
            return HttpResponse(
                b"".join(self.parts), status=head.status, headers=_without_length(head.headers) | headers
            )


class RecordedStream(Streaming):
    """A reader of a recorded stream. It has joined the recording, and leaves it at the end of `stream_to`."""

    def __init__(
        self,
        recording: Recording,
        head: Head,
        finish: Callable[[], Awaitable[None]] | None,
        headers: dict[str, str],
        abandon: Callable[[], object] | None,
    ) -> None:
        super().__init__(status=head.status, headers=_without_length(head.headers) | headers)
        self._recording, self._finish, self._abandon = recording, finish, abandon

    async def stream_to(self, write: Write) -> None:
        recording, sent = self._recording, 0
        try:
            while True:
                while (
                    sent < len(recording.parts) - 1
                ):  # the last one may be the end, which waits for `finish`
                    await write(recording.parts[sent])
                    sent += 1
                if recording.closed:
                    break
                if sent < len(recording.parts) and self._finish is None:
                    await write(recording.parts[sent])
                    sent += 1
                    continue
                await recording.changed()
            if self._finish is not None:
                await self._finish()
            for part in recording.parts[sent:]:
                await write(part)
            if recording.failure is not None:
                raise recording.failure
        except asyncio.CancelledError:
            if self._abandon is not None:
                self._abandon()
            raise
        finally:
            recording.leave()


def _without_length(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}
