"""The attempts of one request: one after the other, or beside each other where a combo hedges. The first answer wins.

A *lane* makes attempts until one is answered or the plan has none left. Hedging opens another lane beside one that has
nothing to show for some time; who loses is cancelled, which closes its connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from combos.attempt import Attempt, Obstacle
from combos.load import target_load
from combos.plan import Plan
from gateway.affinity import places
from gateway.claims import began_at, came_through
from gateway.exchange import CLIENT_LEFT, Exchange
from gateway.planning import note_answer
from gateway.trial import HEDGE_LOST, Trial
from omniroute.errors import AccountBusy, GatewayError, Untranslatable, UpstreamError, UpstreamTimeout
from resilience.classify import Verdict, classify
from resilience.limits import Limits, limiters

A = TypeVar("A")
Try = Callable[[Attempt], Awaitable[tuple[Trial, A]]]
"""One attempt up to its commit point. Raises `UpstreamError` or `Untranslatable`."""


class TargetBusy(Exception):
    """A combo's target has no place for the request: `reason` is `queue_full` or `queue_timeout`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Contest(Generic[A]):
    def __init__(
        self, exchange: Exchange, plan: Plan, make: Try[A], discard: Callable[[A], Awaitable[None]]
    ) -> None:
        self._exchange, self._plan, self._make, self._discard = exchange, plan, make, discard
        self._steps, self._stepping = plan.steps(), asyncio.Lock()
        self._errors: list[UpstreamError] = []
        self._untranslatable: Untranslatable | None = None
        self._newest: Attempt | None = None
        self._newest_at = 0.0
        exchange.skipped = plan.skipped

    async def answer(self) -> A:
        """The first attempt that comes to its commit point. Raise the most telling error when none does."""
        combo = self._exchange.route.combo
        if combo is None:
            return self._won(await self._lane())
        limit = self._plan.ordering.config.combo_timeout_of(combo)
        try:
            async with asyncio.timeout(limit):
                return self._won(await (self._hedged() if self._may_hedge() else self._lane()))
        except TimeoutError:
            error = UpstreamTimeout(f"The combo did not answer within {limit:g} s", code="combo_timeout")
            self._end_others(error)
            raise error from None

    async def _lane(self) -> tuple[Trial, A] | None:
        while (attempt := await self._next_attempt()) is not None:
            self._newest, self._newest_at = attempt, time.perf_counter()
            repeated = 0
            while True:
                began = time.perf_counter()
                try:
                    return await self._take_turn(attempt)
                except TargetBusy as busy:
                    self._plan.leave(attempt, Obstacle(busy.reason))
                    break
                except Untranslatable as error:
                    self._untranslatable = self._untranslatable or error
                    self._plan.leave(attempt, Obstacle("untranslatable"))
                    break
                except UpstreamError as error:
                    verdict = classify(error)
                    self._note(attempt, error, time.perf_counter() - began)
                    pause = _pause(attempt, verdict, repeated)
                    if pause is None:
                        self._plan.fail(attempt, verdict, error.retry_after)
                        break
                repeated += 1
                await asyncio.sleep(pause)
        return None

    async def _next_attempt(self) -> Attempt | None:
        """Lanes share the plan: one at a time."""
        async with self._stepping:
            for step in self._steps:
                if isinstance(step, Attempt):
                    return step
                await places.take(step, self._plan.ordering)
        return None

    async def _take_turn(self, attempt: Attempt) -> tuple[Trial, A]:
        """The attempt, once its target has a place for it. Raise `TargetBusy` where none comes free in time."""
        settings, combo = attempt.target.settings, self._exchange.route.combo
        if combo is None or not settings.concurrency:
            return self._noted(await self._make(attempt))
        limiter, most = limiters.of(f"target:{combo.name}:{attempt.target.name}"), settings.concurrency
        try:
            give_back = await limiter.acquire(
                Limits(max_concurrent=most), settings.queue_timeout_s or 0, settings.queue_depth or 0
            )
        except AccountBusy as busy:
            raise TargetBusy(busy.code) from None
        try:
            trial, answer = await self._make(attempt)
        except BaseException:
            give_back()
            raise
        trial.on_end(lambda trial: give_back())
        return self._noted((trial, answer))

    def _noted(self, found: tuple[Trial, A]) -> tuple[Trial, A]:
        trial, _ = found
        came_through(trial)
        self._plan.succeed(trial.attempt, began_at(trial))
        said = trial.first_token_at or time.perf_counter()
        note_answer(self._exchange, self._plan, trial, said - trial.started)
        return found

    def _note(self, attempt: Attempt, error: UpstreamError, waited: float) -> None:
        self._errors.append(error)
        if isinstance(error, UpstreamTimeout):
            target_load.took(attempt.target, waited, stream=self._exchange.inbound.stream)

    def _won(self, found: tuple[Trial, A] | None) -> A:
        if found is None:
            if self._untranslatable and not self._errors:
                raise self._untranslatable
            raise self._plan.failure(self._errors)
        trial, answer = found
        self._exchange.serve(trial)
        self._end_others(GatewayError("Another attempt answered first", status=CLIENT_LEFT, code=HEDGE_LOST))
        return answer

    def _end_others(self, error: GatewayError) -> None:
        for trial in self._exchange.trials:
            if trial is not self._exchange.serving:
                trial.end(error.status, error)

    # ---- Hedging -----------------------------------------------------------------------------------------------------

    def _may_hedge(self) -> bool:
        return any(target.settings.hedge not in (None, "off") for target in self._exchange.route.targets)

    async def _hedged(self) -> tuple[Trial, A] | None:
        lanes: set[asyncio.Future[tuple[Trial, A] | None]] = {asyncio.ensure_future(self._lane())}
        try:
            hedges = 0
            while lanes:
                settings = self._newest.target.settings if self._newest else None
                is_open = settings is None or hedges < (settings.max_hedges or 0)
                done, lanes = await asyncio.wait(
                    lanes, timeout=self._patience() if is_open else None, return_when=asyncio.FIRST_COMPLETED
                )
                for lane in done:
                    if (found := lane.result()) is not None:
                        lanes |= done - {lane}
                        return found
                if not done and self._newest is not None and self._patience() <= 0:
                    hedges += 1
                    self._plan.postpone(self._newest.target)
                    lanes.add(asyncio.ensure_future(self._lane()))
            return None
        finally:
            await self._stop(lanes)

    async def _stop(self, lanes: set[asyncio.Future[tuple[Trial, A] | None]]) -> None:
        for lane in lanes:
            lane.cancel()
        for ended in await asyncio.gather(*lanes, return_exceptions=True):
            if isinstance(ended, tuple):  # answered at the same moment as the winner
                await self._discard(ended[1])

    def _patience(self) -> float:
        """Seconds until the newest attempt gets company; 0 at once, and soon where none has begun yet."""
        attempt = self._newest
        if attempt is None:
            return 0.001
        settings = attempt.target.settings
        if settings.hedge in (None, "off"):
            return 3600.0
        wait = settings.hedge_after_s or 0
        if settings.hedge == "p95":
            slow = target_load.slow_s(attempt.target, stream=self._exchange.inbound.stream)
            wait = wait if slow is None else slow
        return max(0.0, self._newest_at + wait - time.perf_counter())


def _pause(attempt: Attempt, verdict: Verdict, repeated: int) -> float | None:
    """Seconds until the same attempt is made again, as its provider wants or the combo allows. None: it is not."""
    settings = attempt.target.settings
    if repeated < verdict.repeats:
        return verdict.pause_s
    allowed = (settings.max_retries or 0) if verdict.retryable else 0
    return settings.retry_delay_s or 0 if repeated < allowed else None
