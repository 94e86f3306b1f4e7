"""Windows that answers tell in their headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.quota import Window
from providers.quota.sources import registry, source_of

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
EPOCH = str(int(LATER.timestamp()))
UNIFIED = "anthropic-ratelimit-unified-"


def read(source: str, headers: dict[str, str]) -> dict[str, Window]:
    found = source_of(source)
    assert found is not None
    return {window.key: window for window in found.from_headers(headers, NOW)}


def test_claudes_utilization_is_a_share() -> None:
    windows = read(
        "claude",
        {
            f"{UNIFIED}5h-utilization": "0.4",
            f"{UNIFIED}5h-reset": EPOCH,
            f"{UNIFIED}7d-utilization": "0.256",
            f"{UNIFIED}7d-status": "allowed_warning",
        },
    )
    assert (windows["five_hour"].used_percent, windows["five_hour"].resets_at) == (40, LATER)
    assert windows["seven_day"].used_percent == pytest.approx(25.6)
    assert windows["seven_day"].kind == "weekly"


def test_a_rejected_window_is_used_up_whatever_its_figure() -> None:
    windows = read("claude", {f"{UNIFIED}5h-utilization": "0.97", f"{UNIFIED}5h-status": "rejected"})
    assert windows["five_hour"].used_percent == 100


def test_codex_windows_go_by_their_length_not_by_their_place() -> None:
    windows = read(
        "codex",
        {
            "x-codex-primary-used-percent": "70",
            "x-codex-primary-window-minutes": "10080",
            "x-codex-primary-reset-at": EPOCH,
            "x-codex-secondary-used-percent": "5",
            "x-codex-secondary-window-minutes": "300",
            "x-codex-secondary-reset-after-seconds": "60",
        },
    )
    assert (windows["weekly"].used_percent, windows["weekly"].resets_at) == (70, LATER)
    assert windows["session5h"].resets_at == NOW + timedelta(seconds=60)


def test_another_pool_of_codex_is_about_its_own_model() -> None:
    windows = read(
        "codex",
        {
            "x-codex-bengalfox-primary-used-percent": "100",
            "x-codex-bengalfox-primary-window-minutes": "300",
            "x-codex-bengalfox-limit-name": "GPT-5.3-Codex-Spark",
        },
    )
    (window,) = windows.values()
    assert window.concerns("gpt-5.3-codex-spark")
    assert not window.concerns("gpt-5.3-codex")


def test_copilots_snapshot_is_a_query_string() -> None:
    text = "ent=300&ov=0.0&ovPerm=false&rem=29.7&rst=2026-12-01T00%3A00%3A00Z"
    windows = read(
        "copilot", {"x-quota-snapshot-premium_interactions": text, "x-usage-ratelimit-session": "rem=80"}
    )
    premium = windows["premium_interactions"]
    assert premium.used_percent == pytest.approx(70.3)
    assert premium.remaining == pytest.approx(89.1)
    assert premium.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert windows["session"].kind == "session5h"


def test_copilots_premium_allowance_is_about_premium_models() -> None:
    text = "ent=300&ovPerm=false&rem=0&rst=2026-12-01T00%3A00%3A00Z"
    premium = read("copilot", {"x-quota-snapshot-premium_interactions": text})["premium_interactions"]
    assert premium.concerns("gpt-5.2")
    assert premium.concerns("claude-sonnet-4.5")
    assert not premium.concerns("gpt-4.1")
    assert not premium.concerns("gpt-5-mini")


def test_an_entitlement_below_zero_is_unlimited_and_paid_overage_is_told() -> None:
    windows = read("copilot", {"x-quota-snapshot-chat": "ent=-1&ovPerm=true&rem=100"})
    assert windows["chat"].unlimited
    assert windows["overage"].paid_extra


NAMES = st.sampled_from(
    [
        *(f"{UNIFIED}{name}" for name in ("5h-utilization", "5h-reset", "7d-status", "status")),
        *(f"x-codex-primary-{name}" for name in ("used-percent", "window-minutes", "reset-at")),
        *("x-codex-credits-has-credits", "x-codex-credits-balance", "x-quota-snapshot-chat"),
        "x-usage-ratelimit-weekly",
    ]
)
TEXTS = st.text(max_size=12) | st.sampled_from(["rejected", "true", "1e400", "nan", "-1", "rem=x", "9" * 30])


@given(st.dictionaries(NAMES, TEXTS))
def test_whatever_headers_say_it_is_a_window_or_nothing(headers: dict[str, str]) -> None:
    for source in registry:
        for window in read(source, headers).values():
            assert 0 <= window.used_percent <= 100
