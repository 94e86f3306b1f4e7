"""Usage summed up for people. Reads the daily roll-ups and the newest rows, never the whole history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When
from django.utils import timezone

from billing.models import ApiKey, DailyUsage, UsageRecord
from billing.queries import Totals

T = TypeVar("T")

RANGES = ("today", "7d", "30d", "90d", "ytd", "all")
LOG_LINES = 200
BUCKETS = 10
_SUMS = ("requests", "errors", "input_tokens", "output_tokens", "cost")


@dataclass(slots=True)
class Summary:
    """Totals of a period: models by (provider, model), accounts and API keys by their id (0: none)."""

    total: Totals = field(default_factory=Totals)
    providers: dict[str, Totals] = field(default_factory=dict)
    models: dict[tuple[str, str], Totals] = field(default_factory=dict)
    accounts: dict[int, Totals] = field(default_factory=dict)
    account_providers: dict[int, str] = field(default_factory=dict)
    api_keys: dict[int, Totals] = field(default_factory=dict)


def first_day(range_: str, today: date) -> date | None:
    """The first UTC day of one of `RANGES`; None: from the beginning."""
    if range_ == "ytd":
        return today.replace(month=1, day=1)
    days = {"today": 1, "7d": 7, "30d": 30, "90d": 90}.get(range_)
    return today - timedelta(days=days - 1) if days else None


def summary(since: date | None) -> Summary:
    rows = DailyUsage.objects.order_by()
    if since:
        rows = rows.filter(day__gte=since)
    result = Summary()
    groups: Iterable[Any] = rows.values("provider", "model", "account_id", "api_key_id").annotate(
        **{f"sum_{name}": Sum(name) for name in _SUMS}
    )
    for group in groups:
        row = Totals(**{name: group[f"sum_{name}"] for name in _SUMS})
        result.total += row
        _add(result.api_keys, group["api_key_id"], row)
        if not group["provider"]:
            continue  # refused before a provider was chosen
        _add(result.providers, group["provider"], row)
        _add(result.models, (group["provider"], group["model"]), row)
        _add(result.accounts, group["account_id"], row)
        result.account_providers[group["account_id"]] = group["provider"]
    return result


def _add(totals: dict[T, Totals], key: T, row: Totals) -> None:
    totals[key] = totals.get(key, Totals()) + row


def last_minutes(moment: datetime, count: int = BUCKETS) -> list[tuple[datetime, Totals]]:
    """(start, totals) of the last `count` minutes, the running one included, oldest first."""
    newest = moment.replace(second=0, microsecond=0)
    starts = [newest - timedelta(minutes=back) for back in range(count - 1, -1, -1)]
    # Plain comparisons: SQLite has no date truncation of its own, and Django's runs Python for every row.
    bucket = Case(
        *(
            When(created_at__gte=start, then=Value(number))
            for number, start in reversed(list(enumerate(starts)))
        ),
        output_field=IntegerField(),
    )
    rows: Iterable[Any] = (
        UsageRecord.objects.filter(created_at__gte=starts[0])
        .order_by()
        .annotate(bucket=bucket)
        .values("bucket")
        .annotate(
            requests=Count("id"),
            errors=Count("id", filter=Q(status__gte=400)),
            sum_input=Sum("input_tokens"),
            sum_output=Sum("output_tokens"),
            sum_cost=Sum("cost"),
        )
        .annotate(input_tokens=F("sum_input"), output_tokens=F("sum_output"), cost=F("sum_cost"))
    )
    found = {
        row["bucket"]: Totals(**{name: row[name] for name in _SUMS if row[name] is not None}) for row in rows
    }
    return [(start, found.get(number, Totals())) for number, start in enumerate(starts)]


def api_key_names(ids: Iterable[int]) -> dict[int, str]:
    return dict(ApiKey.objects.filter(pk__in=list(ids)).values_list("pk", "name"))


def log_lines(providers: Mapping[str, str], limit: int = LOG_LINES) -> list[str]:
    """The newest requests first: time | model | PROVIDER | account | input | output | status.

    `providers` gives ids that nobody would recognise another name.
    """
    fields = (
        "served_model",
        "requested_model",
        "provider",
        "account_name",
        "input_tokens",
        "output_tokens",
        "status",
    )
    lines = []
    for row in UsageRecord.objects.order_by("-id").values("created_at", *fields)[:limit]:
        parts = (
            timezone.localtime(row["created_at"]).strftime("%d-%m-%Y %H:%M:%S"),
            row["served_model"] or row["requested_model"] or "-",
            providers.get(row["provider"], row["provider"]).upper() or "-",
            row["account_name"] or "-",
            str(row["input_tokens"]),
            str(row["output_tokens"]),
            str(row["status"]),
        )
        lines.append(" | ".join(parts))
    return lines
