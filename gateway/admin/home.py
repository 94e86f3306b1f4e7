"""The admin's home page: what happened today, what is connected, and how to begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.urls import reverse

from billing.budgets.words import low_budgets
from billing.usage import queries
from billing.usage.queries import Dimension, Totals
from combos.queries import combo_names
from gateway.records.live import PATH, ROWS
from omniroute.types import JSONDict
from providers.choices import account_counts
from providers.config import load_specs
from providers.cooling import Cooling, named_cooling
from providers.oauth.accounts import waiting_for_sign_in
from resilience.cooldown import cooldowns

CHART_DAYS = 14


@dataclass(frozen=True, slots=True)
class ProviderState:
    id: str
    name: str
    accounts: JSONDict
    today: Totals
    keyless: int = 0
    """Active accounts that lack the key which the provider asks for."""
    cooling: Sequence[tuple[str, list[Cooling]]] = ()
    """Names of the accounts that are put aside, and why."""

    @property
    def link(self) -> str:
        return f"{reverse('admin:providers_account_changelist')}?provider={self.id}"

    @property
    def level(self) -> str:
        """good, warn, bad or off: of the accounts' last tests, running cooldowns and what was answered today."""
        if not self.accounts["active"]:
            return "off"
        if self.accounts["active"] in (self.accounts["failing"], self.accounts["signed_out"], self.keyless):
            return "bad"
        unproven = self.accounts["untested"] and not self.answers
        doubts = (
            self.accounts["signed_out"], self.accounts["failing"], self.keyless, unproven, self.cooling
        )  # fmt: skip
        return "warn" if any(doubts) else "good"

    @property
    def answers(self) -> bool:
        """Whether any request was answered today."""
        return self.today.requests > self.today.errors

    @property
    def text(self) -> str:
        if self.level == "off":
            return "Switched off"
        if self.accounts["signed_out"]:
            return f"{self.accounts['signed_out']} of {self.accounts['active']} to be signed in again"
        if self.keyless:
            return f"{self.keyless} of {self.accounts['active']} without a key"
        if self.accounts["failing"]:
            return f"{self.accounts['failing']} of {self.accounts['active']} failed the last test"
        if self.answers:
            return "Answering"
        return "Not tested yet" if self.accounts["untested"] else "Last test passed"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's `DASHBOARD_CALLBACK`."""
    today = queries.utc_today()
    counts = account_counts()
    specs = load_specs()
    own = {
        "start": None if queries.has_answers() else _first_steps(counts),
        "today": queries.totals(today),
        "recent": queries.recent_latency(),
        "chart": _chart(today),
        "chart_days": CHART_DAYS,
        "states": _states(counts, specs, today),
        "cooling": bool(cooldowns.active()),
        "signed_out": waiting_for_sign_in(),
        "budgets": low_budgets(),
        "models": queries.top_models(today, limit=6),
        "requests": queries.recent_requests(ROWS),
        "live": PATH if isinstance(request, ASGIRequest) else "",
        "base_url": settings.BASE_URL.rstrip("/"),
    }
    return {**context, **own}


def _first_steps(counts: dict[str, JSONDict]) -> JSONDict:
    return {
        "has_account": bool(counts),
        "has_key": queries.key_count() > 0,
        "needs_key": settings.REQUIRE_API_KEY,
        "model": next(iter(combo_names()), ""),
        "key": "$OMNIROUTE_KEY",
    }


def _states(counts: dict[str, JSONDict], specs: Any, today: date) -> list[ProviderState]:
    cooling = named_cooling()
    used = {provider: total for provider, _, total in queries.totals_by(Dimension.PROVIDER, since=today)}
    states = [
        ProviderState(
            provider,
            specs[provider].name if provider in specs else provider,
            count,
            used.get(provider, Totals()),
            count["keyless"] if provider in specs and specs[provider].needs_key else 0,
            cooling.get(provider, ()),
        )
        for provider, count in counts.items()
    ]
    return sorted(states, key=lambda state: (-state.today.requests, state.name.lower()))


def _chart(today: date) -> JSONDict:
    """What `usage_chart.js` draws."""
    days = queries.daily_totals(CHART_DAYS, today)
    totals = [total for _, total in days]
    return {
        "labels": [f"{day.day} {day:%b}" for day, _ in days],
        "lines": [],
        "whole": {
            "requests": [total.requests for total in totals],
            "cost": [float(total.cost) for total in totals],
        },
        "failed": [total.errors for total in totals],
        "split": {
            "Input": [total.input_tokens for total in totals],
            "Output": [total.output_tokens for total in totals],
        },
    }
