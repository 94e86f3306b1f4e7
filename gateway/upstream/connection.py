"""One connection to an upstream: one request at a time, its bytes out, its answer in."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from gateway.upstream.failures import broken, reset
from gateway.upstream.head import Way
from gateway.upstream.reply import BadReply, Reply
from omniroute.errors import UpstreamError, UpstreamTimeout

READ_AHEAD = 64 * 1024
"""Bytes of an answer that may wait for their reader before the upstream is made to wait."""


_NOTHING = Reply()


class Connection(asyncio.Protocol):
    """Whatever goes wrong, cancellation included, leaves it closed at once, with nothing more read or written.

    Waiting is limited by silence: `idle_s` seconds without a byte from the upstream, and without one taken by it.
    """

    __slots__ = (
        "_due",
        "_failure",
        "_idle_s",
        "_is_paused",
        "_loop",
        "_timer",
        "_transport",
        "_unsent",
        "_waiter",
        "heard",
        "idle_since",
        "reply",
        "way",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport
        self.reply = _NOTHING
        self.way: Way
        self._failure: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._idle_s = 0.0
        self._unsent = 0
        self._is_paused = False
        self.heard = False
        """Whether a byte of the present answer came."""
        self.idle_since = 0.0

    async def ask(self, head: bytes, body: bytes, idle_s: float) -> Reply:
        """Send a request and return once the answer's head is there. Raise `UpstreamError`."""
        self.reply = reply = Reply()
        self._idle_s, self.heard = idle_s, False
        try:
            self._transport.writelines((head, body))
            while not reply.has_head:
                await self._arrival()
        except BaseException:
            self.abort()
            raise
        return reply

    async def read(self) -> bytes | None:
        """The next bytes of the body as they come, None at its end. Raise `UpstreamError`."""
        reply = self.reply
        try:
            while not reply.body:
                if reply.is_complete:
                    return None
                await self._arrival()
        except BaseException:
            self.abort()
            raise
        self._resume()
        return reply.take()

    def finish(self) -> bool:
        """The request is over. Whether the connection can serve another one; if not, it is closed."""
        reply, self.reply = self.reply, _NOTHING
        self._resume()
        if (
            not (reply.is_complete and reply.keeps_alive)
            or self._transport.is_closing()
            or self._transport.get_write_buffer_size()
        ):
            self.abort()
            return False
        return True

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Raise `OSError`, `ssl.SSLError` among them."""
        try:
            transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        except TypeError as error:
            # Of TLS within TLS, the loop of Python 3.11.7 and before stumbles while it says what failed (gh-113214).
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
        if transport is None:
            raise ConnectionResetError("closed during the TLS handshake")
        self._transport = transport

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def close(self) -> None:
        """For one that is idle: the upstream is told."""
        self._transport.close()

    def abort(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()

    # -- waiting
    async def _arrival(self) -> None:
        """Until something happens. Raise `UpstreamError` if nothing does, or nothing more can."""
        if self._failure is not None:
            raise self._failure
        self._due = self._loop.time() + self._idle_s
        if self._timer is None or self._timer.when() > self._due:
            self._unsent = self._transport.get_write_buffer_size()
            self._set_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        """At the clock: one timer for all the waits of a connection, moved on when it fires."""
        self._timer = None
        if self._waiter is None:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._due = self._loop.time() + self._idle_s
        if self._loop.time() < self._due:
            self._unsent = unsent
            self._set_timer()
            return
        self._fail(UpstreamTimeout(f"The provider did not answer in time: {self._idle_s:g} s without a byte"))

    def _fail(self, error: UpstreamError) -> None:
        self._failure = self._failure or error
        self._wake()
        self.abort()

    # -- what the event loop calls
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        reply = self.reply
        if reply is _NOTHING:  # that was asked for
            self.abort()
            return
        self.heard = True
        try:
            reply.feed(data)
        except BadReply as error:
            self._fail(broken(error))
            return
        if reply.size > READ_AHEAD and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.reply is not _NOTHING and self._failure is None:
            try:
                if error is not None and not self.reply.is_complete:
                    self._failure = reset(error)
                else:
                    self.reply.end()
            except BadReply as cut:
                self._failure = broken(cut)
        self._wake()
