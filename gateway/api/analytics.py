"""Management API of usage over a period: sums, series and breakdowns."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from billing.usage import analytics
from billing.usage.analytics import Period
from billing.usage.queries import Dimension, Totals, key_names
from omniroute.schema import CamelModel
from providers.choices import provider_names
from providers.models import Account

router = Router(tags=["Usage"], by_alias=True)

Range = Literal["24h", "7d", "30d", "90d", "ytd", "all"]
MODELS_BY_DAY = 20
"""As many models, those with the most tokens, have a daily series."""


class Amounts(CamelModel):
    requests: int
    errors: int
    cache_hits: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    """Read from the provider's cache; part of the prompt tokens."""
    reasoning_tokens: int
    cost: float
    """USD, without the unpriced requests."""
    saved: float
    """USD at list prices that a subscription or the gateway's cache made unnecessary."""
    unpriced: int
    avg_latency_ms: float | None
    avg_first_token_ms: float | None


class UsageSummary(CamelModel):
    total_requests: int
    total_errors: int
    total_tokens: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    total_cost: float
    total_saved: float
    unpriced: int
    cache_hits: int
    fallbacks: int
    avg_latency_ms: float | None
    avg_first_token_ms: float | None
    unique_models: int
    unique_accounts: int
    unique_api_keys: int
    streak: int
    """Days in a row, up to today, on which something was asked."""


class TrendPoint(Amounts):
    date: str
    """A day; an hour where the range is 24h; the Monday of a week or the first of a month where it is long."""


class Share(Amounts):
    pct: float
    """Percent of all tokens of the period."""


class ProviderShare(Share):
    provider: str
    provider_name: str


class ModelShare(ProviderShare):
    model: str


class AccountShare(ProviderShare):
    connection_id: str
    account: str


class KeyShare(Share):
    api_key_id: str | None
    api_key_name: str


class ComboShare(Share):
    combo: str


class WeekdayTokens(CamelModel):
    day: str
    avg_tokens: int
    total_tokens: int
    requests: int


class Analytics(CamelModel):
    range: Range
    start_date: str
    granularity: Literal["hour", "day", "week", "month"]
    summary: UsageSummary
    daily_trend: list[TrendPoint]
    daily_by_model: list[dict[str, Any]]
    """By point of the trend: `date`, and the tokens of each of `modelNames`."""
    model_names: list[str]
    by_model: list[ModelShare]
    by_provider: list[ProviderShare]
    by_account: list[AccountShare]
    by_api_key: list[KeyShare]
    by_combo: list[ComboShare]
    activity_map: dict[str, int]
    """Tokens by day, of the last 365 days, without those on which nothing was asked."""
    weekly_pattern: list[WeekdayTokens]


Groups = dict[str, list[tuple[analytics.Key, Totals]]]
"""By dimension: what is in it, most requests first."""


@router.get("/usage/analytics", response=Analytics)
def get_analytics(request: HttpRequest, range: Range = "30d") -> Analytics:
    """Usage of a range by day, provider, model, account, API key and combo. Counted in UTC."""
    now = timezone.now()
    period = analytics.period(range, now)
    total = analytics.total(period)
    days = analytics.activity(now.date())
    groups: Groups = {each: analytics.breakdown(each, period) for each in Dimension if each != Dimension.ALL}
    return Analytics(
        range=range,
        start_date=_date(period, period.start),
        granularity=period.step,  # type: ignore[arg-type]
        summary=_summary(total, groups, analytics.streak(days)),
        daily_trend=[
            TrendPoint(date=_date(period, start), **amounts(each)) for start, each in analytics.series(period)
        ],
        **_by_model(period, groups[Dimension.MODEL]),
        **_shares(groups, total),
        activity_map={day.date.isoformat(): day.tokens for day in days if day.requests},
        weekly_pattern=[
            WeekdayTokens(
                day=day.name,
                avg_tokens=round(day.tokens / day.days) if day.days else 0,
                total_tokens=day.tokens,
                requests=day.requests,
            )
            for day in analytics.week(period)
        ],
    )


def _summary(total: Totals, groups: Groups, streak: int) -> UsageSummary:
    own = amounts(total)
    return UsageSummary(
        total_requests=own["requests"],
        total_errors=own["errors"],
        total_cost=own["cost"],
        total_saved=own["saved"],
        cache_write_tokens=total.cache_write_tokens,
        fallbacks=total.fallbacks,
        unique_models=sum(bool(provider) for (provider, _), _ in groups[Dimension.MODEL]),
        unique_accounts=len(groups[Dimension.ACCOUNT]),
        unique_api_keys=sum(bool(name) for (_, name), _ in groups[Dimension.KEY]),
        streak=streak,
        **{name: own[name] for name in own if name in UsageSummary.model_fields},
    )


def _by_model(period: Period, models: list[tuple[analytics.Key, Totals]]) -> dict[str, Any]:
    most = sorted((each for each in models if each[0][0]), key=lambda each: -each[1].tokens)[:MODELS_BY_DAY]
    keys = [key for key, _ in most]
    series = analytics.lines(Dimension.MODEL, period, keys)
    points: list[dict[str, Any]] = [{"date": _date(period, start)} for start in period.points()]
    for provider, name in keys:
        for point, tokens in zip(points, series[provider, name]["tokens"], strict=True):
            point[name] = point.get(name, 0) + int(tokens)
    return {"daily_by_model": points, "model_names": list(dict.fromkeys(name for _, name in keys))}


def _shares(groups: Groups, total: Totals) -> dict[str, list[Any]]:
    names, keys = provider_names(), key_names()
    accounts = dict(Account.objects.values_list("pk", "name"))

    def share(totals: Totals) -> dict[str, Any]:
        percent = 100 * totals.tokens / total.tokens if total.tokens else 0
        return {**amounts(totals), "pct": round(percent, 1)}

    def of(provider: str) -> dict[str, Any]:
        return {"provider": provider, "provider_name": names.get(provider, provider)}

    return {
        "by_provider": [
            ProviderShare(**of(provider), **share(each)) for (provider, _), each in groups[Dimension.PROVIDER]
        ],
        "by_model": [
            ModelShare(**of(provider), model=name, **share(each))
            for (provider, name), each in groups[Dimension.MODEL]
            if provider
        ],
        "by_account": [
            AccountShare(
                **of(provider),
                connection_id=name,
                account=accounts.get(int(name), f"deleted account {name}"),
                **share(each),
            )
            for (provider, name), each in groups[Dimension.ACCOUNT]
        ],
        "by_api_key": [
            KeyShare(
                api_key_id=name or None,
                api_key_name=keys.get(int(name), f"deleted key {name}") if name else "local",
                **share(each),
            )
            for (_, name), each in groups[Dimension.KEY]
        ],
        "by_combo": [ComboShare(combo=name, **share(each)) for (_, name), each in groups[Dimension.COMBO]],
    }


def amounts(totals: Totals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "errors": totals.errors,
        "cache_hits": totals.cache_hits,
        "prompt_tokens": totals.input_tokens,
        "completion_tokens": totals.output_tokens,
        "total_tokens": totals.tokens,
        "cached_tokens": totals.cache_read_tokens,
        "reasoning_tokens": totals.reasoning_tokens,
        "cost": float(totals.cost),
        "saved": float(totals.saved),
        "unpriced": totals.unpriced,
        "avg_latency_ms": totals.average_latency_ms,
        "avg_first_token_ms": totals.average_first_token_ms,
    }


def _date(period: Period, start: Any) -> str:
    return f"{start:%Y-%m-%dT%H:%MZ}" if period.step == "hour" else f"{start:%Y-%m-%d}"
