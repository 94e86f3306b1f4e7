"""Idempotency between processes, in Redis: a lease while a request runs, its answer for a while afterwards.

A duplicate waits for a whole answer that another process is asked for, and reads a stream along, see
`gateway.replay.along`. Without Redis each process is on its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gateway.edge.responses import Recorded, Streaming
from gateway.exchange import Exchange, Served
from gateway.replay.along import Along, AlongStream, End
from gateway.replay.repeats import HEADER, Ask, Claim, Finish, refuse, served
from omniroute.shared_state import Script, Unavailable, asking, name

LEASE_MS = 10_000
"""A process that dies leaves its requests to others after so long."""
RENEW_S = 3.0
POLL_S = (0.02, 0.25)
"""First and longest pause between two looks at a request that runs elsewhere."""
MAX_BYTES = 8_000_000
_RENEW = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
""")


class State(msgspec.Struct):
    """`served` None: it runs, as this very request."""

    request: str
    body: str
    status: int = 0
    headers: dict[str, str] = {}
    content: bytes = b""
    streamed: bool = False
    served: tuple[str, str, int | None, str] | None = None
    done: bool = False


_encode: Callable[[State], bytes] = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], State] = msgspec.msgpack.Decoder(State).decode


async def ask_once(claim: Claim, exchange: Exchange, ask: Ask, record: Finish) -> HttpResponseBase:
    key = name("idempotency", claim.scope)
    mine = _encode(State(exchange.inbound.id, claim.body))
    pause = POLL_S[0]
    while True:
        try:
            found = await _claim(key, mine)
        except Unavailable:
            return await ask()
        if found is None:
            return await _lead(key, mine, claim, exchange, ask)
        if found.body != claim.body:
            return await refuse(exchange, record)
        if found.done:
            return await _replay(found, exchange, record)
        if exchange.inbound.stream:
            stream = await _along(key, found, claim, exchange, record)
            if stream is not None:
                return stream
        else:
            await asyncio.sleep(pause)
            pause = min(2 * pause, POLL_S[1])


async def _along(
    key: str, found: State, claim: Claim, exchange: Exchange, record: Finish
) -> AlongStream | None:
    """None: it runs no more, or answers with no stream."""

    async def rest(sent: int) -> tuple[End, bytes] | None:
        async with asking() as redis:
            held: Any = await redis.get(key)
        state = _decode(held) if held else None
        if state is None or state.request != found.request:
            raise LookupError(key)
        return (End(200, served=state.served), state.content[sent:]) if state.done else None

    along = Along(claim, found.request)
    try:
        while True:
            if first := await along.next():
                return AlongStream(along, first, exchange, record, rest)
            if await rest(0) is not None:
                break
    except (LookupError, Unavailable):
        pass
    except BaseException:
        along.leave()
        raise
    along.leave()
    return None


async def _claim(key: str, mine: bytes) -> State | None:
    """None: it is this request's now. Raise `Unavailable`."""
    async with asking() as redis:
        if await redis.set(key, mine, nx=True, px=LEASE_MS):
            return None
        found: Any = await redis.get(key)
    return _decode(found) if found else await _claim(key, mine)


async def _lead(key: str, mine: bytes, claim: Claim, exchange: Exchange, ask: Ask) -> HttpResponseBase:
    renewing = asyncio.create_task(_renew(key, mine))

    async def end(response: HttpResponseBase | None, content: bytes) -> None:
        renewing.cancel()
        await _publish(key, claim, exchange, response, content)

    try:
        response = await ask()
    except BaseException:
        await asyncio.shield(end(None, b""))
        raise
    if isinstance(response, Streaming):
        return Recorded(response, end)
    await end(response, response.content if isinstance(response, HttpResponse) else b"")
    return response


async def _renew(key: str, mine: bytes) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            await _RENEW([key], [mine, LEASE_MS])
        except Unavailable:
            continue


async def _publish(
    key: str, claim: Claim, exchange: Exchange, response: HttpResponseBase | None, content: bytes
) -> None:
    """Good answers for the window; what failed is free for another try at once."""
    good = response is not None and response.status_code == 200 and exchange.status == 200
    try:
        async with asking() as redis:
            if response is None or not good or len(content) > MAX_BYTES:
                await redis.delete(key)
                return
            who = served(exchange)
            state = State(
                request=exchange.inbound.id,
                body=claim.body,
                status=response.status_code,
                headers=dict(response.items()),
                content=content,
                streamed=isinstance(response, Streaming),
                served=(who.provider, who.model, who.account_id, who.account_name) if who else None,
                done=True,
            )
            await redis.set(key, _encode(state), px=max(1, int(claim.window_s * 1000)))
    except Unavailable:
        return


async def _replay(
    state: State, exchange: Exchange, record: Callable[[], Awaitable[None]]
) -> HttpResponseBase:
    exchange.cache_hit = True
    exchange.replayed = Served(*state.served) if state.served else None
    await record()
    headers = {**state.headers, HEADER: "true", "x-request-id": exchange.inbound.id}
    return HttpResponse(state.content, status=state.status, headers=headers)
