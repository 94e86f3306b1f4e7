"""Finds daily figures, page by page from the newest day on, a day's busiest first. Nothing is counted or skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Self

from django.db.models import Q, QuerySet

from billing.models import DailyUsage
from billing.usage.finding import Cursor, Place, last_day


class DayCursor(NamedTuple):
    """Stands behind a row: what comes behind it in the list comes next."""

    day: date
    requests: int
    id: int

    def __str__(self) -> str:
        return f"{self.day:%Y%m%d}-{self.requests}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what `str` never made."""
        try:
            day, requests, number = text.split("-")
            return cls(datetime.strptime(day, "%Y%m%d").date(), int(requests), int(number))
        except ValueError:
            return None

    @property
    def behind(self) -> Q:
        less = Q(requests__lt=self.requests) | Q(requests=self.requests, id__lt=self.id)
        return Q(day__lte=self.day) & (Q(day__lt=self.day) | less)


@dataclass(slots=True)
class FoundDays:
    rows: list[DailyUsage]
    next: DayCursor | None = None
    """Where to go on; None: there is nothing more."""
    searched_to: None = None


def find_days(
    rows: QuerySet[DailyUsage], limit: int, places: Sequence[Place] = (), before: DayCursor | None = None
) -> FoundDays:
    """Up to `limit` of `rows`. Each of them lies in all of `places`."""
    newest = before.day if before else datetime.now(UTC).date() + timedelta(days=1)
    reached = last_day(places, Cursor(datetime.combine(newest, time.max, UTC)))
    if reached is None:
        return FoundDays([])
    rows = rows.filter(day__lte=reached.moment.date())
    if before is not None:
        rows = rows.filter(before.behind)
    found = list(rows.order_by("-day", "-requests", "-id")[: limit + 1])
    if len(found) <= limit:
        return FoundDays(found)
    last = found[limit - 1]
    return FoundDays(found[:limit], DayCursor(last.day, last.requests, last.pk))
