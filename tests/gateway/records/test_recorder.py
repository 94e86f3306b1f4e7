"""What the accounting transaction writes beside the usage rows."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from billing.models import ComboUsage, DailyUsage, KeptAnswer, UsageRecord, UsageTotal
from billing.usage import kept_answers
from billing.usage.kept_answers import Kept
from gateway.records.recorder import TRIES, Entry, Recorder
from tests.usage import usage_row

MOMENT = datetime.now(UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def attempt(status: int = 200, account: str = "a", model: str = "glm-4.7", **more) -> dict[str, Any]:
    return {"provider": "glm", "model": model, "account": account, "status": status, "ms": 40, **more}


def entry(row, **more) -> Entry:
    return Entry(row, None, asyncio.Future(loop=asyncio.new_event_loop()), **more)


def written(*rows) -> None:
    recorder = Recorder()
    recorder._commit([entry(row) for row in rows])
    recorder.close()


def test_a_row_is_counted_in_the_same_transaction():
    served = {"provider": "glm", "served_model": "glm-4.7", "account_id": 3, "combo": "free"}
    tokens = {"input_tokens": 12, "output_tokens": 5, "cache_read_tokens": 4, "reasoning_tokens": 2}
    times = {"latency_ms": 900, "first_token_ms": 250}
    attempts = json.dumps([attempt(429, "a", error="rate_limit_exceeded"), attempt(200, "b")])
    row = usage_row(
        status=200, **served, **tokens, **times, cost=Decimal("0.5"), attempts=attempts, attempt_count=2
    )
    written(row, usage_row(status=404, requested_model="nowhere/none"))
    assert UsageRecord.objects.count() == 2
    day = UsageTotal.objects.get(span="day", dimension="all")
    assert (day.requests, day.errors, day.fallbacks, day.cost) == (2, 1, 1, Decimal("0.5"))
    assert (day.input_tokens, day.reasoning_tokens) == (12, 2)
    assert (day.latency_ms, day.first_token_ms, day.first_tokens) == (900, 250, 1)
    assert set(DailyUsage.objects.values_list("model", "combo")) == {("glm-4.7", "free"), ("", "")}
    combo, target = ComboUsage.objects.order_by("provider")
    assert (combo.requests, combo.failures, combo.fallbacks) == (1, 0, 1)
    assert (target.model, target.requests, target.failures, target.last_status) == ("glm-4.7", 2, 1, 200)


@pytest.mark.parametrize(
    ("attempts", "fallbacks"),
    [
        ([], 0),
        ([attempt()], 0),
        ([attempt(400), attempt()], 0),
        ([attempt(429), attempt(account="b")], 1),
        ([attempt(500), attempt(model="glm-5")], 1),
    ],
)
def test_another_account_or_model_is_a_fallback_a_repeat_is_none(attempts, fallbacks):
    written(usage_row(status=200, attempts=json.dumps(attempts), attempt_count=len(attempts)))
    assert DailyUsage.objects.get().fallbacks == fallbacks


def test_names_that_no_model_bears_make_no_rows_of_their_own():
    written(*(usage_row(status=404, requested_model=f"made-up-{n}") for n in range(20)))
    assert (DailyUsage.objects.count(), DailyUsage.objects.get().errors) == (1, 20)


def test_what_was_paid_beside_the_answer_counts_as_money_and_tokens_and_is_no_request():
    beside = {"provider": "openai", "served_model": "gpt-4o", "account_id": 4, "status": 499}
    written(
        usage_row(**beside, input_tokens=7, cost=Decimal("0.25"), combo="both", is_extra=True),
        usage_row(status=200, provider="glm", input_tokens=12, cost=Decimal("0.5"), combo="both"),
    )
    day = UsageTotal.objects.get(span="day", dimension="all")
    assert (day.requests, day.errors, day.input_tokens, day.cost) == (1, 0, 19, Decimal("0.75"))
    lost = UsageTotal.objects.get(span="day", dimension="account", name="4")
    assert (lost.requests, lost.errors, lost.latency_ms, lost.cost) == (0, 0, 0, Decimal("0.25"))
    assert ComboUsage.objects.get(model="").requests == 1
    assert (UsageRecord.objects.count(), UsageRecord.requests.count()) == (2, 1)


def test_a_row_that_the_database_refuses_does_not_cost_the_others_theirs(caplog):
    recorder = Recorder()
    rows = [usage_row(status=200, request_id=f"r{n}", input_tokens=-n % 3 - 1) for n in range(3)]
    batch = [entry(row) for row in rows]
    recorder._write(batch)
    recorder.close()
    refused = {row.request_id for row in rows if row.input_tokens < 0}
    assert refused
    assert set(UsageRecord.objects.values_list("request_id", flat=True)) == {"r0", "r1", "r2"} - refused
    lost = [each.message for each in caplog.records if each.levelname == "CRITICAL"]
    assert len(lost) == len(refused)
    assert UsageTotal.objects.get(span="day", dimension="all").requests == 3 - len(refused)


def test_a_row_that_not_even_the_driver_takes_is_logged_and_costs_the_others_nothing(monkeypatch, caplog):
    recorder, commit = Recorder(), Recorder._commit

    def refuse(self, batch):
        if any(each.row.request_id == "r1" for each in batch):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return commit(self, batch)

    monkeypatch.setattr(Recorder, "_commit", refuse)
    rows = [usage_row(status=200, request_id=f"r{n}") for n in range(3)]
    recorder._write([entry(row) for row in rows])
    recorder.close()
    assert set(UsageRecord.objects.values_list("request_id", flat=True)) == {"r0", "r2"}
    assert [each.message[:14] for each in caplog.records if each.levelname == "CRITICAL"] == [
        "Usage row lost"
    ]


def test_an_answer_that_cannot_be_noted_is_logged(monkeypatch, caplog):
    def refuse(self, batch):
        raise OverflowError

    monkeypatch.setattr(Recorder, "_commit", refuse)
    recorder = Recorder()
    recorder._write([entry(None, kept=kept())])
    recorder.close()
    assert [each.message[:16] for each in caplog.records if each.levelname == "CRITICAL"] == [
        "Kept answer lost"
    ]


def test_rows_wait_for_as_long_as_sqlite_is_locked(monkeypatch, caplog):
    recorder, commit, tries = Recorder(), Recorder._commit, itertools.count(1)

    def locked_at_first(self, batch):
        if next(tries) <= TRIES + 2:
            raise _locked()
        return commit(self, batch)

    monkeypatch.setattr(Recorder, "_commit", locked_at_first)
    recorder._write([entry(usage_row(status=200))])
    recorder.close()
    assert UsageRecord.objects.count() == 1
    assert not [each for each in caplog.records if each.levelname == "CRITICAL"]


def _locked() -> OperationalError:
    """As Django raises it, with what two connections to one file really say."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        one, two = (sqlite3.connect(file.name, timeout=0, isolation_level=None) for _ in range(2))
        one.execute("BEGIN IMMEDIATE")
        try:
            two.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            wrapped = OperationalError(str(error))
            wrapped.__cause__ = error
        one.close()
        two.close()
    return wrapped


def kept(digest: str = "d1", **more) -> Kept:
    values = {
        "created_at": MOMENT,
        "request_id": "req_1",
        "provider": "openai",
        "model": "o3",
        "account_id": 3,
    }
    return Kept(digest=digest, **{**values, "combo": "deep", "is_open": True, **more})


def late_row(**more):
    figures = {"input_tokens": 10, "output_tokens": 90, "cost": Decimal("0.5"), "cost_source": "dataset"}
    return usage_row(request_id="req_1", created_at=MOMENT, status=200, **figures, is_extra=True, **more)


def test_what_a_background_answer_used_is_counted_by_the_first_of_all_processes():
    written(usage_row(request_id="req_1", created_at=MOMENT, status=200))
    one, other = Recorder(), Recorder()
    one._commit([entry(None, kept=kept())])
    one._commit([entry(late_row(), settles="d1"), entry(late_row(), settles="d1")])
    other._commit([entry(late_row(), settles="d1"), entry(late_row(), settles="unknown")])
    row = UsageRecord.objects.get()
    assert (row.output_tokens, row.cost, row.cost_source, row.is_extra) == (
        90,
        Decimal("0.5"),
        "dataset",
        False,
    )
    day = UsageTotal.objects.get(span="day", dimension="all")
    assert (day.requests, day.output_tokens, day.cost) == (1, 90, Decimal("0.5"))
    assert not KeptAnswer.objects.get().is_open


def test_it_is_a_row_of_its_own_where_the_request_s_is_gone():
    written(usage_row(request_id="req_2", status=200))
    recorder = Recorder()
    recorder._commit([entry(None, kept=kept()), entry(late_row(), settles="d1")])
    row = UsageRecord.objects.get(is_extra=True)
    assert (row.request_id, row.output_tokens) == ("req_1", 90)


def test_an_id_that_comes_again_is_the_newer_answer_s():
    Recorder()._commit([entry(None, kept=kept()), entry(None, kept=kept(request_id="req_2"))])
    Recorder()._commit([entry(None, kept=kept(request_id="req_3", is_open=False))])
    found = kept_answers.find("d1")
    assert found == kept(request_id="req_3", is_open=False)
