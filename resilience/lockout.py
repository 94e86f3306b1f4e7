"""Guessing takes long: an identifier that failed five times within five minutes is locked for fifteen.

Identifiers are what was tried and an address: `login:203.0.113.7`, `key:…`, `password:…` (to change it).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from omniroute.errors import ClientError
from omniroute.shared_state import Script, Unavailable, is_shared
from resilience.link import Link, link
from resilience.store import Store

MAX_FAILURES = 5
WINDOW_S = 300.0
LOCK_S = 900.0

ATTEMPT = Script("""
local now, text = tonumber(ARGV[2]), redis.call('HGET', KEYS[1], ARGV[1])
local it = text and cjson.decode(text) or {attempts = 0, since = now}
local lock = it['until'] or 0
if lock > now then return {text, 1} end
if lock > 0 or now - it.since > tonumber(ARGV[4]) then it.attempts, it.since = 0, now end
it.attempts, it['until'] = it.attempts + 1, 0
if it.attempts >= tonumber(ARGV[3]) then it['until'] = now + tonumber(ARGV[5]) end
text = cjson.encode(it)
redis.call('HSET', KEYS[1], ARGV[1], text)
redis.call('PUBLISH', KEYS[2], cjson.encode({ARGV[1], text}))
return {text, 0}
""")
"""What holds now, and whether this attempt is refused."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """Times are on the store's clock, in seconds. `until` 0: not locked."""

    attempts: int
    since: float
    until: float = 0.0


class Lockouts(Store[Lockout]):
    def __init__(self, clock: Callable[[], float] = time.time, link: Link | None = None) -> None:
        super().__init__("lockouts", Lockout, clock, link)

    def is_over(self, value: Lockout) -> bool:
        return max(value.until, value.since + WINDOW_S) <= self.clock()

    def remaining(self, identifier: str) -> float:
        """Seconds of the lock that are left; 0.0: not locked."""
        lockout = self._values.get(identifier)
        return max(0.0, lockout.until - self.clock()) if lockout else 0.0

    def locked(self) -> dict[str, Lockout]:
        now = self.clock()
        return {key: lockout for key, lockout in self.current().items() if lockout.until > now}

    def attempt(self, identifier: str, what: str) -> None:
        """Count it, before it is looked at: attempts in parallel are attempts too. `forgive` one that was right.

        Raise `ClientError` (429) with the seconds to wait while locked. The fifth attempt locks, unless it is right.
        Blocking where processes share their state.
        """
        if (wait := self.remaining(identifier)) > 0:
            raise _locked(what, wait)
        if not is_shared() or self._link is None:
            return self.note(identifier)
        limits = (self.clock(), MAX_FAILURES, WINDOW_S, LOCK_S)
        try:
            text, refused = ATTEMPT.blocking(self.redis_keys, (identifier, *limits))
        except Unavailable:
            return self.note(identifier)
        self.adopt(identifier, text)
        self.mark_changed((identifier,))
        if refused:
            raise _locked(what, self.remaining(identifier))
        return None

    def note(self, identifier: str) -> None:
        """A failure, without asking Redis first: it is told later."""
        now, old = self.clock(), self._values.get(identifier)
        if old is None or old.until or now - old.since > WINDOW_S:
            old = Lockout(0, now)
        attempts = old.attempts + 1
        self.put(identifier, Lockout(attempts, old.since, now + LOCK_S if attempts >= MAX_FAILURES else 0.0))

    def check(self, identifier: str, what: str) -> None:
        """Raise `ClientError` (429) with the seconds to wait while locked."""
        if self._values and (wait := self.remaining(identifier)) > 0:
            raise _locked(what, wait)

    def forgive(self, identifier: str) -> bool:
        """The attempt was right, or somebody who may unlocks it. Whether it was locked."""
        locked = self.remaining(identifier) > 0
        self.drop(identifier)
        return locked


def _locked(what: str, wait: float) -> ClientError:
    return ClientError(
        f"Too many {what} from this address", status=429, code="too_many_attempts", retry_after=max(wait, 1)
    )


lockouts = Lockouts(link=link)
"""This process's own."""
