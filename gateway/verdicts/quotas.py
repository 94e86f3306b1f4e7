"""Quota windows on the way of a request: what an answer's headers tell, and the gate that they make."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from combos.attempt import Attempt, Obstacle
from gateway.records.write_behind import writer
from providers import quota
from providers.quota import Window
from providers.quota import rows as quota_rows
from providers.quota.sources import source_of

WRITE_EVERY_S = 5.0
"""Figures that creep are written down this often at most; a window that ends or begins is, at once."""
_written: dict[int, float] = {}


def heed(attempt: Attempt, headers: Mapping[str, str]) -> None:
    """Take note of what any answer says about the account's windows. Nothing where its provider says nothing."""
    source = source_of(attempt.target.provider.quota)
    if source is None:
        return
    account = attempt.account
    lower = {name.lower(): text for name, text in headers.items()}
    told = source.from_headers(lower, datetime.now(UTC))
    windows = quota.store.merge(account.key, told) if told else []
    if not windows or not account.id:
        return
    now = time.monotonic()
    if _is_telling(windows) or now - _written.get(account.id, 0.0) >= WRITE_EVERY_S:
        _written[account.id] = now
        writer().submit(_write, account.id, windows)


def _is_telling(windows: list[Window]) -> bool:
    return any(window.used_percent >= 100 or window.used_percent < 1 for window in windows)


def _write(account: int, windows: list[Window]) -> None:
    quota_rows.save(account, windows, whole=False)


def gate(attempt: Attempt) -> Obstacle | None:
    """An account with nothing left of its plan rests until the window's real reset; so does a single model."""
    account = attempt.account
    now = datetime.now(UTC)
    found = quota.exhausted(
        account.key,
        attempt.target.model,
        reserve_percent=account.quota_reserve,
        plan_only=account.plan_only,
        now=now,
    )
    if found is None:
        return None
    wait = (found.until - now).total_seconds() if found.until is not None else None
    return Obstacle("quota_exhausted", wait)
