"""What the dashboard asks about usage. Totals come from the roll-ups; the history is read by bounded queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import add
from statistics import median
from typing import Any

from django.db.models import F, QuerySet, Sum

from billing.models import ApiKey, UsageRecord, UsageTotal
from billing.usage.rollups import SUMS, Amounts

Dimension = UsageTotal.Dimension
Span = UsageTotal.Span


class Totals(Amounts):
    """Sums over requests. `cost` and `saved` (USD) leave out the `unpriced` ones; `latency_ms` and `first_token_ms` are
    sums as well."""

    __slots__ = ()

    def __add__(self, other: Totals) -> Totals:  # type: ignore[override]  # amounts are added, not strung together
        return Totals._make(map(add, self, other))

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def fresh_input_tokens(self) -> int:
        """Neither read from a cache nor written to one."""
        return max(0, self.input_tokens - self.cache_read_tokens - self.cache_write_tokens)

    @property
    def cached_share(self) -> float | None:
        """Percent of the input that providers read from their caches; None without input."""
        return 100 * self.cache_read_tokens / self.input_tokens if self.input_tokens else None

    @property
    def error_rate(self) -> float | None:
        """Percent of the requests; None without requests."""
        return 100 * self.errors / self.requests if self.requests else None

    @property
    def average_latency_ms(self) -> float | None:
        return self.latency_ms / self.requests if self.requests else None

    @property
    def average_first_token_ms(self) -> float | None:
        return self.first_token_ms / self.first_tokens if self.first_tokens else None


@dataclass(frozen=True, slots=True)
class Recent:
    """Medians, in milliseconds, over the newest successful requests; None where there are none."""

    latency_ms: float | None
    first_token_ms: float | None
    sample: int


def utc_today() -> date:
    """The day that the roll-ups count in, whatever the local time zone."""
    return datetime.now(tz=UTC).date()


def spans(dimension: str, since: date | datetime | None = None, span: str = Span.DAY) -> QuerySet[UsageTotal]:
    """The roll-ups of one dimension from a UTC day or moment on; None: all that there are."""
    rows = UsageTotal.objects.filter(span=span, dimension=dimension).order_by()
    return rows.filter(start__gte=midnight(since)) if since else rows


def midnight(day: date | datetime) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time(), UTC)


def totals(day: date) -> Totals:
    return as_totals(spans(Dimension.ALL).filter(start=midnight(day)).aggregate(**sums()), "sum_")


def daily_totals(days: int, until: date) -> list[tuple[date, Totals]]:
    """One entry for each of the `days` that end with `until`, oldest first, empty days included."""
    start = until - timedelta(days=days - 1)
    rows = spans(Dimension.ALL, start).filter(start__lte=midnight(until)).values("start", *SUMS)
    found = {row["start"].date(): as_totals(row) for row in rows}
    every = [start + timedelta(days=offset) for offset in range(days)]
    return [(day, found.get(day, Totals())) for day in every]


def totals_by(dimension: str, since: date | datetime | None) -> list[tuple[str, str, Totals]]:
    """(provider, name, totals) of everything in a dimension since a day, most requests first."""
    return grouped(spans(dimension, since))


def grouped(rows: QuerySet[UsageTotal]) -> list[tuple[str, str, Totals]]:
    """(provider, name, totals), most requests first."""
    groups: Iterable[Any] = rows.values("provider", "name").annotate(**sums())
    found = [(row["provider"], row["name"], as_totals(row, "sum_")) for row in groups]
    return sorted(found, key=lambda each: (-each[2].requests, each[0], each[1]))


def top_models(since: date, limit: int) -> list[tuple[str, str, Totals]]:
    """(provider, model, totals) since a day, most requests first."""
    return totals_by(Dimension.MODEL, since)[:limit]


def recent_requests(limit: int) -> QuerySet[UsageRecord]:
    return UsageRecord.requests.order_by("-id")[:limit]


def recent_latency(sample: int = 200) -> Recent:
    """Of the newest `sample` requests: they are few, so that this stays fast however long the history."""
    newest = UsageRecord.requests.order_by("-id").values_list("status", "latency_ms", "first_token_ms")[
        :sample
    ]
    good = [(latency, first) for status, latency, first in newest if status < 400]
    first_tokens = [first for _, first in good if first is not None]
    return Recent(
        latency_ms=median(latency for latency, _ in good) if good else None,
        first_token_ms=median(first_tokens) if first_tokens else None,
        sample=len(good),
    )


def has_answers() -> bool:
    """Whether any request was ever answered. Reads the roll-up of days: a row a day."""
    return spans(Dimension.ALL).filter(requests__gt=F("errors")).exists()


def known_values(field: str, days: int = 90) -> list[str]:
    """The providers, models or combos of late: the choices of a filter, without reading the history."""
    column = "provider" if field == "provider" else "name"
    rows = spans(field, utc_today() - timedelta(days=days))
    return sorted(set(rows.values_list(column, flat=True).distinct()))


def key_names() -> dict[int, str]:
    return dict(ApiKey.objects.values_list("pk", "name"))


def key_count() -> int:
    return ApiKey.objects.count()


def sums() -> dict[str, Sum]:
    return {f"sum_{name}": Sum(name) for name in SUMS}


def as_totals(row: Any, prefix: str = "") -> Totals:
    """A sum over nothing is NULL."""
    return Totals(**{name: row[prefix + name] for name in SUMS if row[prefix + name] is not None})
