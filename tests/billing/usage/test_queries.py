from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import UsageRecord
from billing.usage import queries
from tests.usage import count

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 10)


def day(back: int = 0, **values) -> None:
    count(TODAY - timedelta(days=back), **values)


def test_nothing_is_zero_and_has_no_rate():
    total = queries.totals(TODAY)
    assert total == queries.Totals()
    assert (total.error_rate, total.average_latency_ms) == (None, None)


def test_totals_of_a_day():
    day(
        requests=3,
        errors=1,
        cost=Decimal("0.5"),
        input_tokens=10,
        output_tokens=4,
        latency_ms=600,
        unpriced=1,
    )
    day(model="glm-4.6", requests=1, cost=Decimal("0.25"))
    day(back=1, requests=100)
    total = queries.totals(TODAY)
    assert (total.requests, total.cost, total.tokens, total.unpriced) == (4, Decimal("0.75"), 14, 1)
    assert (total.error_rate, total.average_latency_ms) == (25, 150)


def test_empty_days_are_in_the_series():
    day(back=2, requests=5)
    day(back=3, requests=9)
    series = queries.daily_totals(3, TODAY)
    assert [(each.day, total.requests) for each, total in series] == [(8, 5), (9, 0), (10, 0)]


def test_the_busiest_come_first():
    day(requests=2)
    day(model="glm-4.6", requests=7)
    day(provider="openai", model="gpt-4o", requests=5)
    day(provider="", model="", requests=4)
    day(back=1, provider="openai", model="gpt-4o", requests=90)
    assert [model for _, model, _ in queries.top_models(TODAY, 2)] == ["glm-4.6", "gpt-4o"]
    totals = [(name, total.requests) for name, _, total in queries.totals_by("provider", TODAY)]
    assert totals == [("glm", 9), ("openai", 5)]


def test_latency_is_the_median_of_the_answered():
    now = timezone.now()
    for status, latency, first in ((200, 100, 10), (200, 300, None), (200, 200, 30), (500, 9000, 9000)):
        UsageRecord.objects.create(created_at=now, status=status, latency_ms=latency, first_token_ms=first)
    assert queries.recent_latency() == queries.Recent(200, 20, 3)
    assert queries.recent_latency(sample=1) == queries.Recent(None, None, 0)


def test_the_choices_of_a_filter_come_from_recent_days():
    today = queries.utc_today()
    for back, provider in ((0, "glm"), (1, "glm"), (2, ""), (200, "openai")):
        count(today - timedelta(days=back), provider)
    assert queries.known_values("provider") == ["glm"]
