"""Requests counted against plans whose vendors do not tell what is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import UsageTotal
from gateway.tasks import count_requests
from gateway.verdicts import counted
from providers.models import Account, QuotaWindow
from providers.quota import rows as quota_rows
from providers.quota.sources.counted import Counted

pytestmark = pytest.mark.django_db
DAY = Counted("daily", "Day", "daily", 1000, utc_offset_h=8)
MONTH = Counted("monthly", "Month", "monthly", 180_000)


@pytest.mark.parametrize(
    ("kind", "now", "begins", "ends"),
    [
        (DAY, "2026-11-26 15:59", "2026-11-25 16:00", "2026-11-26 16:00"),
        (DAY, "2026-11-26 16:00", "2026-11-26 16:00", "2026-11-27 16:00"),
        (MONTH, "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        (MONTH, "2026-02-01 00:00", "2026-02-01 00:00", "2026-03-01 00:00"),
    ],
)
def test_days_end_in_beijing_and_months_in_utc(kind, now, begins, ends):
    moment, first, last = (datetime.fromisoformat(f"{text}:00+00:00") for text in (now, begins, ends))
    assert (kind.begins(moment), kind.ends(moment)) == (first, last)


def total(account: Account, span: str, start: datetime, requests: int, errors: int = 0) -> None:
    UsageTotal.objects.create(
        span=span,
        start=start,
        dimension="account",
        provider=account.provider,
        name=str(account.pk),
        requests=requests,
        errors=errors,
    )


def test_answered_requests_of_the_window_are_counted(monkeypatch):
    now = datetime(2026, 11, 26, 17, 30, tzinfo=UTC)
    monkeypatch.setattr("gateway.verdicts.counted.timezone.now", lambda: now)
    qwen = Account.objects.create(provider="qwen", name="q")
    gemini = Account.objects.create(provider="gemini-cli", name="g")
    Account.objects.create(provider="openai", name="o")
    total(qwen, "hour", now.replace(hour=15, minute=0), 500)  # yesterday, in Beijing
    total(qwen, "hour", now.replace(hour=16, minute=0), 40, errors=10)
    total(qwen, "hour", now.replace(minute=0), 20)
    total(gemini, "day", datetime(2026, 11, 2, tzinfo=UTC), 9000)
    total(gemini, "day", datetime(2026, 10, 31, tzinfo=UTC), 9000)
    assert count_requests() == "2 accounts counted"
    (day,) = quota_rows.of_account(qwen.pk)
    assert (day.used, day.limit, day.used_percent, day.source) == (50, 1000, 5, "counted")
    assert day.resets_at == datetime(2026, 11, 27, 16, tzinfo=UTC)
    (month,) = quota_rows.of_account(gemini.pk)
    assert (month.used, month.used_percent) == (9000, 5)


def test_what_the_vendor_tells_replaces_no_count(monkeypatch):
    gemini = Account.objects.create(provider="gemini-cli", name="g")
    counted.count()
    quota_rows.save(gemini.pk, [], whole=True)
    assert QuotaWindow.objects.filter(account=gemini).count() == 1


def test_the_page_says_who_counted(admin_client):
    qwen = Account.objects.create(provider="qwen", name="q", auth_type="oauth")
    total(qwen, "hour", datetime.now(UTC) - timedelta(minutes=1), 12)
    counted.count()
    page = admin_client.get(f"/admin/providers/account/{qwen.pk}/change/").content.decode()
    assert "of 1,000 requests, counted here" in page
    assert "Ask for quota" not in page
