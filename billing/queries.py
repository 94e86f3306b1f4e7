"""What the dashboard asks about usage. Totals come from the daily roll-ups; the history is read by bounded queries."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.db.models import QuerySet, Sum

from billing.models import ApiKey, DailyUsage, UsageRecord

_SUMS = (
    "requests",
    "errors",
    "fallbacks",
    "unpriced",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cost",
    "latency_ms",
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over requests. `cost` (USD) leaves out the `unpriced` ones; `latency_ms` is a sum as well."""

    requests: int = 0
    errors: int = 0
    fallbacks: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cost: Decimal = Decimal(0)
    latency_ms: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def error_rate(self) -> float | None:
        """Percent of the requests; None without requests."""
        return 100 * self.errors / self.requests if self.requests else None

    @property
    def average_latency_ms(self) -> float | None:
        return self.latency_ms / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Recent:
    """Medians, in milliseconds, over the newest successful requests; None where there are none."""

    latency_ms: float | None
    first_token_ms: float | None
    sample: int


def utc_today() -> date:
    """The day that the roll-ups count in, whatever the local time zone."""
    return datetime.now(tz=UTC).date()


def totals(day: date) -> Totals:
    return _totals(DailyUsage.objects.filter(day=day).aggregate(**_sums()))


def daily_totals(days: int, until: date) -> list[tuple[date, Totals]]:
    """One entry for each of the `days` that end with `until`, oldest first, empty days included."""
    start = until - timedelta(days=days - 1)
    rows = (
        DailyUsage.objects.filter(day__range=(start, until)).order_by("day").values("day").annotate(**_sums())
    )
    found = {row["day"]: _totals(row) for row in rows}
    every = [start + timedelta(days=offset) for offset in range(days)]
    return [(day, found.get(day, Totals())) for day in every]


def totals_by(field: str, since: date, limit: int | None = None) -> list[tuple[Any, Totals]]:
    """Totals since a day for each value of a `DailyUsage` field, most requests first."""
    rows = (
        DailyUsage.objects.filter(day__gte=since)
        .exclude(**{field: "" if field in ("provider", "model", "combo") else 0})
        .order_by()
        .values(field)
        .annotate(**_sums())
        .order_by("-requests", field)
    )
    return [(row[field], _totals(row)) for row in (rows[:limit] if limit else rows)]


def top_models(since: date, limit: int) -> list[tuple[str, str, Totals]]:
    """(provider, model, totals) since a day, most requests first."""
    rows = (
        DailyUsage.objects.filter(day__gte=since)
        .exclude(model="")
        .order_by()
        .values("provider", "model")
        .annotate(**_sums())
        .order_by("-requests", "provider", "model")[:limit]
    )
    return [(row["provider"], row["model"], _totals(row)) for row in rows]


def recent_requests(limit: int) -> QuerySet[UsageRecord]:
    return UsageRecord.objects.order_by("-id")[:limit]


def recent_latency(sample: int = 200) -> Recent:
    """Of the newest `sample` requests: they are few, so that this stays fast however long the history."""
    newest = UsageRecord.objects.order_by("-id").values_list("status", "latency_ms", "first_token_ms")[
        :sample
    ]
    good = [(latency, first) for status, latency, first in newest if status < 400]
    first_tokens = [first for _, first in good if first is not None]
    return Recent(
        latency_ms=median(latency for latency, _ in good) if good else None,
        first_token_ms=median(first_tokens) if first_tokens else None,
        sample=len(good),
    )


def has_requests() -> bool:
    return UsageRecord.objects.exists()


def known_values(field: str, days: int = 90) -> list[str]:
    """The values that a `DailyUsage` text field took lately: the choices of a filter, without reading the history."""
    since = utc_today() - timedelta(days=days)
    rows = DailyUsage.objects.filter(day__gte=since).exclude(**{field: ""}).order_by(field)
    return list(rows.values_list(field, flat=True).distinct())


def key_names() -> dict[int, str]:
    return dict(ApiKey.objects.values_list("pk", "name"))


def key_count() -> int:
    return ApiKey.objects.count()


def _sums() -> dict[str, Sum]:
    return {name: Sum(name) for name in _SUMS}


def _totals(row: Any) -> Totals:
    """A sum over nothing is NULL."""
    return Totals(**{name: row[name] for name in _SUMS if row[name] is not None})
