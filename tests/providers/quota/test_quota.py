from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers import quota
from providers.quota import QuotaStore, Window

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def window(**values: object) -> Window:
    defaults: dict[str, object] = {
        "key": "five_hour",
        "label": "5 hours",
        "kind": "session5h",
        "used_percent": 40.0,
        "resets_at": NOW + timedelta(hours=1),
        "fetched_at": NOW,
    }
    return Window(**{**defaults, **values})  # type: ignore[arg-type]


def test_an_account_that_nothing_is_known_of_has_no_windows() -> None:
    assert quota.windows("account:1") == ()


def test_a_window_without_a_scope_concerns_every_model() -> None:
    assert window().concerns("claude-opus-4-6")


def test_a_scoped_window_concerns_its_models_only() -> None:
    scoped = window(scope_models=("claude-opus-*",))
    assert scoped.concerns("claude-opus-4-6")
    assert not scoped.concerns("claude-sonnet-5")


def test_what_remains_is_the_rest_of_the_window_until_its_reset() -> None:
    assert window().remaining_percent(NOW) == 60
    assert window().remaining_percent(NOW + timedelta(hours=1)) == 100
    assert window(used_percent=130.0).remaining_percent(NOW) == 0
    assert window(resets_at=None).remaining_percent(NOW + timedelta(minutes=14)) == 60
    assert window(resets_at=None).remaining_percent(NOW + timedelta(minutes=15)) == 100
    assert window(unlimited=True, used_percent=100.0).remaining_percent(NOW) == 100


KEY = "account:7"


def left(
    monkeypatch: pytest.MonkeyPatch, model: str, *windows: Window, **more: Any
) -> quota.Exhausted | None:
    store = QuotaStore()
    store.put(KEY, windows)
    monkeypatch.setattr(quota, "store", store)
    return quota.exhausted(KEY, model, now=NOW, **more)


def test_a_window_with_something_left_holds_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(monkeypatch, "m", window(used_percent=99.5)) is None


def test_of_the_spent_windows_the_one_that_ends_last_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    week = window(key="weekly", used_percent=100.0, resets_at=NOW + timedelta(days=3))
    found = left(monkeypatch, "m", window(used_percent=100.0), week)
    assert found is not None
    assert found.until == week.resets_at


def test_a_spent_window_of_one_model_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    opus = window(used_percent=100.0, scope_models=("claude-opus-*",))
    assert left(monkeypatch, "claude-opus-4-6", opus) is not None
    assert left(monkeypatch, "claude-sonnet-5", opus) is None


def test_a_window_whose_reset_has_come_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(monkeypatch, "m", window(used_percent=100.0, resets_at=NOW)) is None


def test_a_reserve_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(monkeypatch, "m", window(used_percent=79.0), reserve_percent=20) is None
    assert left(monkeypatch, "m", window(used_percent=80.0), reserve_percent=20) is not None


def test_what_is_only_counted_here_holds_back_for_a_reserve_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = window(used_percent=95.0, source="counted")
    assert left(monkeypatch, "m", replace(counted, used_percent=100.0)) is None
    assert left(monkeypatch, "m", counted, reserve_percent=10) is not None
    assert left(monkeypatch, "m", counted, reserve_percent=4) is None


def test_what_a_vendor_tells_leaves_what_is_counted_here_alone() -> None:
    store = QuotaStore()
    store.merge(KEY, [window(key="month", source="counted"), window(key="gone")])
    store.put(KEY, [window()])
    assert {each.key for each in store.windows(KEY)} == {"five_hour", "month"}


def test_paid_use_beyond_the_plan_is_used_unless_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = window(used_percent=100.0)
    extra = window(key="extra", kind="credits", used_percent=10.0, resets_at=None, paid_extra=True)
    assert left(monkeypatch, "m", spent, extra) is None
    assert left(monkeypatch, "m", spent, extra, plan_only=True) is not None
    assert left(monkeypatch, "m", spent, replace(extra, used_percent=100.0)) is not None


def test_headers_change_what_they_name_and_say_whether_that_is_news() -> None:
    store = QuotaStore()
    store.put(KEY, [window(), window(key="weekly")])
    assert not store.merge(KEY, [window(fetched_at=NOW + timedelta(seconds=1))])
    assert store.merge(KEY, [window(used_percent=50.0)])
    assert [each.used_percent for each in store.windows(KEY)] == [50, 40]


def test_headers_that_tell_no_end_leave_the_one_that_is_known_until_it_comes() -> None:
    store = QuotaStore()
    ends = NOW + timedelta(hours=1)
    store.put(KEY, [window(resets_at=ends)])
    (merged,) = store.merge(KEY, [window(used_percent=50.0, resets_at=None)])
    assert (merged.used_percent, merged.resets_at) == (50, ends)
    (fresh,) = store.merge(KEY, [window(used_percent=1.0, resets_at=None, fetched_at=ends)])
    assert fresh.resets_at is None


def test_of_what_two_processes_know_the_newer_counts() -> None:
    store = QuotaStore()
    newer = window(used_percent=60.0, fetched_at=NOW + timedelta(seconds=9))
    store.put(KEY, [newer, window(key="gone")])
    store.adopt(KEY, [window(), window(key="weekly")])
    assert {each.key: each.used_percent for each in store.windows(KEY)} == {"five_hour": 60, "weekly": 40}
