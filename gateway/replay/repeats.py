"""What this process is asking, or asked a moment ago, for requests that come a second time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from django.http.response import HttpResponseBase

from gateway.edge.responses import error_response
from gateway.exchange import Exchange, Served
from gateway.replay.recording import Recording
from gateway.wire import get_format
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
