"""One try of a request at one account, and what may stand in its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from combos.resolve import Target
from providers.config import AccountConfig
from resilience.cooldown import Cooldowns


@dataclass(frozen=True, slots=True)
class Attempt:
    target: Target
    account: AccountConfig

    @property
    def model_key(self) -> str:
        """What `resilience` knows this model on this account by."""
        return f"{self.account.key}:{self.target.model}"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an attempt is not made now. A `soft` one is a guess: such an attempt is made when nothing better is left."""

    reason: str
    """A word for rows and headers: `rate_limited`, `breaker_open`, `quota_exhausted`."""
    wait_s: float | None = None
    """Seconds until it ends by itself; None: it does not, or nobody knows when."""
    soft: bool = False


Gate = Callable[[Attempt], Obstacle | None]
"""Asked about every candidate, on the hot path: looks at memory only."""


@dataclass(frozen=True, slots=True)
class Skip:
    """An attempt that was not made, and why."""

    attempt: Attempt
    obstacle: Obstacle
    at: float = field(default_factory=time.perf_counter)

    def entry(self, request_started: float) -> dict[str, Any]:
        """For the usage row, beside those of the attempts that were made. `at` is in ms after the request's start."""
        entry: dict[str, Any] = {
            "provider": self.attempt.target.provider.id,
            "model": self.attempt.target.model,
            "account": self.attempt.account.name,
            "skipped": self.obstacle.reason,
            "at": round((self.at - request_started) * 1000),
        }
        if self.obstacle.wait_s is not None:
            entry["wait_s"] = round(self.obstacle.wait_s, 1)
        return entry


def cooling(cooldowns: Cooldowns) -> Gate:
    """The gate of accounts, and of models on accounts, that were put aside after a failure."""

    def gate(attempt: Attempt) -> Obstacle | None:
        cooldown = cooldowns.get(attempt.account.key) or cooldowns.get(attempt.model_key)
        if cooldown is None:
            return None
        wait = max(map(cooldowns.remaining, (attempt.account.key, attempt.model_key)))
        return Obstacle(cooldown.reason, wait, cooldown.soft)

    return gate
