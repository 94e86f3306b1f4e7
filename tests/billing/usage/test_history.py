from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import UsageRecord
from billing.usage import history
from tests.usage import count

TODAY = date(2026, 3, 10)


def day(back: int = 0, **values) -> None:
    count(TODAY - timedelta(days=back), **{"account_id": 1, **values})


@pytest.mark.parametrize(
    ("range_", "first"),
    [
        ("today", TODAY),
        ("7d", date(2026, 3, 4)),
        ("30d", date(2026, 2, 9)),
        ("ytd", date(2026, 1, 1)),
        ("all", None),
    ],
)
def test_a_range_begins_on_a_day(range_, first):
    assert history.first_day(range_, TODAY) == first


@pytest.mark.django_db
def test_a_summary_adds_up_by_provider_model_account_and_key():
    day(requests=2, errors=1, input_tokens=10, output_tokens=5, cost=Decimal("0.5"))
    day(back=1, input_tokens=1, api_key_id=7, cost=Decimal("0.25"))
    day(model="glm-5", account_id=2)
    day(provider="", model="", account_id=0, errors=1)
    result = history.summary(None)
    assert (result.total.requests, result.total.errors, result.total.cost) == (5, 2, Decimal("0.75"))
    assert result.providers["glm"].requests == 4
    assert {key: row.requests for key, row in result.models.items()} == {
        ("glm", "glm-4.7"): 3,
        ("glm", "glm-5"): 1,
    }
    assert {key: row.requests for key, row in result.accounts.items()} == {1: 3, 2: 1}
    assert {key: row.input_tokens for key, row in result.api_keys.items()} == {0: 10, 7: 1}
    assert history.summary(TODAY).total.requests == 4


@pytest.mark.django_db
def test_the_last_minutes_are_ten_buckets():
    moment = datetime.now(UTC).replace(second=30, microsecond=0)
    for seconds, errors in ((0, 0), (30, 1), (31, 0), (600, 0), (9 * 60, 0)):
        count(moment - timedelta(seconds=seconds), errors=errors, input_tokens=2)
    buckets = history.last_minutes(moment)
    assert buckets[-1][0] - buckets[0][0] == timedelta(minutes=9)
    assert [row.requests for _, row in buckets] == [1, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    assert (buckets[-1][1].errors, buckets[-1][1].input_tokens) == (1, 4)


@pytest.mark.django_db
def test_log_lines_are_the_newest_requests_first():
    when = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
    UsageRecord.objects.create(created_at=when, status=404, requested_model="nope")
    UsageRecord.objects.create(
        created_at=when,
        status=200,
        served_model="glm-4.7",
        provider="glm",
        account_name="work",
        input_tokens=3,
        output_tokens=4,
    )
    assert history.log_lines({}) == [
        "10-03-2026 12:00:30 | glm-4.7 | GLM | work | 3 | 4 | 200",
        "10-03-2026 12:00:30 | nope | - | - | 0 | 0 | 404",
    ]
    assert " | LOCAL | " in history.log_lines({"glm": "local"})[0]
    assert len(history.log_lines({}, limit=1)) == 1
