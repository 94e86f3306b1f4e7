"""One attempt as it runs: what it holds, what came of it. Several may run beside each other for one request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from billing.config import BillingConfig
from billing.pricing.costs import UNPRICED, Cost, cost_of
from billing.usage.kept_answers import Kept
from combos.attempt import Attempt
from gateway.pricing.offers import offer_of
from gateway.records import in_flight
from gateway.records.in_flight import Flight
from omniroute.errors import GatewayError
from omniroute.types import Usage
from providers.proxies import Proxy

HEDGE_LOST = "hedge_lost"
LEFT_BY_CLIENT = "client_left"
MAX_DROPPED = 20
Release = Callable[["Trial"], None]


@dataclass(slots=True, eq=False)
class Trial:
    """Times are on `time.perf_counter`. It begins before its request is sent, and `end` is called once it is over: at
    its failure, or with the last byte of its answer, or when the client leaves."""

    attempt: Attempt
    format: str
    """The provider's wire format."""
    proxy: Proxy | None = None
    started: float = field(default_factory=time.perf_counter)
    decided_at: float | None = None
    """When it came to its commit point, or failed."""
    ended_at: float | None = None
    first_token_at: float | None = None
    status: int = 0
    """0 while nothing is decided."""
    error: GatewayError | None = None
    usage: Usage | None = None
    is_asked: bool = False
    """Its request was sent, or is about to be."""
    dropped: tuple[str, ...] = ()
    """What its request left out: see `UpstreamRequest.dropped`."""
    answer_id: str = ""
    """By what a later request may go on from this answer; "" where none can."""
    owes: Kept | None = None
    """The answer is made in the background: what it used is counted apart, by whoever sees its end first."""
    heard: int = 0
    """About how many tokens the provider sent, for an answer without usage: events of a stream, or letters by four."""
    _releases: list[Release] = field(default_factory=list)

    def __post_init__(self) -> None:
        target = self.attempt.target
        in_flight.begin(self, Flight(target.model, target.provider.id, self.attempt.account.name))

    def on_end(self, release: Release) -> None:
        """Give back what the attempt holds: called exactly once, with the trial that is over, however it ends."""
        self._releases.append(release)

    def first_token(self) -> None:
        if self.first_token_at is None:
            self.first_token_at = time.perf_counter()

    @property
    def is_cut_short(self) -> bool:
        """Asked, and cancelled because another attempt beside it answered first, or because the client left: the
        provider may bill it."""
        return self.is_asked and self.error is not None and self.error.code in (HEDGE_LOST, LEFT_BY_CLIENT)

    def commit(self) -> None:
        """Its answer goes to the client; what holds resources keeps them until `end`."""
        self.status, self.decided_at = 200, time.perf_counter()

    def end(self, status: int = 200, error: GatewayError | None = None) -> None:
        """A second call changes nothing. Behind the commit point the status stays what it was."""
        if self.ended_at is not None:
            return
        self.ended_at = time.perf_counter()
        self.error = error
        if self.decided_at is None:
            self.decided_at, self.status = self.ended_at, status
        in_flight.end(self)
        releases, self._releases = self._releases, []  # they may hold what holds the trial
        for release in releases:
            release(self)

    def cost(self, billing: BillingConfig) -> Cost:
        """Of what was used so far."""
        if self.usage is None:
            return UNPRICED
        return cost_of(self.usage, offer_of(self.attempt.target, self.attempt.account), billing)

    def entry(self, request_started: float) -> dict[str, Any]:
        """For the usage row. `at` is the start after the request's own, `ms` the time to its decision."""
        target, decided = self.attempt.target, self.decided_at or time.perf_counter()
        entry: dict[str, Any] = {
            "provider": target.provider.id,
            "model": target.model,
            "account": self.attempt.account.name,
            "status": self.status,
            "at": round((self.started - request_started) * 1000),
            "ms": round((decided - self.started) * 1000),
        }
        if self.dropped:
            entry["dropped"] = [clean(name, 80) for name in self.dropped[:MAX_DROPPED]]
        if self.proxy is not None:
            entry["proxy"] = self.proxy.shown
        if self.error is not None:
            entry["error"] = self.error.code
            entry["message"] = clean(self.error.message, 300)
        return entry


def clean(text: str, limit: int) -> str:
    """What every database takes: no NUL, no lone surrogate, not too long."""
    text = text[:limit]
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
