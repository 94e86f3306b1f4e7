from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.models import DailyUsage
from billing.usage.daily_finding import DayCursor, find_days
from billing.usage.finding import by_model
from tests.usage import recorded

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()


def day(back: int, requests: int, model: str = "glm-4.7") -> DailyUsage:
    return DailyUsage.objects.create(
        day=TODAY - timedelta(days=back), requests=requests, model=model, provider=f"p{requests}"
    )


def every(limit: int) -> list[int]:
    """All pages, one behind the other."""
    found: list[int] = []
    before = None
    while True:
        page = find_days(DailyUsage.objects.all(), limit, (), before)
        found += [row.pk for row in page.rows]
        if page.next is None:
            return found
        before = DayCursor.parse(str(page.next))


def test_pages_have_every_row_once_the_newest_day_first_and_its_busiest_first():
    rows = [day(0, 5), day(0, 5, "other"), day(0, 9), day(1, 7), day(3, 7, "x"), day(3, 7, "y")]
    wanted = sorted(rows, key=lambda row: (row.day, row.requests, row.pk), reverse=True)
    for limit in (1, 2, 3, 10):
        assert every(limit) == [row.pk for row in wanted]


def test_it_passes_over_days_that_have_nothing_to_find():
    moment = datetime.now(UTC) - timedelta(days=40)
    recorded(created_at=moment, status=200, provider="glm", served_model="rare")
    found = find_days(DailyUsage.objects.filter(model="rare"), 10, [by_model("rare")])
    assert [row.day for row in found.rows] == [moment.date()]
    assert find_days(DailyUsage.objects.all(), 10, [by_model("nobody's")]).rows == []


@pytest.mark.parametrize(
    "text", ["", "x", "1-2", "20260101-5", "20261301-5-5", "20260101-5-x", "20260101-5-5-5"]
)
def test_what_is_no_cursor_is_none(text: str):
    assert DayCursor.parse(text) is None


def test_a_cursor_is_read_as_it_was_written():
    cursor = DayCursor(date(2026, 3, 1), 12, 99)
    assert DayCursor.parse(str(cursor)) == cursor
