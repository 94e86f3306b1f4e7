from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from billing.models import DailyUsage, KeptAnswer, RequestLog, UsageRecord, UsageSettings, UsageTotal
from billing.usage import request_logs, retention
from billing.usage.request_logs import LogSettings
from tests.usage import count, recorded

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(retention, "PAUSE_S", 0)
    monkeypatch.setattr(retention, "BATCH", 2)


def keep(**values) -> None:
    nothing = dict.fromkeys(
        ("keep_requests_days", "keep_requests_rows", "keep_logs_days", "keep_logs_rows", "keep_daily_days")
    )
    UsageSettings(**{**nothing, **values}).save()


def made(days: int) -> None:
    for back in range(days):
        recorded(created_at=NOW - timedelta(days=back), status=200)
        RequestLog.objects.create(
            request_id=f"req_{back}", created_at=NOW - timedelta(days=back), document=b""
        )


def test_what_is_too_old_goes_and_its_figures_stay():
    made(8)
    keep(keep_requests_days=5, keep_logs_days=2)
    assert retention.prune(NOW) == {"requests": 2, "request logs": 5}
    assert UsageRecord.objects.earliest("created_at").created_at == NOW - timedelta(days=5)
    assert DailyUsage.objects.count() == UsageTotal.objects.filter(dimension="all").count() == 8


def test_of_too_many_the_oldest_go():
    made(8)
    keep(keep_requests_rows=3, keep_logs_rows=1)
    assert retention.prune(NOW) == {"requests": 5, "request logs": 7}
    assert UsageRecord.objects.earliest("created_at").created_at == NOW - timedelta(days=2)
    assert retention.prune(NOW) == {}


def test_daily_figures_go_when_that_is_wanted():
    for back in (0, 10, 400):
        count(NOW - timedelta(days=back))
    keep(keep_daily_days=365)
    retention.prune(NOW)
    assert DailyUsage.objects.count() == UsageTotal.objects.filter(span="day", dimension="all").count() == 2


def test_short_spans_go_in_any_case():
    now = datetime.now(UTC)
    count(now)
    keep()
    retention.prune(now + timedelta(days=2))
    assert set(UsageTotal.objects.values_list("span", flat=True)) == {"hour", "day"}
    retention.prune(now + timedelta(days=9))
    assert set(UsageTotal.objects.values_list("span", flat=True)) == {"day"}


def test_ids_of_answers_go_when_their_provider_forgets_the_answers():
    keep()
    for days in (29, 31):
        values = {"request_id": "r", "provider": "openai", "model": "m", "account_id": 1, "is_open": True}
        KeptAnswer.objects.create(
            digest=str(days), created_at=NOW - timedelta(days=days), charged_usd=0, charged_tokens=0, **values
        )
    assert retention.prune(NOW) == {"ids of answers": 1}
    assert KeptAnswer.objects.get().pk == "29"


def test_nothing_goes_where_everything_is_kept():
    made(3)
    keep()
    assert retention.prune(NOW + timedelta(days=9999)) == {}


def test_it_gives_up_for_now_when_time_is_up(monkeypatch):
    made(8)
    keep(keep_requests_days=1)
    monkeypatch.setattr(retention, "TIME_S", 0)
    assert retention.prune(NOW) == {}
    assert UsageRecord.objects.count() == 8


def test_files_go_by_days(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    old = int((NOW - timedelta(days=9)).timestamp() * 1000)
    new = int(NOW.timestamp() * 1000)
    ids = [f"req_{moment:012x}{0:016x}" for moment in (old, new)]
    request_logs.save([(pk, {"a": 1}) for pk in ids], LogSettings("disk", 8192))
    (tmp_path / "request_logs" / "notes").mkdir()
    keep(keep_logs_days=7)
    assert retention.prune(NOW) == {"request log files": 1}
    assert [request_logs.load(pk) for pk in ids] == [None, {"a": 1}]


@pytest.mark.parametrize(
    ("values", "good"),
    [
        ({"keep_daily_days": 30, "keep_requests_days": 30}, True),
        ({"keep_daily_days": 29, "keep_requests_days": 30}, False),
        ({"keep_daily_days": 29, "keep_requests_days": None}, False),
        ({"keep_requests_days": 0}, False),
        ({"log_body_kb": 257}, False),
        ({}, True),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values, good):
    settings = UsageSettings(**values)
    if good:
        settings.full_clean()
    else:
        with pytest.raises(ValidationError):
            settings.full_clean()
