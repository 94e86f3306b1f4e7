"""When a budget's period begins and ends, in the time zone of whoever set it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

SET_BACK = timedelta(minutes=1)
"""As far as clocks are put right while they run. What began then goes on, instead of what was spent being forgotten."""


@dataclass(frozen=True, slots=True)
class Period:
    """In UTC. `end` is the first moment that is not part of it; None: it never ends."""

    start: datetime
    end: datetime | None

    def has(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)

    def is_just_ahead(self, moment: datetime) -> bool:
        """It began a moment ago, by a clock that was set back since."""
        return timedelta(0) < self.start - moment <= SET_BACK


def period_of(kind: str, zone: ZoneInfo, moment: datetime, counts_from: datetime) -> Period:
    """The one with that moment in it. `kind` is a value of `Budget.Period`; weeks begin on Monday."""
    if kind == "once":
        return Period(counts_from, None)
    today = moment.astimezone(zone).date()
    if kind == "daily":
        return _period(today, today + timedelta(days=1), zone)
    if kind == "weekly":
        monday = today - timedelta(days=today.weekday())
        return _period(monday, monday + timedelta(days=7), zone)
    first = today.replace(day=1)
    return _period(first, (first + timedelta(days=32)).replace(day=1), zone)


def _period(first: date, after: date, zone: ZoneInfo) -> Period:
    return Period(_midnight(first, zone), _midnight(after, zone))


@lru_cache(maxsize=256)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The day's first moment. Where the clock jumps over midnight, the zone's rules give the one behind the jump."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def check_time_zone(name: str) -> None:
    """Validator. Raise `ValidationError`."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(
            f"{name[:60]!r} is no time zone; examples: UTC, Europe/Paris, Asia/Tokyo"
        ) from None
