"""Answers that are given again instead of being asked for: the response cache, and requests that a client repeats.

`of` is the pipeline's one question. It costs a few dictionary look-ups where neither applies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from django.http.response import HttpResponseBase

from gateway.exchange import Exchange
from gateway.replay import cache_key, idempotency
from gateway.replay.cache import Cached
from gateway.replay.repeats import Claim
from gateway.snapshot import Snapshot

Answer = Callable[[Exchange, Snapshot], Awaitable[HttpResponseBase]]
Record = Callable[[Exchange, Snapshot], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Replay:
    """A request whose answer may be there already. At least one of `claim` and `cached` is set."""

    exchange: Exchange
    snapshot: Snapshot
    claim: Claim | None
    cached: Cached | None

    async def serve(self, answer: Answer, record: Record) -> HttpResponseBase:
        """`answer` gives the request its regular answer and records it, `record` writes the row of one replayed."""

        async def ask() -> HttpResponseBase:
            if self.cached is not None:
                return await self.cached.serve(answer, record)
            return await answer(self.exchange, self.snapshot)

        if self.claim is None:
            return await ask()
        return await idempotency.serve(
            self.claim, self.exchange, ask, lambda: record(self.exchange, self.snapshot)
        )


def of(exchange: Exchange, snapshot: Snapshot) -> Replay | None:
    """None: nobody asked for either."""
    config = snapshot.replay
    claim = idempotency.claim_of(exchange, config) if config.window_s else None
    cached = Cached(exchange, snapshot) if cache_key.is_cacheable(exchange, config) else None
    if claim is None and cached is None:
        return None
    return Replay(exchange, snapshot, claim, cached)
