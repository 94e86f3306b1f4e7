"""What goes back over ASGI: whole answers, errors and streams, always in the client's format."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway.exchange import CLIENT_LEFT, Exchange
from gateway.passage.answers import StreamAnswer
from gateway.passage.base import JSON_TYPE, stream_error
from gateway.trial import LEFT_BY_CLIENT
from gateway.wire import json
from gateway.wire.base import WireFormat
from omniroute.errors import BudgetExceeded, GatewayError, UpstreamRefused

logger = logging.getLogger(__name__)

Write = Callable[[bytes], Awaitable[None]]


def answer_headers(exchange: Exchange) -> dict[str, str]:
    """Who served it, after how many attempts. Names are made safe: they are the administrator's free text."""
    headers = {"x-request-id": exchange.inbound.id, "x-omniroute-attempts": str(len(exchange.trials))}
    if (trial := exchange.told) is not None:
        target = trial.attempt.target
        headers["x-omniroute-provider"] = target.provider.id
        headers["x-omniroute-model"] = header_text(target.model)
        headers["x-omniroute-account"] = header_text(trial.attempt.account.name)
    if exchange.conversation is not None:
        headers["x-omniroute-session-id"] = header_text(exchange.conversation.id)
    if exchange.warning:
        headers["x-omniroute-budget"] = header_text(exchange.warning)
    if trail := exchange.trail():
        headers["x-omniroute-fallback"] = header_text(trail)
    return headers


MAX_HEADER = 500
_UNPRINTABLE = re.compile("[^ -~]")


def header_text(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[:MAX_HEADER])


def error_response(
    format: WireFormat, error: GatewayError, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The provider's own JSON where it speaks the client's format, else the error in that format's shape."""
    error.request_id = headers.get("x-request-id") if headers else None
    if isinstance(error, UpstreamRefused) and error.format == format.name and _is_told(error.body):
        body = error.body
    else:
        body = json.dumps(format.emit_error(error))
    response = HttpResponse(body, status=error.status, content_type=JSON_TYPE, headers=dict(headers or {}))
    if error.retry_after is not None:
        response["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, BudgetExceeded) and error.is_final:
        response["x-should-retry"] = "false"  # vendors' SDKs would try twice more
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def _is_told(body: bytes) -> bool:
    """JSON that says something, in whatever words: Mistral's `detail`, the list that Gemini's array streams have for
    errors. An HTML page or a bare word tells no SDK anything."""
    try:
        value = json.loads(body)
    except GatewayError:
        return False
    return isinstance(value, dict | list) and bool(value)


class Streaming(HttpResponseBase):
    """A stream of events. The lean handler hands it a `write` and awaits `stream_to`; nothing is iterated."""

    streaming = True
    sign_of_life = b""
    """What its client gets while nothing else comes. It fits between any two parts, which are whole events."""
    silence_s = 3600.0
    """When."""

    async def stream_to(self, write: Write) -> None:
        raise NotImplementedError


class Recorded(Streaming):
    """A stream of which somebody wants a copy: `end` gets it once it is complete, and nothing of it where it breaks."""

    def __init__(
        self, stream: Streaming, end: Callable[[HttpResponseBase | None, bytes], Awaitable[None]]
    ) -> None:
        super().__init__(status=stream.status_code, headers=dict(stream.items()))
        self._stream, self._end = stream, end

    async def stream_to(self, write: Write) -> None:
        parts: list[bytes] = []

        async def copy(part: bytes) -> None:
            parts.append(part)
            await write(part)

        try:
            await self._stream.stream_to(copy)
        except BaseException:
            await asyncio.shield(self._end(None, b""))
            raise
        await self._end(self, b"".join(parts))


class StreamedResponse(Streaming):
    """A stream of events from a provider.

    `pending` is the search for an answer, which may still be going on: then the client gets an error in band, since its
    status has been sent.
    """

    def __init__(
        self,
        format: WireFormat,
        exchange: Exchange,
        pending: asyncio.Future[StreamAnswer],
        record: Callable[[], Awaitable[None]],
    ) -> None:
        array = exchange.inbound.array
        super().__init__(
            content_type=JSON_TYPE if array else format.stream_type, headers=answer_headers(exchange)
        )
        self["Cache-Control"] = "no-cache, no-transform"
        self["X-Accel-Buffering"] = "no"
        self._format, self._exchange, self._pending, self._record = format, exchange, pending, record

    async def stream_to(self, write: Write) -> None:
        answer: StreamAnswer | None = None
        end = b""
        try:
            answer = await self._pending
            async for part in answer.parts():
                await write(part)
            end = answer.end or b""
            if answer.error is not None:
                self._exchange.fail(answer.error)
        except GatewayError as error:
            self._exchange.fail(error)
            end = self._in_band(answer, error)
        except asyncio.CancelledError as error:
            self._exchange.fail(broken_off(error))
            raise
        except Exception as error:
            logger.exception("A stream broke on an error of the gateway's own")
            failed = broken_off(error)
            self._exchange.fail(failed)
            end = self._in_band(answer, failed)
        finally:
            if answer is not None:
                answer.note_usage()
                answer.close()
            else:
                self._pending.cancel()
            recorded = self._record()
        await recorded
        await write(end)

    def _in_band(self, answer: StreamAnswer | None, error: GatewayError) -> bytes:
        if answer is not None:
            return answer.emit_error(error)
        return stream_error(self._format, self._exchange.inbound, error)


class Pulse:
    """Writes a keep-alive whenever nothing else was written for `interval_s`."""

    def __init__(self, write: Write, sign: bytes, interval_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._write, self._sign, self._interval = write, sign, interval_s
        self._last = self._loop.time()
        self._writing: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(interval_s, self._check)

    def beat(self) -> None:
        self._last = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()
        if self._writing is not None:
            self._writing.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        if now - self._last >= self._interval - 0.001:
            self._last = now
            self._writing = self._loop.create_task(self._send())
        self._timer = self._loop.call_at(self._last + self._interval, self._check)

    async def _send(self) -> None:
        await self._write(self._sign)


def broken_off(error: BaseException) -> GatewayError:
    """What the usage row says of a request that came to no answer: its client left, or the gateway has a fault."""
    if isinstance(error, asyncio.CancelledError):
        return GatewayError("The client closed the connection", status=CLIENT_LEFT, code=LEFT_BY_CLIENT)
    return GatewayError(f"The gateway failed: {type(error).__name__}")
