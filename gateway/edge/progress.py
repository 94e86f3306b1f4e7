"""Progress events in a stream, for clients that ask for them: how much was generated, and how long it took so far.

    event: progress
    data: {"tokens_generated": 120, "elapsed_ms": 2003}

They are outside of every wire format, so nobody gets them unasked (docs/caching.md).
"""

from __future__ import annotations

import asyncio

from gateway.edge.responses import Streaming, Write
from gateway.wire import get_format, ir, json
from gateway.wire.base import StreamParser
from gateway.wire.sse import DONE, Decoder, ServerEvent
from gateway.wire.tokens import estimate_texts
from omniroute.errors import GatewayError
from omniroute.types import InboundRequest

HEADER = "x-omniroute-progress"
INTERVAL_S = 2.0


def shown(response: Streaming, inbound: InboundRequest) -> Streaming:
    """`response` with progress events, where it is a stream of events whose client wants them."""
    wanted = inbound.headers.get(HEADER, "").strip().lower() in ("true", "1", "yes")
    if not wanted or not response["content-type"].startswith("text/event-stream"):
        return response
    return Progress(response, inbound)


class Progress(Streaming):
    def __init__(self, stream: Streaming, inbound: InboundRequest) -> None:
        headers = {**dict(stream.items()), "X-OmniRoute-Progress": "enabled"}
        super().__init__(status=stream.status_code, headers=headers)
        self._stream, self._counter = stream, _Counter(inbound.format)
        self._is_done = False
        self._between_events = True

    async def stream_to(self, write: Write) -> None:
        started = asyncio.get_running_loop().time()
        ticking = asyncio.create_task(self._tick(write, started))

        async def watch(part: bytes) -> None:
            ends = self._counter.feed(part)
            if ends and not self._is_done:
                await self._tell(write, started, done=True)
            self._between_events = part.endswith((b"\n\n", b"\r\n\r\n"))
            await write(part)

        try:
            await self._stream.stream_to(watch)
        finally:
            ticking.cancel()
        if not self._is_done:
            await self._tell(write, started, done=True)

    async def _tick(self, write: Write, started: float) -> None:
        while not self._is_done:
            await asyncio.sleep(INTERVAL_S)
            if self._between_events and not self._is_done:
                await self._tell(write, started)

    async def _tell(self, write: Write, started: float, done: bool = False) -> None:
        elapsed = asyncio.get_running_loop().time() - started
        said: dict[str, int | bool] = {
            "tokens_generated": self._counter.tokens,
            "elapsed_ms": round(elapsed * 1000),
        }
        if done:
            self._is_done = said["done"] = True
        await write(b"event: progress\ndata: " + json.dumps(said) + b"\n\n")


class _Counter:
    """Tokens of a stream in its client's format: estimated from its text, until the provider's count comes by."""

    def __init__(self, format: str) -> None:
        self._format = get_format(format)
        self._decoder = Decoder()
        # The legacy format is only emitted here, so its events are counted instead of parsed.
        legacy = bool(self._format.provider_format)
        self._parser: StreamParser | None = None if legacy else self._format.stream_parser()
        self._estimated = 0.0
        self._counted: int | None = None

    @property
    def tokens(self) -> int:
        return self._counted if self._counted is not None else round(self._estimated)

    def feed(self, part: bytes) -> bool:
        """True: with this part the stream ends."""
        ends = False
        for event in self._decoder.feed(part):
            ends = ends or event.data == DONE or self._format.is_end(event)
            self._count(event)
        return ends

    def _count(self, event: ServerEvent) -> None:
        if self._parser is None:
            self._estimated += bool(event.data) and event.data != DONE
            return
        try:
            found = self._parser.feed(event)
        except GatewayError:  # the stream's own trouble, told to its client by others
            return
        for each in found:
            if isinstance(each, ir.PartDelta):
                self._estimated += len(each.text) / 4 if each.text.isascii() else estimate_texts((each.text,))
            elif isinstance(each, ir.UsageReported) and each.usage.output_tokens:
                self._counted = each.usage.output_tokens
