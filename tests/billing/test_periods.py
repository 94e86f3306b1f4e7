from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.periods import period_of

PARIS = ZoneInfo("Europe/Paris")
TOKYO = ZoneInfo("Asia/Tokyo")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "zone", "moment", "start", "end"),
    [
        ("daily", "UTC", "2026-11-25T23:59:59", "2026-11-25T00:00", "2026-11-26T00:00"),
        ("daily", "Asia/Tokyo", "2026-11-25T15:00", "2026-11-25T15:00", "2026-11-26T15:00"),
        ("daily", "Asia/Tokyo", "2026-11-25T14:59", "2026-11-24T15:00", "2026-11-25T15:00"),
        ("daily", "Asia/Kathmandu", "2026-11-25T18:15", "2026-11-25T18:15", "2026-11-26T18:15"),
        ("weekly", "UTC", "2026-11-29T12:00", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("weekly", "UTC", "2026-11-30T00:00", "2026-11-30T00:00", "2026-12-07T00:00"),
        ("monthly", "UTC", "2026-12-31T23:00", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("monthly", "Europe/Paris", "2026-12-31T23:00", "2026-12-31T23:00", "2027-01-31T23:00"),
        ("monthly", "UTC", "2028-02-29T12:00", "2028-02-01T00:00", "2028-03-01T00:00"),
    ],
)
def test_a_period_is_whole_days_of_its_time_zone(kind: str, zone: str, moment: str, start: str, end: str):
    period = period_of(kind, ZoneInfo(zone), at(moment), BEGAN)
    assert (period.start, period.end) == (at(start), at(end))
    assert period.has(at(moment))
    assert period.end
    assert not period.has(period.end)


def test_the_day_on_which_summer_begins_is_an_hour_shorter():
    period = period_of("daily", PARIS, at("2026-03-29T12:00"), BEGAN)
    assert period.end
    assert period.end - period.start == timedelta(hours=23)


def test_the_day_on_which_summer_ends_is_an_hour_longer():
    period = period_of("daily", PARIS, at("2026-10-25T12:00"), BEGAN)
    assert period.end
    assert period.end - period.start == timedelta(hours=25)


def test_a_month_over_the_change_begins_and_ends_at_midnight():
    period = period_of("monthly", PARIS, at("2026-03-15T12:00"), BEGAN)
    assert (period.start, period.end) == (at("2026-02-28T23:00"), at("2026-03-31T22:00"))


@pytest.mark.parametrize("kind", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize("zone", [PARIS, TOKYO, SAO_PAULO, ZoneInfo("America/New_York")])
def test_each_period_begins_where_the_one_before_it_ends(kind: str, zone: ZoneInfo):
    period = period_of(
        kind, zone, at("2018-10-01T12:00"), BEGAN
    )  # São Paulo's clock jumped over a midnight then
    for _ in range(60):
        assert period.end
        following = period_of(kind, zone, period.end, BEGAN)
        assert following.start == period.end
        assert not following.has(period.end - timedelta(seconds=1))
        period = following


def test_once_is_one_period_without_an_end():
    period = period_of("once", TOKYO, at("2030-01-01T00:00"), BEGAN)
    assert (period.start, period.end) == (BEGAN, None)
