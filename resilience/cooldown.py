"""Who is to be left alone, and until when. Keys are the caller's (`account:42`, `account:42:gpt-4o`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from omniroute.shared_state import Script
from resilience.classify import Verdict
from resilience.link import Link, link
from resilience.store import Store

KEPT_S = 3600.0
"""How long a level is remembered behind the end of its cooldown."""
RECENT_S = 300.0
"""How long behind its end a failure that nothing forgave still counts against its key."""

MERGE = Script("""
local new = cjson.decode(ARGV[2])
local text = redis.call('HGET', KEYS[1], ARGV[1])
if text then
  local old = cjson.decode(text)
  if old['until'] > tonumber(ARGV[3]) then
    local level = math.max(old.level, new.level)
    if old['until'] > new['until'] and (not old.soft or new.soft) then new = old end
    new.level = level
  end
end
local merged = cjson.encode(new)
redis.call('HSET', KEYS[1], ARGV[1], merged)
redis.call('PUBLISH', KEYS[2], cjson.encode({ARGV[1], merged}))
""")
"""Two processes that saw the same failure raise its level once; the longer wait holds, the provider's word before a
guess."""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Times are on the store's clock, in seconds."""

    until: float
    reason: str
    level: int
    soft: bool
    since: float = 0.0


class Cooldowns(Store[Cooldown]):
    """Failures put a key aside, a success forgives it."""

    put_script = MERGE

    def __init__(self, clock: Callable[[], float] = time.time, link: Link | None = None) -> None:
        super().__init__("cooldowns", Cooldown, clock, link)

    def is_over(self, value: Cooldown) -> bool:
        return value.until <= self.clock()

    def get(self, key: str) -> Cooldown | None:
        """The cooldown that is still running, or None."""
        if not self._values:
            return None
        cooldown = self._values.get(key)
        return cooldown if cooldown is not None and cooldown.until > self.clock() else None

    def remaining(self, key: str) -> float:
        """Seconds; 0.0 when it is free."""
        cooldown = self.get(key)
        return cooldown.until - self.clock() if cooldown else 0.0

    def last_failure(self, key: str) -> Cooldown | None:
        """The one that still counts: neither forgiven by a success nor long over."""
        cooldown = self._values.get(key) if self._values else None
        return cooldown if cooldown is not None and cooldown.until > self.clock() - RECENT_S else None

    def apply(self, key: str, verdict: Verdict, hint: float | None = None) -> Cooldown:
        """Put `key` aside. The provider's `hint` (seconds) outranks the verdict's own time.

        A key that is cooling already keeps its level: parallel requests that fail together are one failure.
        """
        now = self.clock()
        old = self._values.get(key)
        if old is not None and old.until > now and hint is None and verdict.cooldown_s is None:
            return old
        level = old.level if old is not None else 0
        wait = hint if hint is not None else verdict.cooldown_s
        if wait is None:
            wait, level = verdict.backoff.wait(level), min(level + 1, verdict.backoff.max_level)
        cooldown = Cooldown(now + wait, verdict.reason, level, verdict.soft and hint is None, now)
        if old is not None and old.until > cooldown.until and (not old.soft or cooldown.soft):
            return old
        self.put(key, cooldown)
        return cooldown

    def succeed(self, key: str, began: float | None = None) -> None:
        """Forgive, unless the answer was under way before the failure: then it says nothing about the time since."""
        if not self._values:
            return
        cooldown = self._values.get(key)
        if cooldown is not None and (began is None or began >= cooldown.since):
            self.drop(key)

    def reset(self, key: str | None = None) -> int:
        """Forget one key or all of them; returns how many were cooling."""
        return int(self.drop(key)) if key is not None else self.clear()

    def active(self) -> dict[str, Cooldown]:
        """What is cooling now."""
        return self.current()

    def _forget(self, key: str, value: Cooldown) -> None:
        """Its level counts for the next failure."""
        if value.until < self.clock() - KEPT_S:
            super()._forget(key, value)


cooldowns = Cooldowns(link=link)
"""This process's own."""
