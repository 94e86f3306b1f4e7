"""A request that a client sends twice is asked once.

`Idempotency-Key` names it; within its scope (API key, path) another body under the same name is refused. `X-Request-Id`
names it too, but proxies set that for every attempt, so it counts only together with the body. What is still running is
joined, streams from their first event on; what is complete is given again for a few seconds; what failed is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from django.http.response import HttpResponseBase

from gateway.edge.responses import broken_off, error_response
from gateway.exchange import Exchange, Served
from gateway.replay.config import ReplayConfig
from gateway.replay.recording import Recording
from gateway.wire import get_format
from omniroute import shared_state
from omniroute.errors import InvalidRequest

HEADER = "X-OmniRoute-Idempotent"
MAX_KEPT = 5000
MAX_KEPT_BYTES = 64_000_000

Ask = Callable[[], Awaitable[HttpResponseBase]]
Finish = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Claim:
    """`scope` is what two requests must share to be the same one; both are hex digests."""

    scope: str
    body: str
    window_s: float


@dataclass(slots=True)
class Entry:
    claim: Claim
    exchange: Exchange
    """The first request's."""
    recording: Recording = field(default_factory=Recording)
    size: int = 0


class Table:
    """What this process is asking, or asked a moment ago."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, claim: Claim) -> Entry | None:
        entry = self._entries.get(claim.scope)
        return None if entry is None or entry.recording.abandoned else entry

    def running(self, scope: str, request: str) -> Entry | None:
        """What is asked as this very request, and not answered yet."""
        entry = self._entries.get(scope)
        if entry is None or entry.exchange.inbound.id != request or entry.recording.abandoned:
            return None
        return None if entry.recording.closed else entry

    def open(self, claim: Claim, exchange: Exchange, ask: Ask) -> Entry:
        entry = self._entries[claim.scope] = Entry(claim, exchange)
        entry.recording.start(ask, partial(self._ended, entry))
        return entry

    def _ended(self, entry: Entry) -> None:
        recording = entry.recording
        size = recording.size
        if self._entries.get(entry.claim.scope) is not entry:  # abandoned, and begun anew by another
            return
        if not is_kept(entry.exchange, recording) or self._bytes + size > MAX_KEPT_BYTES:
            del self._entries[entry.claim.scope]
            return
        entry.size = size
        self._bytes += size
        if len(self._entries) > MAX_KEPT:
            self._forget(next(iter(self._entries)))
        loop = asyncio.get_running_loop()
        loop.call_later(entry.claim.window_s, self._forget, entry.claim.scope, entry)

    def _forget(self, scope: str, only: Entry | None = None) -> None:
        entry = self._entries.get(scope)
        if entry is not None and entry.recording.closed and only in (None, entry):
            del self._entries[scope]
            self._bytes -= entry.size


table = Table()


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
            from gateway.replay.shared_idempotency import ask_once

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


async def refuse(exchange: Exchange, record: Finish) -> HttpResponseBase:
    error = InvalidRequest(
        "This Idempotency-Key was used with another body a moment ago",
        status=422,
        code="idempotency_key_reused",
    )
    exchange.fail(error)
    await record()
    return error_response(get_format(exchange.inbound.format), error, {"x-request-id": exchange.inbound.id})


def served(exchange: Exchange) -> Served | None:
    """Who answered it, for the row of a request that got the same answer."""
    trial = exchange.told
    if trial is None:
        return exchange.replayed
    target, account = trial.attempt.target, trial.attempt.account
    return Served(target.provider.id, target.model, account.id, account.name)


def is_kept(exchange: Exchange, recording: Recording) -> bool:
    """Only good answers are worth giving again: after an error the client wants another try."""
    head = recording.head
    return recording.failure is None and head is not None and head.status == 200 and exchange.status == 200
