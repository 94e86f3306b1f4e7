"""What happened to one request, gathered on its way, for its usage row. The only mutable value of the flow."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.config import BillingConfig, KeyConfig
from billing.pricing import UNPRICED, Cost, cost_of
from combos.plan import Attempt
from combos.resolve import Route
from gateway import in_flight
from gateway.in_flight import Flight
from gateway.recorder import UsageRow
from gateway.wire import json
from omniroute.errors import GatewayError
from omniroute.types import InboundRequest, Usage

CLIENT_LEFT = 499


@dataclass(slots=True)
class Exchange:
    """`started` is on `time.perf_counter`."""

    inbound: InboundRequest
    route: Route
    key: KeyConfig | None
    client_address: str
    started: float = field(default_factory=time.perf_counter)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempts: list[dict[str, Any]] = field(default_factory=list)
    attempt: Attempt | None = None
    """The one that is running or that served the answer."""
    attempt_started: float = 0.0
    """0 while none is running."""
    provider_format: str = ""
    usage: Usage | None = None
    first_token_at: float | None = None
    cache_hit: bool = False
    """The answer came from the gateway's own cache, and cost nothing."""
    saved: Decimal = Decimal(0)
    """USD that a cached answer cost when a provider made it."""
    status: int = 200
    error: GatewayError | None = None

    def begin(self, attempt: Attempt, provider_format: str) -> None:
        self.attempt, self.provider_format = attempt, provider_format
        target = attempt.target
        in_flight.begin(self, Flight(target.model, target.provider.id, attempt.account.name))
        self.attempt_started = time.perf_counter()

    def end_attempt(self, status: int, error: GatewayError | None = None) -> None:
        """A second call for the same attempt changes nothing."""
        attempt = self.attempt
        if attempt is None or not self.attempt_started:
            return
        entry: dict[str, Any] = {
            "provider": attempt.target.provider.id,
            "model": attempt.target.model,
            "account": attempt.account.name,
            "status": status,
            "ms": round((time.perf_counter() - self.attempt_started) * 1000),
        }
        if error is not None:
            entry["error"] = error.code
            entry["message"] = _clean(error.message, 300)
        self.attempts.append(entry)
        self.attempt_started = 0.0

    def fail(self, error: GatewayError) -> None:
        self.status, self.error = error.status, error

    def first_token(self) -> None:
        if self.first_token_at is None:
            self.first_token_at = time.perf_counter()

    def row(self, billing: BillingConfig) -> UsageRow:
        now = time.perf_counter()
        inbound, attempt, error = self.inbound, self.attempt, self.error
        provider = attempt.target.provider if attempt else None
        usage = self.usage or _NO_USAGE
        cost = self._cost(billing)
        return UsageRow(
            request_id=inbound.id,
            created_at=self.created_at,
            api_key_id=self.key.id if self.key else None,
            api_key_name=self.key.name if self.key else "",
            endpoint=_clean(inbound.path, 60),
            client_format=inbound.format,
            provider_format=self.provider_format,
            stream=inbound.stream,
            requested_model=_clean(inbound.model, 250),
            served_model=_clean(attempt.target.model, 250) if attempt else "",
            combo=self.route.combo.name if self.route.combo else "",
            provider=provider.id if provider else "",
            account_id=attempt.account.id if attempt else None,
            account_name=attempt.account.name if attempt else "",
            status=self.status,
            error_code=_clean(error.code or "", 80) if error else "",
            error_message=_clean(error.message, 500) if error else "",
            attempts=json.dumps(self.attempts).decode(),
            attempt_count=len(self.attempts),
            latency_ms=round((now - self.started) * 1000),
            first_token_ms=round((self.first_token_at - self.started) * 1000)
            if self.first_token_at
            else None,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            usage_estimated=usage.estimated,
            priced_apart=json.dumps(dict(usage.priced_apart)).decode() if usage.priced_apart else "{}",
            service_tier=_clean(usage.service_tier, 20),
            cost=cost.amount,
            cost_source=cost.source,
            saved=cost.saved,
            cache_hit=self.cache_hit,
            client_address=self.client_address,
            user_agent=_clean(inbound.headers.get("user-agent", ""), 200),
        )

    def _cost(self, billing: BillingConfig) -> Cost:
        if self.cache_hit:
            return Cost(Decimal(0), "cache", self.saved)
        attempt, usage = self.attempt, self.usage
        if attempt is None or usage is None:
            return UNPRICED
        provider = attempt.target.provider
        return cost_of(
            usage,
            provider.id,
            provider.pricing_id or provider.id,
            attempt.target.model,
            billing,
            flat=provider.tier == "subscription",
        )


_NO_USAGE = Usage()


def _clean(text: str, limit: int) -> str:
    """What every database takes: no NUL, no lone surrogate, not too long."""
    text = text[:limit]
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
