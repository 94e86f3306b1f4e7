"""Limits that the gateway keeps by itself: requests a minute, a gap between them, how many at a time.

Of accounts that are protected (`Account.rate_limit_protection`), and of a combo's targets. Whoever comes too early
waits in a queue, for a limited time and among a limited number; the slot is held until the answer's last byte.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from omniroute.errors import AccountBusy
from omniroute.shared_state import PROCESS, Argument, Unavailable, is_shared, name
from resilience.buckets import is_over_limit, read_buckets
from resilience.limit_scripts import GIVE_BACK, RENEW, TAKE
from resilience.link import Link, channel_of, link

MINUTE_S = 60.0
POLL_S = 0.25
"""How often the first of a process's queue asks Redis at least; it is woken when another process ends a request."""
LEASE_S = 30.0
"""A slot whose process died is free again after that."""
RENEW_S = 10.0
PAUSE_S = 60.0
"""After a 429 that names no time."""
OVER_LIMIT_GAP_S = 0.2
LEARNED_S = 300.0
"""What was learned is forgotten when no answer confirms it for so long."""
RELAX_ABOVE = 0.5
"""With more than this share of a limit left, nothing is slowed down."""
TOPIC = "limits"
"""Of the news that processes tell each other: see `Limiters`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """0: no limit."""

    requests_per_minute: int = 0
    min_gap_s: float = 0.0
    max_concurrent: int = 0


class Limiter:
    """Of one account or target. Used from one event loop. Times are the epoch's, in seconds."""

    def __init__(self, key: str, clock: Callable[[], float] = time.time, link: Link | None = None) -> None:
        self.key, self._clock, self._link = key, clock, link
        self._loop: asyncio.AbstractEventLoop | None = None
        self.running = 0
        self._starts: deque[float] = deque()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._limits = Limits()
        self._gap_s, self._paused_until, self._learned_until = 0.0, 0.0, 0.0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._waiting = 0
        self._slots: set[str] = set()
        """Of this process, at Redis."""

    @property
    def queued(self) -> int:
        return len(self._queue) + self._waiting

    @property
    def gap_s(self) -> float:
        """The gap that the provider's own words ask for."""
        return self._gap_s if self._clock() < self._learned_until else 0.0

    def delay(self, limits: Limits) -> float:
        """Seconds until a request may start, as far as this process knows. `inf`: when another one ends."""
        now = self._clock()
        starts = self._starts
        while starts and starts[0] <= now - MINUTE_S:
            starts.popleft()
        if limits.max_concurrent and self.running >= limits.max_concurrent:
            return math.inf
        wait = max(0.0, self._paused_until - now)
        if starts:
            wait = max(wait, starts[-1] + max(limits.min_gap_s, self.gap_s) - now)
        if limits.requests_per_minute and len(starts) >= limits.requests_per_minute:
            wait = max(wait, starts[-limits.requests_per_minute] + MINUTE_S - now)
        return wait

    async def acquire(self, limits: Limits, timeout_s: float, queue_size: int) -> Callable[[], None]:
        """What gives the slot back. Raise `AccountBusy` when the queue is full or the time is over."""
        self._limits, self._loop = limits, asyncio.get_running_loop()
        if self.queued >= queue_size and (self.queued or self.delay(limits) > 0):
            raise self._full()
        if is_shared():
            return await self._acquire_shared(limits, timeout_s, queue_size)
        return await self._acquire(limits, timeout_s)

    async def _acquire(self, limits: Limits, timeout_s: float) -> Callable[[], None]:
        if not self._queue and self.delay(limits) <= 0:
            self._begin()
            return self._end
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._pump()
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except (asyncio.CancelledError, TimeoutError) as error:
            if turn.done() and not turn.cancelled():
                self._end()  # it was granted in the very moment
            else:
                with suppress(ValueError):
                    self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._late(timeout_s) from None
            raise
        return self._end

    async def _acquire_shared(self, limits: Limits, timeout_s: float, queue_size: int) -> Callable[[], None]:
        """The first of this process's queue asks for the next slot of all; the others wait behind it. Each asks once at
        least, however short its time is."""
        slot, loop = f"{PROCESS}:{next(_numbers)}", asyncio.get_running_loop()
        until = loop.time() + timeout_s
        self._waiting += 1
        try:
            async with self._turn:
                while (wait := await self._ask(limits, slot)) != 0:
                    if not queue_size:
                        raise self._full()
                    if (left := until - loop.time()) <= 0:
                        raise self._late(timeout_s)
                    self._freed.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(min(left, POLL_S if wait < 0 else min(wait, POLL_S * 4))):
                            await self._freed.wait()
        except Unavailable:
            return await self._acquire(limits, max(0.0, until - loop.time()))
        except BaseException:
            self._give_back(slot)  # it may have been granted in the very moment
            raise
        finally:
            self._waiting -= 1
        self._slots.add(slot)
        self._begin()
        return lambda: self._end(slot)

    async def _ask(self, limits: Limits, slot: str) -> float:
        if (paused := self._paused_until - self._clock()) > 0:
            return paused
        gap = max(limits.min_gap_s, self.gap_s)
        arguments = (limits.requests_per_minute, gap, limits.max_concurrent, slot, LEASE_S)
        return float(await TAKE(self._redis_keys, arguments))

    @property
    def _redis_keys(self) -> tuple[str, str, str]:
        return name("limit-starts", self.key), name("limit-running", self.key), name("limit-wait", self.key)

    def _begin(self) -> None:
        self.running += 1
        if not self._limits.requests_per_minute:
            self._starts.clear()  # only the last one matters
        self._starts.append(self._clock())

    def _end(self, slot: str = "") -> None:
        self.running -= 1
        if slot:
            self._give_back(slot)
        self._go_on()

    def wake(self) -> None:
        """A slot may have come free."""
        self._freed.set()

    def _give_back(self, slot: str) -> None:
        self._slots.discard(slot)
        if self._link is not None:
            _, running, waits = self._redis_keys
            self._link.submit(GIVE_BACK, (running, waits, channel_of(TOPIC)), (slot, self.key))

    def renewal(self) -> tuple[Sequence[str], Sequence[Argument]] | None:
        """Keys and arguments of `RENEW`. None: there is nothing to renew."""
        return (self._redis_keys[1:2], (LEASE_S, *self._slots)) if self._slots else None

    def _pump(self) -> None:
        """Let the first of the queue start, as long as they may."""
        wait = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue and (wait := self.delay(self._limits)) <= 0:
            turn = self._queue.popleft()
            if not turn.done():
                self._begin()
                turn.set_result(None)
        if self._queue and math.isfinite(wait):
            self._timer = asyncio.get_running_loop().call_later(wait + 0.0005, self._pump)

    def _full(self) -> AccountBusy:
        return self._busy(f"{self.queued} requests wait already", "queue_full")

    def _late(self, timeout_s: float) -> AccountBusy:
        return self._busy(f"No slot came free within {timeout_s:g} s", "queue_timeout")

    def _busy(self, message: str, code: str) -> AccountBusy:
        wait = self.delay(self._limits)
        return AccountBusy(message, code=code, retry_after=wait if math.isfinite(wait) else None)

    def learn(self, headers: Mapping[str, str], throttle_below: float) -> None:
        """From an answer's headers, lower case: the less is left of a limit, the slower (docs/resilience.md)."""
        now = self._clock()
        gap, least, until = 0.0, 1.0, now + MINUTE_S
        for bucket in read_buckets(headers, now):
            share = bucket.share
            if share is None or not bucket.limit or share > RELAX_ABOVE:
                continue
            if bucket.name.startswith("req") or not bucket.name:
                gap = max(gap, (bucket.window_s or MINUTE_S) / bucket.limit - 0.01)
            if share < min(throttle_below, least) and bucket.reset_s:
                least, until = share, now + bucket.reset_s
                if bucket.is_exhausted:
                    self._paused_until = max(self._paused_until, until)
                else:
                    gap = max(gap, min(bucket.reset_s, MINUTE_S) / ((bucket.remaining or 0) + 1))
        if is_over_limit(headers):
            gap = max(gap, OVER_LIMIT_GAP_S)
        self._gap_s, self._learned_until = gap, max(until, now + LEARNED_S)

    def pause(self, wait_s: float | None) -> None:
        """The provider refused for its rate limit."""
        wait = PAUSE_S if wait_s is None else wait_s
        self._paused_until = max(self._paused_until, self._clock() + wait)

    def forget(self) -> None:
        """What was learned. From any thread."""
        self._gap_s = self._paused_until = 0.0
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        self.wake()
        self._pump()

    def state(self) -> dict[str, Any]:
        paused = max(0.0, self._paused_until - self._clock())
        return {"queued": self.queued, "running": self.running, "gap_s": self.gap_s, "paused_s": paused}


_numbers = count()


class Limiters:
    """Of this process, by key; made when first needed."""

    def __init__(self, clock: Callable[[], float] = time.time, link: Link | None = None) -> None:
        self._clock, self._link = clock, link
        self._limiters: dict[str, Limiter] = {}
        if link is not None:
            link.listen(TOPIC, self._hear)

    def _hear(self, key: str) -> None:
        """A slot of this limiter was given back somewhere; or, without a key, all shall forget what they learned."""
        if not key:
            self._forget()
        elif (limiter := self.get(key)) is not None:
            limiter.wake()

    async def keep_leases(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            for limiter in list(self._limiters.values()):
                if (renewal := limiter.renewal()) is not None:
                    with suppress(Unavailable):
                        await RENEW(*renewal)

    def of(self, key: str) -> Limiter:
        limiter = self._limiters.get(key)
        if limiter is None:
            limiter = self._limiters[key] = Limiter(key, self._clock, self._link)
        return limiter

    def get(self, key: str) -> Limiter | None:
        return self._limiters.get(key)

    def all(self) -> dict[str, Limiter]:
        return dict(self._limiters)

    def reset(self) -> None:
        """Forget what was learned, in every process; what runs and waits goes on. From any thread."""
        self._forget()
        if self._link is not None:
            self._link.tell(TOPIC, "")

    def _forget(self) -> None:
        for limiter in self.all().values():
            limiter.forget()


limiters = Limiters(link=link)
"""This process's own."""
