"""A request that a client sends twice is asked once.

`Idempotency-Key` names it; within its scope (API key, path) another body under the same name is refused. `X-Request-Id`
names it too, but proxies set that for every attempt, so it counts only together with the body. What is still running is
joined, streams from their first event on; what is complete is given again for a few seconds; what failed is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial

from django.http.response import HttpResponseBase

from gateway.edge.responses import broken_off
from gateway.exchange import Exchange
from gateway.replay.config import ReplayConfig
from gateway.replay.repeats import HEADER, Ask, Claim, Finish, refuse, served, table
from gateway.replay.shared_idempotency import ask_once
from omniroute import shared_state


def claim_of(exchange: Exchange, config: ReplayConfig) -> Claim | None:
    """None for a request without a name."""
    inbound = exchange.inbound
    token, named = inbound.headers.get("idempotency-key"), "key"
    if not token:
        token, named = inbound.headers.get("x-request-id"), "request"
        if not token:
            return None
    whose = exchange.key.identity if exchange.key else f"address {exchange.client_address}"
    body = hashlib.sha256(inbound.body).hexdigest()
    parts = [whose, inbound.path, inbound.model, named, token]
    if named == "request":
        parts.append(body)
    scope = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
    return Claim(scope, body, config.window_s)


async def serve(claim: Claim, exchange: Exchange, ask: Ask, record: Finish) -> HttpResponseBase:
    """`ask` answers and records the request; `record` writes the row of one that was answered otherwise."""
    entry = table.get(claim)
    if entry is None:
        if shared_state.is_shared():
            ask = partial(ask_once, claim, exchange, ask, record)
        entry = table.open(claim, exchange, ask)
        return await entry.recording.response(None, {})
    if entry.claim.body != claim.body:
        return await refuse(exchange, record)

    async def finish() -> None:
        first = entry.exchange
        exchange.replayed = served(first)
        exchange.status, exchange.error = first.status, first.error
        exchange.cache_hit = first.status == 200
        await record()

    def abandon() -> None:
        exchange.fail(broken_off(asyncio.CancelledError()))
        record()  # on its way once this returns

    name = {HEADER: "true", "x-request-id": exchange.inbound.id}
    try:
        return await entry.recording.response(finish, name, abandon)
    except asyncio.CancelledError:
        abandon()
        raise
