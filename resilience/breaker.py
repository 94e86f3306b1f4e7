"""Circuit breakers: a provider that fails again and again is left alone for a while, then tried with one request.

Closed: all is well. Open: nothing is sent. Half-open: the reset time is over, and one trial may find out; its success
closes the circuit, its failure opens it for another reset time, and a trial that says neither gives its slot back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from omniroute.shared_state import Script, Unavailable, is_shared
from resilience.link import Link, link
from resilience.profiles import Profile
from resilience.store import Store

FORGET_S = 300.0
"""Failures that lie further apart than this are not "in a row"."""
LEASE_S = 120.0
"""A trial whose process died blocks the circuit for so long."""

_TELL = """
local function tell(value)
  local text = cjson.encode(value)
  redis.call('HSET', KEYS[1], ARGV[1], text)
  redis.call('PUBLISH', KEYS[2], cjson.encode({ARGV[1], text}))
end
local text = redis.call('HGET', KEYS[1], ARGV[1])
local now = tonumber(ARGV[2])
local it = text and cjson.decode(text) or {failures = 0, failed_at = 0, opened_at = 0, reset_s = 0, trial_until = 0}
local elapsed = it.opened_at > 0 and now >= it.opened_at + it.reset_s
"""
FAIL = Script(
    _TELL
    + """
if it.opened_at > 0 and not elapsed then return end
if it.opened_at == 0 and now - it.failed_at > tonumber(ARGV[5]) then it.failures = 0 end
it.failures, it.failed_at = it.failures + 1, now
if elapsed or it.failures >= tonumber(ARGV[3]) then
  it.opened_at, it.reset_s, it.trial_until = now, tonumber(ARGV[4]), 0
end
tell(it)
"""
)
CLAIM = Script(
    _TELL
    + """
if it.opened_at == 0 then return 1 end
if not elapsed or it.trial_until > now then return 0 end
it.trial_until = now + tonumber(ARGV[3])
tell(it)
return 1
"""
)
RELEASE = Script(
    _TELL
    + """
if it.opened_at > 0 then it.trial_until = 0 tell(it) end
"""
)


class State(Enum):
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True)
class Circuit:
    """A provider that failed. Times are on the store's clock, in seconds; 0: not."""

    failures: int = 0
    failed_at: float = 0.0
    opened_at: float = 0.0
    reset_s: float = 0.0
    trial_until: float = 0.0

    def state(self, now: float) -> State:
        if not self.opened_at:
            return State.CLOSED
        return State.OPEN if now < self.opened_at + self.reset_s else State.HALF_OPEN

    def wait(self, now: float) -> float:
        """Seconds until something may be sent: 0.0 when it may be now."""
        if not self.opened_at:
            return 0.0
        return max(self.opened_at + self.reset_s - now, self.trial_until - now, 0.0)


class Breakers(Store[Circuit]):
    """By provider. What has no circuit here never failed, or is forgiven."""

    def __init__(self, clock: Callable[[], float] = time.time, link: Link | None = None) -> None:
        super().__init__("breakers", Circuit, clock, link)

    def is_over(self, value: Circuit) -> bool:
        return not value.opened_at and value.failed_at < self.clock() - FORGET_S

    def get(self, provider: str) -> Circuit | None:
        return self._values.get(provider)

    def fail(self, provider: str, profile: Profile) -> None:
        """A failure of the provider itself. One that comes late, while the circuit is open already, changes nothing."""
        now = self.clock()
        old = self._values.get(provider) or Circuit()
        state = old.state(now)
        if state is State.OPEN:
            return
        in_a_row = state is State.HALF_OPEN or now - old.failed_at <= FORGET_S
        new = replace(old, failures=old.failures + 1 if in_a_row else 1, failed_at=now)
        if state is State.HALF_OPEN or new.failures >= profile.breaker_failures:
            new = replace(new, opened_at=now, reset_s=profile.breaker_reset_s, trial_until=0.0)
        self._set(provider, new)
        self._tell(FAIL, provider, now, profile.breaker_failures, profile.breaker_reset_s, FORGET_S)

    def succeed(self, provider: str, began: float) -> None:
        """An answer of the provider's, to a request that began at `began`. One that was under way when the circuit
        opened does not close it."""
        circuit = self._values.get(provider)
        if circuit is not None and began >= circuit.opened_at:
            self.drop(provider)

    def claim(self, provider: str) -> bool:
        """Take the half-open circuit's one trial. False: another has it. Give it back: `fail`, `succeed`, `release`."""
        circuit, now = self._values.get(provider), self.clock()
        if circuit is None or not circuit.opened_at:
            return True
        if circuit.wait(now) > 0:
            return False
        self._set(provider, replace(circuit, trial_until=now + LEASE_S))
        return True

    async def claim_shared(self, provider: str) -> bool:
        """The same among all processes."""
        if not is_shared():
            return self.claim(provider)
        try:
            return bool(await CLAIM(self.redis_keys, (provider, self.clock(), LEASE_S)))
        except Unavailable:
            return self.claim(provider)

    def release(self, provider: str) -> None:
        """The trial ended without saying anything of the provider: its client left."""
        circuit = self._values.get(provider)
        if circuit is not None and circuit.opened_at:
            self._set(provider, replace(circuit, trial_until=0.0))
            self._tell(RELEASE, provider, self.clock())

    def _set(self, provider: str, circuit: Circuit) -> None:
        with self._lock:
            self._values[provider] = circuit
            self._dirty.add(provider)


breakers = Breakers(link=link)
"""This process's own."""
