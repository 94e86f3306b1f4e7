from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import UsageRecord, UsageTotal
from billing.usage import finding
from billing.usage.finding import Cursor, find
from tests.services import DATABASE_URL, ROOT
from tests.usage import recorded

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)


def made(count: int, apart: timedelta = timedelta(minutes=1), start: datetime = NOW, **values) -> None:
    given = {"status": 200, "provider": "glm", "served_model": "glm-4.7", **values}
    for number in range(count):
        recorded(created_at=start - number * apart, **given)


def every(limit: int, rows=None, places=()) -> list[UsageRecord]:
    """All pages, one behind the other."""
    found: list[UsageRecord] = []
    before = None
    while True:
        page = find(UsageRecord.objects.all() if rows is None else rows, limit, places, before)
        found += page.rows
        if page.next is None:
            return found
        before = Cursor.parse(str(page.next))


@pytest.mark.parametrize("window", [1, 3, 100])
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_pages_have_every_row_once_and_the_newest_first(limit, window, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", window)
    made(5)
    made(6, apart=timedelta(0), start=NOW - timedelta(hours=1))
    found = every(limit)
    assert len(found) == len({row.pk for row in found}) == 11
    assert found == sorted(found, key=lambda row: (row.created_at, row.pk), reverse=True)


def test_it_stops_when_time_is_up_and_says_where(monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 2)
    monkeypatch.setattr(finding, "PATIENCE_S", -1)
    made(6)
    page = find(UsageRecord.objects.filter(status=418), 10)
    assert (page.rows, page.searched_to) == ([], NOW - timedelta(minutes=2))
    assert every(10, UsageRecord.objects.filter(status=418)) == []


def test_days_without_anything_to_find_are_passed_over(monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 3)
    made(200, apart=timedelta(hours=1))
    made(
        2,
        start=NOW - timedelta(days=40),
        provider="openai",
        served_model="gpt-4o",
        api_key_id=7,
        account_id=3,
    )
    with CaptureQueriesContext(connection) as queries:
        page = find(
            UsageRecord.objects.filter(api_key_id=7, served_model="gpt-4o"),
            10,
            [
                finding.by_key(7),
                finding.by_model("gpt-4o"),
                finding.by_account(3),
                finding.by_provider("openai"),
            ],
        )
    assert [row.served_model for row in page.rows] == ["gpt-4o"] * 2
    assert len([each for each in queries if "billing_usagerecord" in each["sql"]]) == 2


def test_what_the_totals_never_saw_is_not_looked_for():
    made(3)
    assert find(UsageRecord.objects.all(), 10, [finding.by_key(99)]).rows == []
    assert find(UsageRecord.objects.filter(status__gte=400), 10, [finding.FAILED]).rows == []
    made(1, status=500)
    assert len(find(UsageRecord.objects.filter(status__gte=400), 10, [finding.FAILED]).rows) == 1


def test_two_places_must_meet_on_one_day():
    made(1, combo="free")
    made(1, start=NOW - timedelta(days=1), api_key_id=7)
    made(1, start=NOW - timedelta(days=2), api_key_id=7, combo="free")
    rows = UsageRecord.objects.filter(api_key_id=7, combo="free")
    page = find(rows, 10, [finding.by_key(7), finding.by_combo("free")])
    assert [row.created_at for row in page.rows] == [NOW - timedelta(days=2)]


@pytest.mark.parametrize("text", ["", "x", "20260310T120000.123456", "2026-1", "99999999T999999.0-1"])
def test_a_made_up_cursor_is_none(text):
    assert Cursor.parse(text) is None


def test_words_are_found_wherever_they_are_and_an_id_at_once():
    made(1, error_message="Quota exceeded for project", request_id="req_1")
    made(1, account_name="Work 50%")
    assert UsageRecord.objects.filter(finding.saying("QUOTA")).count() == 1
    assert UsageRecord.objects.filter(finding.saying("50%")).count() == 1
    assert UsageRecord.objects.filter(finding.saying("5_%")).count() == 0
    assert [row.error_message for row in finding.with_id("req_1")] == ["Quota exceeded for project"]


PLANS = [
    ({}, ()),
    ({"provider": "glm"}, [finding.by_provider("glm")]),
    ({"api_key_id": 7, "served_model": "glm-4.7"}, [finding.by_key(7), finding.by_model("glm-4.7")]),
    ({"status__gte": 400}, [finding.FAILED]),
    ({"status": 418}, ()),
]


@pytest.mark.parametrize(("filters", "places"), PLANS)
def test_no_query_scans_the_history(filters, places):
    """By the database's own plans: the history is read by an index, the totals as well."""
    made(30, apart=timedelta(hours=1), api_key_id=7, status=500)
    with CaptureQueriesContext(connection) as queries:
        find(UsageRecord.objects.filter(**filters), 10, places)
        finding.with_id("req_1")
    for sql in (each["sql"] for each in queries):
        for table in (UsageRecord._meta.db_table, UsageTotal._meta.db_table):
            assert not scans(sql, table), sql


def scans(sql: str, table: str) -> bool:
    """Whether the database would read the whole table. On PostgreSQL: whether it has no other way, since it reads small
    tables whole by choice; walking along the primary key is a scan as well."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            plan = cursor.fetchone()[0]
            return any(_reads_all(node, table) for node in _nodes(plan[0]["Plan"]))
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        steps = [row[-1] for row in cursor.fetchall()]
    assert steps
    return any(step.startswith(f"SCAN {table}") and "USING" not in step for step in steps)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _reads_all(node: dict[str, Any], table: str) -> bool:
    if node.get("Relation Name") != table:
        return False
    walks = node.get("Index Name", "").endswith("_pkey") and "Index Cond" not in node
    return node["Node Type"] == "Seq Scan" or walks


@pytest.mark.cluster
def test_no_query_scans_the_history_on_postgresql_either():
    """The tests of this module that look at plans, in a process that has its database there."""
    options = ["-q", "-rp", "-p", "no:xdist", "-p", "no:cacheprovider", "-k", "scan", "-m", "not cluster"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, *options],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": DATABASE_URL},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout.count("PASSED ") == len(PLANS) + 1


def test_a_scan_would_be_noticed():
    assert scans("SELECT * FROM billing_usagerecord WHERE status = 418", "billing_usagerecord")
