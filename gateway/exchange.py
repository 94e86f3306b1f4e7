"""What happened to one request, gathered on its way, for its usage row. With its trials, all that the flow changes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.budgets import Reservation
from billing.config import BillingConfig, KeyConfig
from billing.pricing.costs import UNPRICED, Cost
from billing.usage.kept_answers import Kept
from combos.attempt import Attempt, Skip
from combos.resolve import Route
from gateway.affinity.conversations import Conversation
from gateway.pricing.belief import believable
from gateway.records.telemetry import Laps
from gateway.records.usage_row import UsageRow
from gateway.trial import Trial, clean
from gateway.wire import json
from omniroute.errors import GatewayError
from omniroute.types import InboundRequest, Usage
from providers.proxies import Proxy

CLIENT_LEFT = 499
LETTERS_PER_TOKEN = 4
MAX_ENTRIES = 40
"""Of a timeline."""
MAX_TRAIL = 10
MAX_LEFT_OUT = 5
"""Of the names in a combo that lead nowhere."""


@dataclass(frozen=True, slots=True)
class Served:
    """Who made an answer that is given again."""

    provider: str
    model: str
    account_id: int | None
    account_name: str


@dataclass(slots=True)
class Exchange:
    """`started` is on `time.perf_counter`."""

    inbound: InboundRequest
    route: Route
    key: KeyConfig | None
    client_address: str
    started: float = field(default_factory=time.perf_counter)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    trials: list[Trial] = field(default_factory=list)
    """In the order of their starts."""
    serving: Trial | None = None
    """The one whose answer the client gets."""
    conversation: Conversation | None = None
    skipped: Sequence[Skip] = ()
    """What the plan passed over."""
    cache_hit: bool = False
    """The answer came from the gateway's own cache, and cost nothing."""
    saved: Decimal = Decimal(0)
    """USD that a cached answer cost when a provider made it."""
    replayed: Served | None = None
    """Who had made the answer, where it is given again."""
    status: int = 200
    error: GatewayError | None = None
    holds: list[Reservation] = field(default_factory=list)
    """Of budgets, until the row is committed."""
    warning: str = ""
    """What the client is to know of its budgets."""
    only_account: int = 0
    """The one that may be asked; 0: any."""
    laps: Laps | None = None
    """What came before the first trial took."""

    @property
    def told(self) -> Trial | None:
        """The trial that the row and the headers speak of: the one that serves, else the last."""
        return self.serving or (self.trials[-1] if self.trials else None)

    @property
    def owed(self) -> Kept | None:
        """The answer whose use is counted apart."""
        return self.serving.owes if self.serving else None

    def begin(self, attempt: Attempt, provider_format: str, proxy: Proxy | None = None) -> Trial:
        trial = Trial(attempt, provider_format, proxy)
        self.trials.append(trial)
        return trial

    def serve(self, trial: Trial) -> None:
        """The trial came to its commit point, and its answer is the client's."""
        trial.commit()
        self.serving = trial

    def fail(self, error: GatewayError) -> None:
        self.status, self.error = error.status, error

    def close(self) -> None:
        """Nothing runs any more, and nothing is held."""
        for trial in self.trials:
            trial.end(self.status, self.error)
            if trial.usage is not None:
                trial.usage = believable(trial.usage)
        if self.inbound.operation == "generate":
            for trial in self.trials:
                if trial.owes is None and (trial is self.serving or trial.is_cut_short):
                    self._estimate(trial)

    def _estimate(self, trial: Trial) -> None:
        """What was not reported is billed all the same: of a provider that counts nothing, of a stream that ended
        before the counts came, of an attempt that was cut short."""
        known = trial.usage
        if known is None:
            letters = len(self.inbound.body)
            trial.usage = Usage(letters // LETTERS_PER_TOKEN, trial.heard, estimated=True)
        elif (self.error or trial.error) is not None and trial.heard > known.output_tokens:
            trial.usage = replace(known, output_tokens=trial.heard, estimated=True)

    def trail(self) -> str:
        """Why it is not the first choice that answers: `ds/chat 429 rate_limit_exceeded, gc/pro skipped billing`."""
        parts = [(self.started, f"{each.name} left out") for each in self.route.left_out[:MAX_LEFT_OUT]]
        parts += [
            (skip.at, f"{skip.attempt.target.name} skipped {skip.obstacle.reason}")
            for skip in self.skipped[:MAX_TRAIL]
        ]
        parts += [
            (trial.started, f"{trial.attempt.target.name} {trial.status} {trial.error.code}")
            for trial in self.trials[:MAX_TRAIL]
            if trial.error is not None
        ]
        return ", ".join(text for _, text in sorted(parts)) if parts else ""

    def timeline(self, billing: BillingConfig) -> list[dict[str, Any]]:
        """What was tried and what was passed over, in that order in time; not more than a row should hold."""
        tried = self.trials[:MAX_ENTRIES]
        entries = [(trial.started, trial.entry(self.started)) for trial in tried]
        for trial, (_, entry) in zip(tried, entries, strict=True):
            if trial is not self.serving and trial.usage is not None:
                entry["input_tokens"] = trial.usage.input_tokens
                entry["output_tokens"] = trial.usage.output_tokens
                if (spent := trial.cost(billing).amount) is not None:
                    entry["cost"] = str(spent)
        if self.skipped:
            room = MAX_ENTRIES - len(entries)
            entries += [(skip.at, skip.entry(self.started)) for skip in self.skipped[:room]]
            entries.sort(key=lambda item: item[0])
        absent = [
            {
                "model": clean(each.name, 250),
                "skipped": "left_out",
                "message": clean(each.reason, 300),
                "at": 0,
            }
            for each in self.route.left_out[:MAX_LEFT_OUT]
        ]
        return [*absent, *(entry for _, entry in entries)]

    def rows(self, billing: BillingConfig) -> list[UsageRow]:
        """The request's own comes last; before it, what was paid for beside it."""
        own, told = self._row(billing), self.told
        if self.owed is not None:
            own = own._replace(**_figures(_NO_USAGE, UNPRICED))
        paid = [trial for trial in self.trials if trial is not told and trial.usage is not None]
        return [*(self._extra_row(own, trial, billing) for trial in paid), own]

    def late_row(self, billing: BillingConfig) -> UsageRow | None:
        """What the owed answer used, under the request that asked for it; None while nobody knows."""
        owed, trial = self.owed, self.serving
        if owed is None or trial is None or trial.usage is None:
            return None
        return self._row(billing)._replace(
            request_id=owed.request_id,
            created_at=owed.created_at,
            combo=owed.combo,
            attempts="[]",
            attempt_count=0,
            is_extra=True,
        )

    def _extra_row(self, own: UsageRow, trial: Trial, billing: BillingConfig) -> UsageRow:
        target, account, error = trial.attempt.target, trial.attempt.account, trial.error
        ended = trial.ended_at or time.perf_counter()
        return own._replace(
            provider_format=trial.format,
            served_model=clean(target.model, 250),
            provider=target.provider.id,
            account_id=account.id,
            account_name=account.name,
            status=trial.status,
            error_code=clean(error.code or "", 80) if error else "",
            error_message=clean(error.message, 500) if error else "",
            attempts="[]",
            attempt_count=0,
            latency_ms=round((ended - trial.started) * 1000),
            first_token_ms=None,
            is_extra=True,
            **_figures(trial.usage or _NO_USAGE, trial.cost(billing)),
        )

    def _row(self, billing: BillingConfig) -> UsageRow:
        now = time.perf_counter()
        inbound, trial, error = self.inbound, self.told, self.error
        attempt = trial.attempt if trial else None
        provider = attempt.target.provider if attempt else None
        usage = (trial and trial.usage) or _NO_USAGE
        row = UsageRow(
            request_id=inbound.id,
            created_at=self.created_at,
            api_key_id=self.key.id if self.key else None,
            api_key_name=self.key.name if self.key else "",
            endpoint=clean(inbound.path, 60),
            client_format=inbound.format,
            provider_format=trial.format if trial else "",
            stream=inbound.stream,
            requested_model=clean(inbound.model, 250),
            served_model=clean(attempt.target.model, 250) if attempt else "",
            combo=self.route.combo.name if self.route.combo else "",
            provider=provider.id if provider else "",
            account_id=attempt.account.id if attempt else None,
            account_name=attempt.account.name if attempt else "",
            status=self.status,
            error_code=clean(error.code or "", 80) if error else "",
            error_message=clean(error.message, 500) if error else "",
            attempts=json.dumps(self.timeline(billing)).decode(),
            attempt_count=len(self.trials),
            latency_ms=round((now - self.started) * 1000),
            first_token_ms=round((trial.first_token_at - self.started) * 1000)
            if trial and trial.first_token_at
            else None,
            cache_hit=self.cache_hit,
            client_address=self.client_address,
            user_agent=clean(inbound.headers.get("user-agent", ""), 200),
            **_figures(usage, self._cost(billing)),
        )
        if (served := self.replayed) is not None:
            row = row._replace(
                provider=served.provider,
                served_model=clean(served.model, 250),
                account_id=served.account_id,
                account_name=served.account_name,
            )
        return row

    def _cost(self, billing: BillingConfig) -> Cost:
        if self.cache_hit:
            return Cost(Decimal(0), "cache", self.saved)
        return self.told.cost(billing) if self.told else UNPRICED


_NO_USAGE = Usage()


def _figures(usage: Usage, cost: Cost) -> dict[str, Any]:
    """What was used and what it costs, as a row has it."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "usage_estimated": usage.estimated,
        "priced_apart": json.dumps(dict(usage.priced_apart)).decode() if usage.priced_apart else "{}",
        "service_tier": clean(usage.service_tier, 20),
        "cost": cost.amount,
        "cost_source": cost.source,
        "saved": cost.saved,
    }
