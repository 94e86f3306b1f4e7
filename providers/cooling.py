"""The accounts that are put aside, for people to see and to take back. Of the process that is asked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from providers.models import Account
from resilience.cooldown import Cooldown, cooldowns


@dataclass(frozen=True, slots=True)
class Cooling:
    model: str
    """Empty: the whole account."""
    reason: str
    remaining_s: float

    @property
    def text(self) -> str:
        """gpt-4o: rate limited"""
        reason = self.reason.replace("_", " ")
        return f"{self.model}: {reason}" if self.model else reason.capitalize()

    @property
    def remaining_ms(self) -> float:
        return self.remaining_s * 1000


def account_key(account: int) -> str:
    """What `resilience` knows an account by; with `:<model>` behind it, one model of the account."""
    return f"account:{account}"


def account_cooldown(account: int) -> Cooldown | None:
    """Of the account as a whole."""
    return cooldowns.get(account_key(account))


def cooling_accounts() -> dict[int, list[Cooling]]:
    """By account id; the longest first."""
    now = time.time()
    found: dict[int, list[Cooling]] = {}
    for key, cooldown in sorted(cooldowns.active().items(), key=lambda item: -item[1].until):
        kind, _, rest = key.partition(":")
        account, _, model = rest.partition(":")
        if kind == "account":
            entry = Cooling(model, cooldown.reason, max(cooldown.until - now, 0.0))
            found.setdefault(int(account), []).append(entry)
    return found


def named_cooling() -> dict[str, list[tuple[str, list[Cooling]]]]:
    """By provider: the name of each account that cools, and why."""
    cooling = cooling_accounts()
    found: dict[str, list[tuple[str, list[Cooling]]]] = {}
    rows = Account.objects.filter(pk__in=cooling).values_list("pk", "provider", "name") if cooling else ()
    for account, provider, name in rows:
        found.setdefault(provider, []).append((name, cooling[account]))
    return found


def clear_cooldowns(accounts: Iterable[int]) -> int:
    """Take the accounts back, with all of their models. Return how many cooldowns that ended."""
    keys = tuple(map(account_key, accounts))
    starts = tuple(f"{key}:" for key in keys)
    running = [key for key in cooldowns.active() if key in keys or key.startswith(starts)]
    return sum(cooldowns.reset(key) for key in running)
