"""How many requests one target works on at the same time; further ones wait, first come, first served.

In this process: with several, each has its own limit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from combos.cascade import ComboSettings


class Busy(Exception):
    """No turn came: `reason` is `queue_full` or `queue_timeout`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Line:
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """One per process; only for its event loop."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    async def take(self, key: str, settings: ComboSettings) -> Callable[[], None]:
        """Return what gives the turn back, to be called once. Raise `Busy`."""
        limit = settings.concurrency or 0
        line = self._lines.setdefault(key, _Line())
        if line.running < limit:
            line.running += 1
        else:
            await self._wait(line, settings)
        return lambda: self._give_back(key, line)

    async def _wait(self, line: _Line, settings: ComboSettings) -> None:
        if len(line.waiting) >= (settings.queue_depth or 0):
            raise Busy("queue_full")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            async with asyncio.timeout(settings.queue_timeout_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # handed over at the very moment: to the next one
                self._pass_on(line)
            elif turn in line.waiting:
                line.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise Busy("queue_timeout") from None
            raise

    def _give_back(self, key: str, line: _Line) -> None:
        self._pass_on(line)
        if not line.running and not line.waiting:
            self._lines.pop(key, None)

    @staticmethod
    def _pass_on(line: _Line) -> None:
        """To the one that waits longest, so that `running` stays as it is; else there is one less."""
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        line.running -= 1


turns = Turns()
"""This process's own."""
