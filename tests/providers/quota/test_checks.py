"""Asking the vendors' endpoints, over sockets: what they say, when they are asked, and when they do not say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from providers import catalog, tasks
from providers.models import Account, QuotaCheck, QuotaWindow
from providers.quota import Window, store
from providers.quota import checks as quota_checks
from providers.quota import rows as quota_rows
from tests.providers.oauth.signed_in import signed_in
from tests.vendors import quota, whole
from tests.vendors.chat import TOKEN, ChatApp
from tests.vendors.framework import Reply, running

pytestmark = pytest.mark.django_db(transaction=True)
RESET = datetime(2030, 1, 1, tzinfo=UTC)
ROUTES = {
    "claude": "GET /api/oauth/usage",
    "codex": "GET /backend-api/wham/usage",
    "gemini-cli": "POST /v1internal:retrieveUserQuota",
    "github": "GET /copilot_internal/user",
    "kiro": "GET /getUsageLimits",
}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    store.clear()
    yield
    store.clear()


@pytest.fixture
def vendors() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        yield {kind.provider: stack.enter_context(running(kind())) for kind in quota.ALL}


def account(vendor: ChatApp, **more: Any) -> Account:
    fields = {"api_key": TOKEN, "base_url": vendor.url, "provider_data": vendor.data, **more}
    return Account.objects.create(
        provider=vendor.provider, name=vendor.provider, refresh_token=quota.GITHUB_TOKEN, **fields
    )


def asked(vendor: ChatApp) -> dict[str, Window]:
    row = account(vendor)
    assert quota_checks.refresh(row) == ""
    return {window.key: window for window in quota_rows.of_account(row.pk)}


def test_claude_tells_its_windows_and_those_of_single_models(vendors: dict[str, Any]) -> None:
    windows = asked(vendors["claude"])
    assert set(windows) == {"five_hour", "seven_day", "seven_day_opus"}
    assert (windows["five_hour"].used_percent, windows["five_hour"].resets_at) == (12.5, RESET)
    assert windows["seven_day_opus"].concerns("claude-opus-4-6")
    assert not windows["seven_day_opus"].concerns("claude-sonnet-4-6")


def test_claudes_newer_list_goes_before_the_older_keys(vendors: dict[str, Any]) -> None:
    model = {"id": "opus-4-6", "display_name": "Opus 4.6"}
    vendors["claude"].usage = {
        "five_hour": {"utilization": 1, "resets_at": None},
        "limits": [
            {"kind": "session", "percent": 30, "resets_at": quota.RESET},
            {"kind": "weekly_scoped", "percent": 99, "resets_at": quota.RESET, "scope": {"model": model}},
        ],
        "extra_usage": {
            "is_enabled": True,
            "monthly_limit": 2000,
            "used_credits": 500,
            "utilization": 25,
            "decimal_places": 2,
        },
    }
    windows = asked(vendors["claude"])
    assert windows["five_hour"].used_percent == 30
    assert windows["weekly:opus-4-6"].label == "Week, Opus 4.6"
    assert windows["weekly:opus-4-6"].concerns("claude-opus-4-6")
    extra = windows["extra_usage"]
    assert (extra.paid_extra, extra.used, extra.limit) == (True, 5, 20)


def test_codex_leaves_out_windows_that_have_not_begun(vendors: dict[str, Any]) -> None:
    windows = asked(vendors["codex"])
    assert set(windows) == {"weekly", "gpt-5.3-codex-spark:session5h", "credits"}
    assert windows["credits"].remaining == 3.5


def test_gemini_counts_a_day_for_each_model(vendors: dict[str, Any]) -> None:
    windows = asked(vendors["gemini-cli"])
    assert windows["gemini-2.5-pro"].used_percent == 100
    assert windows["gemini-2.5-flash"].used_percent == pytest.approx(10)
    assert windows["gemini-2.5-flash"].scope_models == ("gemini-2.5-flash",)


def test_copilot_is_asked_with_the_github_token(vendors: dict[str, Any]) -> None:
    windows = asked(vendors["github"])
    assert windows["chat"].unlimited
    assert windows["premium_interactions"].used_percent == pytest.approx(70.3)
    assert windows["overage"].paid_extra


def test_copilots_free_plan_tells_what_is_left(vendors: dict[str, Any]) -> None:
    vendors["github"].usage = {
        "monthly_quotas": {"chat": 50},
        "limited_user_quotas": {"chat": 10},
        "limited_user_reset_date": "2030-01-01",
    }
    (window,) = asked(vendors["github"]).values()
    assert (window.used_percent, window.remaining, window.resets_at) == (80, 10, RESET)


def test_kiro_has_a_month_and_a_trial_that_is_over(vendors: dict[str, Any]) -> None:
    (window,) = asked(vendors["kiro"]).values()
    assert (window.key, window.used_percent, window.used, window.limit) == ("monthly", 81, 40.5, 50)


def test_a_vendor_is_never_asked_twice_within_a_minute(vendors: dict[str, Any]) -> None:
    vendor = vendors["claude"]
    row = account(vendor)
    for _ in range(3):
        quota_checks.refresh(row)
    assert len(vendor.calls(ROUTES["claude"])) == 1


def test_the_job_asks_each_account_when_it_is_due(vendors: dict[str, Any]) -> None:
    for vendor in vendors.values():
        account(vendor)
    account(vendors["claude"], is_active=False)
    account(vendors["claude"], sign_in_needed_at=timezone.now())
    assert tasks.check_quotas() == "5 answered, 0 did not"
    assert tasks.check_quotas() == "0 answered, 0 did not"
    QuotaCheck.objects.update(ask_again_at=timezone.now() - timedelta(seconds=1))
    assert tasks.check_quotas() == "5 answered, 0 did not"


@pytest.mark.parametrize("provider", ROUTES)
@pytest.mark.parametrize(
    "answer",
    [
        Reply(500, {"error": "x"}),
        Reply(429, {"error": {"message": "slow down"}}, {"retry-after": "900"}),
        Reply(200, "<html>"),
        Reply(200, ["odd"]),
    ],
    ids=["500", "429", "html", "list"],
)
def test_a_vendor_that_does_not_say_changes_nothing(
    vendors: dict[str, Any], provider: str, answer: Reply
) -> None:
    row = account(vendors[provider])
    assert quota_checks.refresh(row) == ""
    before = quota_rows.of_account(row.pk)
    vendors[provider].fail(ROUTES[provider], answer)
    QuotaCheck.objects.update(asked_at=timezone.now() - timedelta(hours=1), ask_again_at=timezone.now())
    assert quota_checks.refresh(row)
    assert quota_rows.of_account(row.pk) == before
    check = QuotaCheck.objects.get(account=row)
    assert check.error
    assert TOKEN not in check.error
    if answer.headers:
        assert check.ask_again_at >= check.asked_at + timedelta(seconds=900)


@pytest.mark.parametrize("provider", ROUTES)
@pytest.mark.parametrize(
    "usage",
    [
        {},
        {
            "five_hour": 7,
            "limits": "x",
            "rate_limit": [],
            "buckets": {},
            "quota_snapshots": [],
            "usageBreakdownList": [1, {"freeTrialInfo": 3}],
            "credits": "y",
        },
    ],
)
def test_odd_answers_are_no_windows_and_no_crash(vendors: dict[str, Any], provider: str, usage: Any) -> None:
    vendors[provider].usage = usage
    row = account(vendors[provider])
    quota_checks.refresh(row)
    assert all(0 <= window.used_percent <= 100 for window in quota_rows.of_account(row.pk))


def test_a_figure_that_cannot_be_read_is_not_taken_for_an_unused_window(vendors: dict[str, Any]) -> None:
    vendors["claude"].usage = {
        "five_hour": {"utilization": "?", "resets_at": quota.RESET},
        "seven_day": {"utilization": 40, "resets_at": quota.RESET},
    }
    assert set(asked(vendors["claude"])) == {"seven_day"}


def test_a_token_that_has_ended_is_renewed_before_the_vendor_is_asked(tmp_path: Path, settings: Any) -> None:
    with running(whole.make()["claude"]) as vendor:
        settings.PROVIDERS_FILE = tmp_path / "providers.toml"
        settings.PROVIDERS_FILE.write_text(vendor.overlay)
        catalog.load.cache_clear()
        row = signed_in(vendor.grants, life_s=-60)
        vendor.forget_access()
        assert quota_checks.refresh(row) == ""
        catalog.load.cache_clear()
    assert Account.objects.get().bearer != row.bearer
    assert quota_rows.of_account(row.pk)


def test_another_process_learns_of_it_from_the_rows(vendors: dict[str, Any]) -> None:
    row = account(vendors["codex"])
    quota_checks.refresh(row)
    store.clear()
    seen = quota_rows.load()
    assert {window.key for window in store.windows(f"account:{row.pk}")} == {
        "weekly",
        "gpt-5.3-codex-spark:session5h",
        "credits",
    }
    store.clear()
    assert quota_rows.load(seen) == seen
    assert store.is_empty


def test_windows_go_with_their_account(vendors: dict[str, Any]) -> None:
    row = account(vendors["codex"])
    quota_checks.refresh(row)
    row.delete()
    assert not QuotaWindow.objects.exists()
    assert not QuotaCheck.objects.exists()
