"""Finds requests, newest first, in bounded time however long the history.

The history has one index to read it by, that of time: every other would cost each request's accounting. So the rows are
looked through in windows, and the roll-ups say on which days there is nothing to find.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from django.db.models import Q, QuerySet

from billing.models import UsageRecord, UsageTotal
from billing.usage.queries import Dimension, Span

FIRST_WINDOW = 2_000
"""Rows that are looked through first: most pages are full with them."""
WINDOW = 10_000
"""Rows that each further query looks through."""
PATIENCE_S = 0.12
"""After this no other window is begun."""

Requests = QuerySet[UsageRecord]


class Place(NamedTuple):
    """Something that a day's roll-ups must have for a request to be found on it. None: whatever provider."""

    dimension: str
    provider: str | None = None
    name: str = ""
    failed: bool = False


class Cursor(NamedTuple):
    """Stands behind a request; what was earlier comes next. With id 0, behind everything of its moment."""

    moment: datetime
    id: int = 0

    def __str__(self) -> str:
        return f"{self.moment.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what `str` never made."""
        moment, _, number = text.partition("-")
        try:
            return cls(datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), int(number))
        except ValueError:
            return None

    @property
    def earlier(self) -> Q:
        return Q(created_at__lte=self.moment) & (Q(created_at__lt=self.moment) | Q(id__lt=self.id))


@dataclass(slots=True)
class Found:
    rows: list[UsageRecord]
    next: Cursor | None = None
    """Where to go on; None: there is nothing more."""
    searched_to: datetime | None = None
    """Set where time was up before there were enough rows."""


def find(rows: Requests, limit: int, places: Sequence[Place] = (), before: Cursor | None = None) -> Found:
    """Up to `limit` of `rows`. Each of them has to lie in all of `places`."""
    deadline = time.monotonic() + PATIENCE_S
    at = before or Cursor(datetime.now(UTC) + timedelta(days=1))
    rows = rows.order_by("-created_at", "-id")
    found: list[UsageRecord] = []
    size = min(FIRST_WINDOW, WINDOW)
    while True:
        if (reached := last_day(places, at)) is None:
            return Found(found)
        at, floor = reached, _window(reached, size)
        window = rows.filter(at.earlier)
        if floor is not None:
            window = window.filter(created_at__gte=floor)
        found += window[: limit + 1 - len(found)]
        if len(found) > limit:
            last = found[limit - 1]
            return Found(found[:limit], Cursor(last.created_at, last.pk))
        if floor is None:
            return Found(found)
        at, size = Cursor(floor), WINDOW
        if time.monotonic() > deadline:
            return Found(found, at, floor)


def _window(at: Cursor, size: int) -> datetime | None:
    """How far back a window from here reaches; None: to the beginning."""
    moments = UsageRecord.objects.filter(at.earlier).order_by("-created_at", "-id")
    return moments.values_list("created_at", flat=True)[size : size + 1].first()


def last_day(places: Sequence[Place], at: Cursor) -> Cursor | None:
    """The same place, or the end of the last day before it on which there may be something; None: there is none."""
    first = day = at.moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while places:
        days = [_latest(place, day) for place in places]
        known = [each for each in days if each is not None]
        if len(known) < len(days):
            return None
        if min(known) == day:
            break
        day = min(known)
    return at if day == first else Cursor(day + timedelta(days=1))


def _latest(place: Place, day: datetime) -> datetime | None:
    """The latest day, no later than this one, whose roll-ups have the place."""
    totals = UsageTotal.objects.filter(
        span=Span.DAY, dimension=place.dimension, start__lte=day, name=place.name, requests__gt=0
    )
    if place.provider is not None:
        totals = totals.filter(provider=place.provider)
    if place.failed:
        totals = totals.filter(errors__gt=0)
    return totals.order_by("-start").values_list("start", flat=True).first()


def with_id(request_id: str) -> list[UsageRecord]:
    """The request that bears this id, if there is one."""
    # Neither an order nor a limit, with which PostgreSQL may take walking through the table for the shorter way.
    return list(UsageRecord.requests.filter(request_id=request_id).order_by())[:1]


TEXTS = (
    "requested_model", "served_model", "provider", "account_name", "api_key_name", "combo", "endpoint", "error_code",
    "error_message",
)  # fmt: skip


def saying(words: str) -> Q:
    """Requests that have the words somewhere, in whatever case."""
    found = Q()
    for name in TEXTS:
        found |= Q(**{f"{name}__icontains": words})
    return found


def by_provider(provider: str) -> Place:
    return Place(Dimension.PROVIDER, provider)


def by_model(model: str) -> Place:
    return Place(Dimension.MODEL, None, model)


def by_account(account_id: int) -> Place:
    return Place(Dimension.ACCOUNT, None, str(account_id))


def by_key(api_key_id: int | None) -> Place:
    return Place(Dimension.KEY, "", str(api_key_id or ""))


def by_combo(combo: str) -> Place:
    return Place(Dimension.COMBO, "", combo)


FAILED = Place(Dimension.ALL, "", "", failed=True)
