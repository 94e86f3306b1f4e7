from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.usage import analytics
from billing.usage.queries import Dimension
from tests.usage import count

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 15, 40, tzinfo=UTC)  # a Tuesday
TODAY = NOW.date()


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("name", "start", "step"),
    [
        ("24h", datetime(2026, 3, 9, 16, tzinfo=UTC), "hour"),
        ("7d", datetime(2026, 3, 4, tzinfo=UTC), "day"),
        ("30d", datetime(2026, 2, 9, tzinfo=UTC), "day"),
        ("ytd", datetime(2026, 1, 1, tzinfo=UTC), "day"),
        ("all", datetime(2025, 3, 11, tzinfo=UTC), "week"),
    ],
)
def test_a_period_ends_with_what_is_running(name, start, step):
    count(back(364))
    period = analytics.period(name, NOW)
    assert (period.start, period.step) == (start, step)
    assert period.end == (
        datetime(2026, 3, 10, 16, tzinfo=UTC) if name == "24h" else datetime(2026, 3, 11, tzinfo=UTC)
    )
    assert period.before.end == period.start
    assert period.before.end - period.before.start == period.end - period.start


def test_all_time_without_any_usage_is_today():
    period = analytics.period("all", NOW)
    assert [point.date() for point in period.points()] == [TODAY]
    assert analytics.total(period).requests == 0


def test_years_are_shown_in_months():
    count(date(2023, 1, 20))
    count(date(2023, 2, 1), requests=4)
    period = analytics.period("all", NOW)
    assert period.step == "month"
    found = [(start.date(), total.requests) for start, total in analytics.series(period)]
    assert found[:3] == [(date(2023, 1, 1), 1), (date(2023, 2, 1), 4), (date(2023, 3, 1), 0)]
    assert found[-1][0] == date(2026, 3, 1)


def test_a_series_has_its_empty_points():
    count(back(1), requests=3, input_tokens=10)
    count(back(7), requests=100)
    found = analytics.series(analytics.period("7d", NOW))
    assert [total.requests for _, total in found] == [0, 0, 0, 0, 0, 3, 0]


def test_weeks_add_up_their_days():
    count(back(364))
    for day in (date(2026, 3, 2), date(2026, 3, 8), date(2026, 3, 9)):
        count(day)
    found = dict(analytics.series(analytics.period("all", NOW)))
    assert [found[datetime(2026, 3, day, tzinfo=UTC)].requests for day in (2, 9)] == [2, 1]


def test_lines_follow_their_keys():
    count(back(1), "glm", "glm-4.7", requests=2, input_tokens=5, output_tokens=1, cost="0.5")
    count(TODAY, "glm", "glm-5")
    count(TODAY, "openai", "glm-4.7", requests=9)
    found = analytics.lines(
        Dimension.MODEL, analytics.period("7d", NOW), [("glm", "glm-4.7"), ("glm", "glm-5")]
    )
    line = found["glm", "glm-4.7"]
    assert (line["requests"][-2:], line["tokens"][-2:], line["cost"][-2:]) == ([2, 0], [6, 0], [0.5, 0])
    assert found["glm", "glm-5"]["requests"][-1] == 1
    assert len(found) == 2


def test_a_breakdown_has_the_busiest_first_and_stays_within_the_period():
    count(back(0), requests=2)
    count(back(0), "openai", "gpt-4o", requests=5)
    count(back(9), requests=50)
    found = analytics.breakdown(Dimension.PROVIDER, analytics.period("7d", NOW))
    assert [(key, total.requests) for key, total in found] == [(("openai", ""), 5), (("glm", ""), 2)]


def test_activity_covers_a_year_and_a_streak_may_begin_yesterday():
    for ago in (1, 2, 3, 5, 400):
        count(back(ago), input_tokens=7, output_tokens=3)
    days = analytics.activity(TODAY)
    assert (len(days), days[0].date, days[-1].date) == (365, back(364), TODAY)
    assert (days[-2].tokens, days[-5].requests) == (10, 0)
    assert analytics.streak(days) == 3
    count(TODAY)
    assert analytics.streak(analytics.activity(TODAY)) == 4
    assert analytics.streak(analytics.activity(back(30))) == 0


def test_a_week_begins_on_sunday_and_counts_its_days():
    count(TODAY, input_tokens=100)
    count(back(7), input_tokens=50)
    found = analytics.week(analytics.period("30d", NOW))
    assert [day.name for day in found] == list(analytics.WEEKDAYS)
    assert (found[2].tokens, found[2].requests, found[2].days) == (150, 2, 5)
    assert sum(day.days for day in found) == 30
