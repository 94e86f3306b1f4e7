"""Who is to be left alone, and until when. In memory; keys are the caller's (`account:42`, `account:42:gpt-4o`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from resilience.backoff import exponential
from resilience.classify import Verdict


@dataclass(frozen=True, slots=True)
class Cooldown:
    """`until` is on the store's clock, in seconds."""

    until: float
    reason: str
    level: int
    soft: bool


class Cooldowns:
    """Failures put a key aside, a success forgives it. One per process; safe from several threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._cooling: dict[str, Cooldown] = {}

    def get(self, key: str) -> Cooldown | None:
        """The cooldown that is still running, or None."""
        if not self._cooling:
            return None
        cooldown = self._cooling.get(key)
        return cooldown if cooldown is not None and cooldown.until > self._clock() else None

    def remaining(self, key: str) -> float:
        """Seconds; 0.0 when it is free."""
        cooldown = self.get(key)
        return cooldown.until - self._clock() if cooldown else 0.0

    def apply(self, key: str, verdict: Verdict, hint: float | None = None) -> Cooldown:
        """Put `key` aside. The provider's `hint` (seconds) outranks the verdict's own time.

        A key that is cooling already keeps its level: parallel requests that fail together are one failure.
        """
        now = self._clock()
        old = self._cooling.get(key)
        if old is not None and old.until > now and hint is None and verdict.cooldown_s is None:
            return old
        level = old.level if old is not None else 0
        wait = hint if hint is not None else verdict.cooldown_s
        if wait is None:
            wait, level = exponential(level), level + 1
        soft = verdict.soft and hint is None
        cooldown = Cooldown(now + wait, verdict.reason, level, soft)
        if old is not None and old.until > cooldown.until and not old.soft:
            return old
        self._cooling[key] = cooldown
        return cooldown

    def succeed(self, key: str) -> None:
        if self._cooling:
            self._cooling.pop(key, None)

    def reset(self, key: str | None = None) -> int:
        """Forget one key or all of them; returns how many there were."""
        if key is not None:
            return 1 if self._cooling.pop(key, None) else 0
        count = len(self._cooling)
        self._cooling.clear()
        return count

    def active(self) -> dict[str, Cooldown]:
        """What is cooling now; what ended long ago is forgotten on the way."""
        now = self._clock()
        for key, cooldown in list(self._cooling.items()):
            if cooldown.until < now - 3600:
                self._cooling.pop(key, None)
        return {key: cooldown for key, cooldown in list(self._cooling.items()) if cooldown.until > now}


cooldowns = Cooldowns()
"""This process's own."""
