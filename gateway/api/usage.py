"""Management API of usage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from billing.usage import history, queries
from gateway.records.processes import active_requests
from omniroute.schema import CamelModel
from providers.choices import provider_names
from providers.config import load_specs
from providers.models import Account

router = Router(tags=["Usage"], by_alias=True)

Range = Literal["today", "7d", "30d", "90d", "ytd", "all"]


class Totals(CamelModel):
    requests: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    """USD."""


class ProviderTotals(Totals):
    provider: str
    provider_name: str


class ModelTotals(ProviderTotals):
    raw_model: str


class AccountTotals(ProviderTotals):
    connection_id: str
    account_name: str


class KeyTotals(Totals):
    api_key_id: str | None
    key_name: str


class Minute(Totals):
    time: datetime


class Pending(CamelModel):
    by_model: dict[str, int]
    by_account: dict[str, int]


class ActiveRequest(CamelModel):
    model: str
    provider: str
    account: str
    count: int


class UsageStats(CamelModel):
    range: Range
    total_requests: int
    total_errors: int
    total_prompt_tokens: int
    total_completion_tokens: int
    total_cost: float
    by_provider: dict[str, ProviderTotals]
    by_model: dict[str, ModelTotals]
    """By `provider/model`."""
    by_account: dict[str, AccountTotals]
    """By connection id."""
    by_api_key: dict[str, KeyTotals]
    """By the key's id; `local`: without a key."""
    last10_minutes: list[Minute]
    pending: Pending
    active_requests: list[ActiveRequest]


@router.get("/usage/history", response=UsageStats)
def get_history(request: HttpRequest, range: Range = "all") -> UsageStats:
    """Totals of a period, counted in UTC days. What is in flight is this process's share."""
    stats = history.summary(history.first_day(range, datetime.now(tz=UTC).date()))
    accounts = dict(Account.objects.filter(pk__in=list(stats.accounts)).values_list("pk", "name"))
    keys = history.api_key_names(stats.api_keys)
    active, names = active_requests(), provider_names()
    pending = Pending(by_model={}, by_account={})
    for flight, count in active.items():
        for group, name in ((pending.by_model, flight.model), (pending.by_account, flight.account)):
            group[name] = group.get(name, 0) + count
    return UsageStats(
        range=range,
        total_requests=stats.total.requests,
        total_errors=stats.total.errors,
        total_prompt_tokens=stats.total.input_tokens,
        total_completion_tokens=stats.total.output_tokens,
        total_cost=float(stats.total.cost),
        by_provider={
            name: ProviderTotals(**_named(name, names), **_sums(t)) for name, t in stats.providers.items()
        },
        by_model={
            f"{provider}/{model}": ModelTotals(**_named(provider, names), raw_model=model, **_sums(totals))
            for (provider, model), totals in stats.models.items()
        },
        by_account={
            str(pk): AccountTotals(
                connection_id=str(pk),
                **_named(stats.account_providers[pk], names),
                account_name=accounts.get(pk, "deleted"),
                **_sums(totals),
            )
            for pk, totals in stats.accounts.items()
        },
        by_api_key={
            str(pk or "local"): KeyTotals(
                api_key_id=str(pk) if pk else None,
                key_name=keys.get(pk, "deleted") if pk else "local",
                **_sums(totals),
            )
            for pk, totals in stats.api_keys.items()
        },
        last10_minutes=[Minute(time=start, **_sums(t)) for start, t in history.last_minutes(timezone.now())],
        pending=pending,
        active_requests=[ActiveRequest(**flight._asdict(), count=count) for flight, count in active.items()],
    )


@router.get("/usage/request-logs", response=list[str], operation_id="get_request_logs")
@router.get("/usage/logs", response=list[str])
def get_logs(request: HttpRequest) -> list[str]:
    """The last 200 requests, newest first: time | model | PROVIDER | account | input | output | status."""
    return history.log_lines({spec.id: spec.shown_prefix for spec in load_specs().values()})


def _named(provider: str, names: Mapping[str, str]) -> dict[str, Any]:
    return {"provider": provider, "provider_name": names.get(provider, provider)}


def _sums(totals: queries.Totals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "errors": totals.errors,
        "prompt_tokens": totals.input_tokens,
        "completion_tokens": totals.output_tokens,
        "cost": float(totals.cost),
    }
