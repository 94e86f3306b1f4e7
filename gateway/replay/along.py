"""A stream that another process is asked for, read along from its first event on.

Who waits for it tells its process so, again and again while it waits; only then do the stream's parts go to Redis: a
stream of which nobody wants a second copy costs nothing. A process that reads along counts as one reader of the
recording: the work goes on for it when the first client leaves, and ends when the last one has left, wherever that was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from gateway.edge.responses import Streaming, Write, broken_off
from gateway.exchange import Exchange, Served
from gateway.passage.base import stream_error
from gateway.replay.recording import Recording
from gateway.replay.repeats import HEADER, Claim, Finish, served, table
from gateway.wire import get_format
from omniroute.errors import GatewayError, UpstreamBroken
from omniroute.shared_state import PROCESS, Unavailable, asking, client, guard, name
from resilience.gossip import Tell, gossip, nobody

TELL_S = 1.0
"""How often a reader says that it still reads."""
HEARD_S = 6.0
"""A process that said nothing for so long does not read any more."""
BLOCK_MS = 400
"""For one look at Redis, well below `shared_state.TIMEOUT_S`."""
KEPT_MS = 30_000
"""Parts are forgotten so long after the last word of the process that passes them on."""


class End(msgspec.Struct):
    """How it ended. `status` 0: it broke, and nothing can be said to the client in its name."""

    status: int
    code: str | None = None
    message: str = ""
    served: tuple[str, str, int | None, str] | None = None


class Piece(msgspec.Struct):
    """Bytes of the stream that begin at `at`. Pieces may overlap: what was passed on may be passed on again."""

    at: int = 0
    data: bytes = b""
    head: tuple[int, dict[str, str]] | None = None
    """Status and headers, in the first one."""
    end: End | None = None


_encode: Callable[[Piece], bytes] = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Piece] = msgspec.msgpack.Decoder(Piece).decode


def _key(scope: str, request: str) -> str:
    return name("stream", scope, request)


class Relays:
    """The streams of this process that others read along."""

    def __init__(self) -> None:
        self._readers: dict[str, dict[str, float]] = {}
        """Request → process → when it was heard last, on the event loop's clock."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.tell: Tell = nobody

    def hear(self, count: int, scope: str, request: str, process: str, reads: bool) -> None:
        readers = self._readers.get(request)
        if not reads:
            if readers is not None:
                readers.pop(process, None)
            return
        loop = asyncio.get_running_loop()
        if readers is None:
            entry = table.running(scope, request)
            if entry is None:
                return
            readers = self._readers[request] = {}
            task = loop.create_task(self._relay(scope, entry.exchange, entry.recording, readers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        readers[process] = loop.time()

    async def _relay(
        self, scope: str, exchange: Exchange, recording: Recording, readers: dict[str, float]
    ) -> None:
        request = exchange.inbound.id
        try:
            with recording.reading(), suppress(Unavailable):
                await self._pass_on(_key(scope, request), exchange, recording, readers)
        finally:
            del self._readers[request]

    async def _pass_on(
        self, key: str, exchange: Exchange, recording: Recording, readers: dict[str, float]
    ) -> None:
        """Until its end, or until nobody reads. The last part waits, since it may be the end: that follows its row.

        Raise `Unavailable`.
        """
        loop = asyncio.get_running_loop()
        parts, sent, at, head = recording.parts, 0, 0, False
        while any(loop.time() - heard < HEARD_S for heard in readers.values()):
            closed = recording.closed
            if recording.head is not None and recording.head.streamed:
                until = len(parts) if closed else max(sent, len(parts) - 1)
                piece = Piece(at, b"".join(parts[sent:until]))
                if not head:
                    piece.head = (recording.head.status, recording.head.headers)
                if closed:
                    piece.end = _end(exchange, recording)
                await _push(key, piece if piece.data or piece.head or piece.end else None)
                sent, at, head = until, at + len(piece.data), True
            if closed:
                return
            if len(parts) <= sent + 1 and recording.closed is closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(TELL_S):
                        await recording.changed()


def _end(exchange: Exchange, recording: Recording) -> End:
    if recording.failure is not None:
        return End(0)
    who, error = served(exchange), exchange.error
    return End(
        exchange.status,
        error.code if error else None,
        error.message if error else "",
        (who.provider, who.model, who.account_id, who.account_name) if who else None,
    )


async def _push(key: str, piece: Piece | None) -> None:
    async with asking() as redis, redis.pipeline(transaction=False) as both:
        if piece is not None:
            both.xadd(key, {b"p": _encode(piece)})
        both.pexpire(key, KEPT_MS)
        await both.execute()


relays = Relays()
relays.tell = gossip.join("streams", relays.hear)


class Along:
    """One process' reading of a stream that runs elsewhere, as `request`."""

    def __init__(self, claim: Claim, request: str) -> None:
        self._scope, self._request = claim.scope, request
        self._key, self._last = _key(claim.scope, request), b"0-0"
        self._told = float("-inf")

    def leave(self) -> None:
        """Nobody here reads any more."""
        relays.tell(self._scope, self._request, PROCESS, False)

    async def next(self) -> list[Piece]:
        """What has come meanwhile; empty if nothing came for `BLOCK_MS`. Raise `Unavailable`."""
        now = asyncio.get_running_loop().time()
        if now - self._told >= TELL_S:
            self._told = now
            relays.tell(self._scope, self._request, PROCESS, True)
        with guard:
            found: Any = await client().xread({self._key: self._last}, block=BLOCK_MS)
        if not found:
            return []
        [(_, entries)] = found
        self._last = entries[-1][0]
        return [_decode(fields[b"p"]) for _, fields in entries]


class AlongStream(Streaming):
    """The stream for the readers of this process. `first` holds the piece with the head."""

    def __init__(
        self,
        along: Along,
        first: list[Piece],
        exchange: Exchange,
        record: Finish,
        rest: Callable[[int], Awaitable[tuple[End, bytes] | None]],
    ) -> None:
        status, headers = first[0].head or (200, {})
        super().__init__(
            status=status, headers={**headers, HEADER: "true", "x-request-id": exchange.inbound.id}
        )
        self._along, self._first, self._exchange, self._record = along, first, exchange, record
        self._rest = rest
        """Gives what is left after so many bytes where the stream is over, None where it runs; raises `LookupError`
        where it is neither."""

    async def stream_to(self, write: Write) -> None:
        try:
            end, last = await self._read(write)
        except asyncio.CancelledError as error:
            self._exchange.fail(broken_off(error))
            self._record()  # on its way once this returns
            raise
        finally:
            self._along.leave()
        await self._finish(end)
        await write(last)

    async def _read(self, write: Write) -> tuple[End, bytes]:
        """Everything but the last bytes, which wait for the row."""
        sent, missing, pieces = 0, False, self._first
        while True:
            for piece in pieces:
                if piece.at > sent:
                    return self._lost()
                data, end = piece.data[sent - piece.at :], piece.end
                if end is not None and end.status:
                    return end, data
                await write(data)
                sent += len(data)
                if end is not None:
                    return self._lost()
            try:
                pieces = await self._along.next()
                if pieces:
                    missing = False
                elif (rest := await self._rest(sent)) is not None:
                    return rest
            except (LookupError, Unavailable):
                if missing:  # its end may have been told between the two looks
                    return self._lost()
                missing, pieces = True, []

    def _lost(self) -> tuple[End, bytes]:
        error = UpstreamBroken("The process that was asked for this answer ended before it")
        inbound = self._exchange.inbound
        return End(error.status, error.code, error.message), stream_error(
            get_format(inbound.format), inbound, error
        )

    async def _finish(self, end: End) -> None:
        exchange = self._exchange
        exchange.replayed = Served(*end.served) if end.served else None
        exchange.cache_hit = end.status == 200
        if end.status != 200:
            exchange.fail(GatewayError(end.message, status=end.status, code=end.code))
        await self._record()
