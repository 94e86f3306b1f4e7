from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.models import ComboUsage, DailyUsage, UsageTotal
from billing.usage import rollups
from billing.usage.rollup_models import UsageSums
from billing.usage.rollups import Amounts, Try
from tests.usage import count

pytestmark = pytest.mark.django_db


def found(**given) -> dict[tuple[str, str, str], int]:
    rows = UsageTotal.objects.filter(**given).values_list("dimension", "provider", "name", "requests")
    return {(dimension, provider, name): requests for dimension, provider, name, requests in rows}


def test_the_amounts_are_the_columns_in_their_order():
    assert Amounts._fields == rollups.SUMS == tuple(field.name for field in UsageSums._meta.get_fields())


def test_a_request_counts_for_everything_that_it_is_about():
    count(timezone.now(), "glm", "glm-4.7", account_id=3, api_key_id=7, combo="free")
    whole = {
        ("all", "", ""): 1,
        ("provider", "glm", ""): 1,
        ("model", "glm", "glm-4.7"): 1,
        ("account", "glm", "3"): 1,
        ("key", "", "7"): 1,
        ("combo", "", "free"): 1,
    }
    assert found(span="day") == found(span="hour") == whole
    assert found(span="minute") == {("all", "", ""): 1}


def test_what_reached_nobody_counts_for_its_key_alone():
    count(timezone.now(), provider="", model="")
    assert found(span="day") == {("all", "", ""): 1, ("model", "", ""): 1, ("key", "", ""): 1}


def test_the_same_place_is_one_row_and_its_amounts_are_sums():
    moment = datetime(2026, 3, 10, 12, 0, 59, tzinfo=UTC)
    for cost, tokens in (("0.25", 10), ("0.5", 3)):
        count(moment, cost=cost, saved="1.5", input_tokens=tokens, first_token_ms=200, first_tokens=1)
    count(moment + timedelta(days=1))
    (row,) = UsageTotal.objects.filter(dimension="all", start=datetime(2026, 3, 10, tzinfo=UTC))
    assert (row.requests, row.input_tokens, row.cost, row.saved) == (2, 13, Decimal("0.75"), Decimal(3))
    assert (row.first_token_ms, row.first_tokens) == (400, 2)
    assert list(DailyUsage.objects.order_by("day").values_list("requests", flat=True)) == [2, 1]


def test_days_begin_at_midnight_in_utc():
    count(datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC))
    count(datetime(2026, 3, 11, 0, 0, 0, tzinfo=UTC))
    starts = UsageTotal.objects.filter(dimension="all").order_by("start").values_list("start", flat=True)
    assert [start.isoformat() for start in starts] == [
        "2026-03-10T00:00:00+00:00",
        "2026-03-11T00:00:00+00:00",
    ]


def test_short_spans_of_long_ago_are_not_begun_again():
    """They were pruned: what changes about an old request changes its day only."""
    count(timezone.now() - timedelta(days=3))
    count(timezone.now() - timedelta(days=30))
    spans = UsageTotal.objects.filter(dimension="all").values_list("span", flat=True)
    assert sorted(spans) == ["day", "day", "hour"]


def test_negative_amounts_take_back():
    day = datetime(2026, 3, 10, tzinfo=UTC)
    count(day, cost="0.5", unpriced=1)
    count(day, requests=0, cost="-0.25", unpriced=-1)
    row = DailyUsage.objects.get()
    assert (row.requests, row.cost, row.unpriced) == (1, Decimal("0.25"), 0)


def test_many_places_at_once_take_several_statements():
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    usage = [(rollups.Place(moment, "p", f"m{n}", 0, 0, ""), Amounts(requests=1)) for n in range(1200)]
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.add(cursor, usage)
    assert DailyUsage.objects.count() == 1200
    assert UsageTotal.objects.get(dimension="all").requests == 1200


def test_a_combo_and_its_targets_have_totals_and_the_last_that_happened():
    earlier, later = (datetime(2026, 3, 10, hour, tzinfo=UTC) for hour in (8, 9))
    tries = [
        Try("free", "", "", failed=False, fell_back=True, latency_ms=300, status=200, moment=earlier),
        Try(
            "free", "glm", "glm-4.7", failed=True, fell_back=False, latency_ms=100, status=429, moment=earlier
        ),
        Try(
            "free", "glm", "glm-4.7", failed=False, fell_back=False, latency_ms=200, status=200, moment=later
        ),
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.add_tries(cursor, tries)
    target = ComboUsage.objects.get(provider="glm")
    assert (target.requests, target.failures, target.latency_ms) == (2, 1, 300)
    assert (target.last_status, target.last_used_at) == (200, later)
    assert ComboUsage.objects.get(provider="").fallbacks == 1
