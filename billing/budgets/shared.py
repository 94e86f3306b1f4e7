"""Reservations that several processes share, in Redis: one atomic step to take, one to give back.

A budget's period is a hash: `spent` is the highest total of the database that any process knows, and each process has
a field with the sum of what its requests hold. Processes renew a lease with every step, and now and then while they
hold anything; what is held by one whose lease ran out, because it was killed, counts no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache

from billing.budgets import Ledger, Meter, Reservation, ledger
from omniroute.shared_state import PROCESS, Script, Unavailable, name

LEASE_S = 30
RENEW_S = 10.0
KEPT_S = 40 * 86_400
"""How long Redis keeps a period: longer than any but `once`, which the database brings back."""
_PROCESSES = ("budgets", "processes")

_LIVE = """
local now = tonumber(redis.call('TIME')[1])
local me = ARGV[1]
redis.call('HSET', KEYS[1], me, now + tonumber(ARGV[2]))
local function state(key, known)
  local spent = math.max(tonumber(redis.call('HGET', key, 'spent') or '0'), tonumber(known))
  local fields = redis.call('HGETALL', key)
  local mine, others = 0, 0
  for at = 1, #fields, 2 do
    local process = string.match(fields[at], '^by:(.+)$')
    if process == me then
      mine = tonumber(fields[at + 1])
    elseif process then
      local lease = tonumber(redis.call('HGET', KEYS[1], process) or '0')
      if lease > now then
        others = others + tonumber(fields[at + 1])
      else
        redis.call('HDEL', key, fields[at])
        redis.call('HDEL', KEYS[1], process)
      end
    end
  end
  return spent, mine, others
end
"""
_TAKE = Script(
    _LIVE
    + """
local answer = {0}
local full = 0
for at = 2, #KEYS do
  local first = 4 + (at - 2) * 3
  local spent, mine, others = state(KEYS[at], ARGV[first])
  table.insert(answer, string.format('%.0f', spent))
  if full == 0 and spent + mine + others >= tonumber(ARGV[first + 1]) then full = at - 1 end
end
answer[1] = full
if full == 0 then
  for at = 2, #KEYS do
    local first = 4 + (at - 2) * 3
    redis.call('HSET', KEYS[at], 'spent', answer[at])
    redis.call('HINCRBY', KEYS[at], 'by:' .. me, ARGV[first + 2])
    redis.call('EXPIRE', KEYS[at], ARGV[3])
  end
end
return answer
"""
)
"""KEYS: processes, budgets. ARGV: process, lease, kept; of each budget: what is known to be spent, limit, amount.
Returns the place of the first budget that is full (0: none), and what is spent of each."""
_GIVE_BACK = Script(
    _LIVE
    + """
for at = 2, #KEYS do
  local first = 4 + (at - 2) * 2
  local spent, mine = state(KEYS[at], ARGV[first])
  redis.call('HSET', KEYS[at], 'spent', string.format('%.0f', spent))
  redis.call('HSET', KEYS[at], 'by:' .. me, string.format('%.0f', math.max(0, mine - tonumber(ARGV[first + 1]))))
  redis.call('EXPIRE', KEYS[at], ARGV[3])
end
"""
)
"""KEYS: processes, budgets. ARGV: process, lease, kept; of each budget: total by the database, amount."""
_RENEW = Script(
    _LIVE
    + """
for at = 2, #KEYS do
  local first = 4 + (at - 2) * 2
  local spent = state(KEYS[at], ARGV[first])
  redis.call('HSET', KEYS[at], 'spent', string.format('%.0f', spent), 'by:' .. me, ARGV[first + 1])
  redis.call('EXPIRE', KEYS[at], ARGV[3])
end
"""
)
"""KEYS and ARGV as above, with the whole sum that the process holds."""


def key(meter: Meter) -> str:
    """Another revision is another key: what was known of the old one is of no use."""
    return name("budget", meter.budget.id, meter.budget.revision, int(meter.period.start.timestamp()))


class SharedLedger:
    """The ledger of a process that is one of several. Without Redis it goes on with what it knows itself."""

    def __init__(self, ledger: Ledger, process: str = PROCESS) -> None:
        self._ledger, self._process = ledger, process
        self._running = 0
        """Steps that Redis has not answered yet."""
        self._is_behind = False
        """A step failed, so that Redis holds another sum than this process does."""

    async def confirm(self, reservation: Reservation) -> Meter | None:
        """The same reservation at Redis. Where it refuses, the reservation is undone and the full meter returned."""
        held = reservation.held
        arguments: list[str | int] = [self._process, LEASE_S, KEPT_S]
        for meter, amount in held:
            arguments += [meter.spent, meter.budget.limit, amount]
        self._running += 1
        try:
            keys = [name(*_PROCESSES), *(key(meter) for meter, _ in held)]
            full, *spent = await _TAKE(keys, arguments)
        except Unavailable:
            self._is_behind = True
            return self._alone(reservation)
        except BaseException:  # cancelled: whether Redis has it nobody knows
            self._is_behind = True
            reservation.close()
            raise
        finally:
            self._running -= 1
        for (meter, _), total in zip(held, spent, strict=True):
            meter.learn(int(total))
        if not full:
            return None
        reservation.close()
        return held[int(full) - 1][0]

    @staticmethod
    def _alone(reservation: Reservation) -> Meter | None:
        for meter, amount in reservation.held:
            if meter.spent + meter.reserved - amount >= meter.budget.limit:
                reservation.close()
                return meter
        return None

    async def give_back(self, held: Mapping[Meter, int]) -> None:
        """What many requests held, together, after what they spent is committed."""
        meters = list(held)
        arguments: list[str | int] = [self._process, LEASE_S, KEPT_S]
        for meter in meters:
            arguments += [meter.spent, held[meter]]
        self._running += 1
        try:
            await _GIVE_BACK([name(*_PROCESSES), *map(key, meters)], arguments)
        except Unavailable:
            self._is_behind = True
        finally:
            self._running -= 1

    async def renew(self) -> None:
        """Prolong the lease, and put right what Redis holds after it did not answer."""
        if not self._is_behind and not self._ledger.reserves:
            return
        arguments: list[str | int] = [self._process, LEASE_S, KEPT_S]
        try:
            if not self._is_behind:
                await _GIVE_BACK([name(*_PROCESSES)], arguments)
                return
            meters = self._ledger.all_meters()
            for meter in meters:
                arguments += [meter.spent, meter.reserved]
            was_quiet = not self._running
            await _RENEW([name(*_PROCESSES), *map(key, meters)], arguments)
            # A step beside this one may have been counted twice: once more next time.
            self._is_behind = not (was_quiet and not self._running)
        except Unavailable:
            self._is_behind = True


@cache
def shared_ledger() -> SharedLedger:
    """The process's own."""
    return SharedLedger(ledger())


async def keep_lease() -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(RENEW_S)
        await shared_ledger().renew()
