from __future__ import annotations

from datetime import UTC, datetime, timedelta

from providers import quota
from providers.quota import Window

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
    assert window(unlimited=True, used_percent=100.0).remaining_percent(NOW) == 100
