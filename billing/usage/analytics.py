"""Usage over a period, for charts and tables: series, breakdowns, activity. Reads the roll-ups alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Min, QuerySet
from django.db.models.expressions import CombinedExpression

from billing.models import UsageTotal
from billing.usage.queries import Dimension, Span, Totals, as_totals, grouped, spans, sums

RANGES = {
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "ytd": "This year",
    "all": "All time",
}
DEFAULT_RANGE = "30d"
ACTIVITY_DAYS = 365
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
MAX_POINTS = 100
"""A chart of more days than this shows weeks, and of more weeks, months."""

Key = tuple[str, str]
"""Provider and name, as the roll-ups have them."""


@dataclass(frozen=True, slots=True)
class Period:
    """UTC hours or days from `start` (inclusive) to `end` (exclusive), which is in the running one."""

    name: str
    span: str
    start: datetime
    end: datetime

    @property
    def step(self) -> str:
        """What one point of a chart covers: hour, day, week or month."""
        if self.span == Span.HOUR:
            return "hour"
        days = (self.end - self.start).days
        return "day" if days <= MAX_POINTS else "week" if days <= 7 * MAX_POINTS else "month"

    @property
    def before(self) -> Period:
        """The same length, just before."""
        return replace(self, start=self.start - (self.end - self.start), end=self.start)

    def rows(self, dimension: str) -> QuerySet[UsageTotal]:
        return spans(dimension, self.start, self.span).filter(start__lt=self.end)

    def points(self) -> list[datetime]:
        """Where each point of a chart begins. The first may begin before the period."""
        found, at = [], _floor(self.start, self.step)
        while at < self.end:
            found.append(at)
            at = _next(at, self.step)
        return found

    def point(self, start: datetime) -> datetime:
        """The point of a chart that a roll-up belongs to."""
        return _floor(start, self.step)


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    requests: int
    tokens: int
    cost: float


def period(name: str, now: datetime) -> Period:
    """One of `RANGES`, ending with the running hour or day."""
    if name == "24h":
        hour = now.replace(minute=0, second=0, microsecond=0)
        return Period(name, Span.HOUR, hour - timedelta(hours=23), hour + timedelta(hours=1))
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    if name == "ytd":
        start = today.replace(month=1, day=1)
    elif name == "all":
        first = spans(Dimension.ALL).aggregate(first=Min("start"))["first"]
        start = min(first or today, today)
    else:
        start = today - timedelta(days=int(name.removesuffix("d")) - 1)
    return Period(name, Span.DAY, start, today + timedelta(days=1))


def total(of: Period) -> Totals:
    return as_totals(of.rows(Dimension.ALL).aggregate(**sums()), "sum_")


def series(of: Period) -> list[tuple[datetime, Totals]]:
    """One entry for each point, oldest first, empty ones included."""
    points = dict.fromkeys(of.points(), Totals())
    rows: Iterable[Any] = of.rows(Dimension.ALL).values("start").annotate(**sums()).order_by("start")
    for row in rows:
        point = of.point(row["start"])
        points[point] = points.get(point, Totals()) + as_totals(row, "sum_")
    return list(points.items())


def breakdown(dimension: str, of: Period) -> list[tuple[Key, Totals]]:
    """Everything in a dimension, most requests first."""
    return [((provider, name), totals) for provider, name, totals in grouped(of.rows(dimension))]


MEASURES: dict[str, F | CombinedExpression] = {
    "requests": F("requests"),
    "tokens": F("input_tokens") + F("output_tokens"),
    "cost": F("cost"),
}


def lines(dimension: str, of: Period, keys: Sequence[Key]) -> dict[Key, dict[str, list[float]]]:
    """For each key the `MEASURES` at each point of the period."""
    index = {point: number for number, point in enumerate(of.points())}
    found = {key: {name: [0.0] * len(index) for name in MEASURES} for key in keys}
    rows = (
        of.rows(dimension)
        .filter(provider__in={provider for provider, _ in keys}, name__in={name for _, name in keys})
        .values_list("start", "provider", "name", *MEASURES.values())
    )
    for start, provider, name, *values in rows:
        if line := found.get((provider, name)):
            at = index[of.point(start)]
            for measure, value in zip(MEASURES, values, strict=True):
                line[measure][at] += float(value)
    return found


def activity(today: date, days: int = ACTIVITY_DAYS) -> list[Day]:
    """The `days` that end with `today`, empty ones included."""
    first = today - timedelta(days=days - 1)
    found = {day.date: day for day in _days(spans(Dimension.ALL, first))}
    every = (first + timedelta(days=number) for number in range(days))
    return [found.get(day, Day(day, 0, 0, 0.0)) for day in every]


def streak(days: Sequence[Day]) -> int:
    """How many days in a row there was something to do. Today may still be empty."""
    count = 0
    for number, day in enumerate(reversed(days)):
        if day.requests:
            count += 1
        elif number:
            break
    return count


@dataclass(frozen=True, slots=True)
class Weekday:
    name: str
    tokens: int
    requests: int
    days: int
    """How many of them the period has, empty ones included."""


def week(of: Period) -> list[Weekday]:
    """From Sunday on: what each day of the week amounts to."""
    tokens, requests, days = [0] * 7, [0] * 7, [0] * 7
    start = of.start.replace(hour=0)
    for day in _days(spans(Dimension.ALL, start).filter(start__lt=of.end)):
        requests[_number(day.date)] += day.requests
        tokens[_number(day.date)] += day.tokens
    for offset in range((of.end - start).days + (of.end.hour > 0)):
        days[_number(start.date() + timedelta(days=offset))] += 1
    return [Weekday(*each) for each in zip(WEEKDAYS, tokens, requests, days, strict=True)]


def _number(day: date) -> int:
    """Where a day stands in `WEEKDAYS`."""
    return day.isoweekday() % 7


def _days(rows: QuerySet[UsageTotal]) -> Iterator[Day]:
    columns = ("start", *MEASURES.values())
    for start, requests, tokens, cost in rows.values_list(*columns):
        yield Day(start.date(), requests, tokens, float(cost))


def _floor(moment: datetime, step: str) -> datetime:
    if step == "hour":
        return moment
    day = moment.replace(hour=0)
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _next(point: datetime, step: str) -> datetime:
    if step == "month":
        return (point + timedelta(days=32)).replace(day=1)
    return point + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[step]
