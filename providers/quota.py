"""What is left of an account's plan: windows of use, as its vendor reports them (facts/oauth_providers.md §G).

Routing reads them from memory (`windows`), without a query and without waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from providers.spec import matches

Kind = Literal["hourly", "session5h", "daily", "weekly", "monthly", "credits"]
Source = Literal["header", "endpoint", "error", "local"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One allowance, and how much of it is used. `resets_at` and `fetched_at` are UTC."""

    key: str
    """Unique within the account, the vendor's own name for it: `five_hour`, `primary`, `gemini-2.5-pro`."""
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
        """100 for a window that is unlimited, or whose reset has come since it was read."""
        if self.unlimited or (self.resets_at is not None and self.resets_at <= now):
            return 100.0
        return max(0.0, 100.0 - self.used_percent)


class QuotaStore:
    """The newest windows of every account, in this process's memory."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[Window, ...]] = {}

    def windows(self, account_key: str) -> tuple[Window, ...]:
        """Of the account that `AccountConfig.key` names; empty where nothing is known."""
        return self._windows.get(account_key, ())


store = QuotaStore()
"""This process's own."""


def windows(account_key: str) -> tuple[Window, ...]:
    return store.windows(account_key)
