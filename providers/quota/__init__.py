"""What is left of an account's plan: windows of use, as its vendor reports them.

Routing reads them from memory (`windows`), without a query and without waiting. They come from the headers of answers,
from the vendors' own endpoints (`providers.quota.sources`), and from the database, through which processes share them.

Source: docs/protocol-notes.md, Sign-in in general.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from providers.spec import matches

Kind = Literal["hourly", "session5h", "daily", "weekly", "monthly", "credits"]
Source = Literal["header", "endpoint", "counted"]
LABELS: dict[Kind, str] = {
    "hourly": "Hour",
    "session5h": "5 hours",
    "daily": "Day",
    "weekly": "Week",
    "monthly": "Month",
    "credits": "Credits",
}


BELIEVED = timedelta(minutes=15)
"""How long a window without a reset time is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One allowance, and how much of it is used. `resets_at` and `fetched_at` are UTC."""

    key: str
    """Unique within the account: `five_hour`, `weekly`, `gemini-2.5-pro`."""
    label: str
    kind: Kind
    used_percent: float
    """0 to 100."""
    used: float | None = None
    limit: float | None = None
    remaining: float | None = None
    """In the vendor's units: requests, credits, tokens."""
    unlimited: bool = False
    resets_at: datetime | None = None
    scope_models: tuple[str, ...] = ()
    """Globs of the models that the window is about; empty: all of the account's."""
    paid_extra: bool = False
    """Paid use beyond the plan, not part of the plan itself."""
    source: Source = "endpoint"
    fetched_at: datetime

    def concerns(self, model: str) -> bool:
        """Whether use of `model` counts against it."""
        return not self.scope_models or matches(self.scope_models, model)

    def remaining_percent(self, now: datetime) -> float:
        """100 for a window that is unlimited, or whose reset has come since it was read.

        Without a reset time it is believed for a while only: a vendor that stops telling keeps no account away.
        """
        ends = self.resets_at if self.resets_at is not None else self.fetched_at + BELIEVED
        if self.unlimited or ends <= now:
            return 100.0
        return max(0.0, 100.0 - self.used_percent)

    def ending_as(self, old: Window) -> Window:
        """With the end that is known of it, where an answer tells the use alone."""
        if self.resets_at is not None or old.resets_at is None or old.resets_at <= self.fetched_at:
            return self
        return replace(self, resets_at=old.resets_at)


class QuotaStore:
    """The newest windows of every account, in this process's memory."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[Window, ...]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._windows

    def windows(self, account_key: str) -> tuple[Window, ...]:
        """Of the account that `AccountConfig.key` names; empty where nothing is known."""
        return self._windows.get(account_key, ())

    def forget(self) -> None:
        """Of all accounts."""
        self._windows.clear()

    def put(self, account_key: str, windows: Iterable[Window]) -> None:
        """All that its vendor tells of: what it did not name is gone. What is counted here stays."""
        found = tuple(windows)
        named = {window.key for window in found}
        found += tuple(
            each for each in self.windows(account_key) if each.source == "counted" and each.key not in named
        )
        if found:
            self._windows[account_key] = found
        else:
            self._windows.pop(account_key, None)

    def merge(self, account_key: str, windows: Iterable[Window]) -> list[Window]:
        """Those that an answer's headers tell of; others stay. Returns them as they are known now, and nothing where no
        figure changed."""
        known = {window.key: window for window in self.windows(account_key)}
        changed, named = False, []
        for told in windows:
            old = known.get(told.key)
            window = told.ending_as(old) if old is not None else told
            changed = changed or old is None or _figures(old) != _figures(window)
            named.append(window)
        known |= {window.key: window for window in named}
        if known:
            self._windows[account_key] = tuple(known.values())
        return named if changed else []

    def adopt(self, account_key: str, windows: Iterable[Window]) -> None:
        """Those that another process wrote down: of each, the newer counts; what it knows no more is gone."""
        theirs = {window.key: window for window in windows}
        written = max((window.fetched_at for window in theirs.values()), default=None)
        for window in self.windows(account_key):
            known = theirs.get(window.key)
            if (known is None and written is not None and window.fetched_at > written) or (
                known is not None and window.fetched_at > known.fetched_at
            ):
                theirs[window.key] = window
        self.put(account_key, theirs.values())

    def clear(self) -> None:
        self._windows.clear()


def _figures(window: Window) -> tuple[object, ...]:
    return round(window.used_percent), window.resets_at, window.remaining, window.unlimited


store = QuotaStore()
"""This process's own."""


def windows(account_key: str) -> tuple[Window, ...]:
    return store.windows(account_key)


@dataclass(frozen=True, slots=True)
class Exhausted:
    """`until`: the real reset, or None where the vendor does not tell it."""

    window: Window
    until: datetime | None


def exhausted(
    account_key: str, model: str, *, reserve_percent: float = 0.0, plan_only: bool = False, now: datetime
) -> Exhausted | None:
    """The window that leaves nothing for `model` at this account, the one that ends last. None: something is left.

    `reserve_percent` of every window is left alone. Paid use beyond the plan counts as something left, unless
    `plan_only`. A window that is only counted here is heeded for the sake of a reserve alone.
    """
    known = store.windows(account_key)
    if not known:
        return None
    plan = [
        window
        for window in known
        if not window.paid_extra
        and window.concerns(model)
        and (window.source != "counted" or reserve_percent)
    ]
    spent = [window for window in plan if window.remaining_percent(now) <= reserve_percent]
    if not spent:
        return None
    extra = any(window.paid_extra and window.remaining_percent(now) > 0 for window in known)
    if extra and not plan_only and reserve_percent == 0:
        return None
    last = max(spent, key=lambda window: window.resets_at or datetime.max.replace(tzinfo=UTC))
    return Exhausted(last, last.resets_at)
