"""What processes tell each other in passing, and nobody keeps: who was asked, how long it took, who failed.

For choices that are better with a look at the whole, and still right without one. Each process holds its own picture
and hears within a moment what happened elsewhere; so a request waits for nothing. Redis only passes it on.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

from omniroute import shared_state
from omniroute.shared_state import PROCESS, Unavailable

EVERY_S = 0.1
RETRY_S = 1.0
QUIET_S = 15.0
MAX_TOLD = 5_000
"""Different things in one message; beyond, they are not told."""

Tell = Callable[..., None]
"""Called with the parts of one event: words and numbers."""
Hear = Callable[..., None]
"""Called with how often something happened elsewhere, and the parts of the event."""


def nobody(*event: Hashable) -> None:
    """Tells nobody."""


class Gossip:
    """One per process; only for its event loop."""

    def __init__(self, process: str = PROCESS) -> None:
        self._process = process
        self._topics: dict[str, Hear] = {}
        self._told: Counter[tuple[Hashable, ...]] = Counter()
        self._is_running = False
        self._something = asyncio.Event()

    def join(self, topic: str, hear: Hear) -> Tell:
        """What tells the other processes of the topic. It costs nothing where there are none."""
        self._topics[topic] = hear

        def tell(*event: Hashable) -> None:
            if self._is_running and len(self._told) < MAX_TOLD:
                whole = (topic, *event)
                self._told[whole] = self._told.pop(whole, 0) + 1  # the last to happen is the last told
                self._something.set()

        return tell

    async def run(self) -> None:
        """Until cancelled."""
        self._is_running, self._something = True, asyncio.Event()
        try:
            await asyncio.gather(self._speak(), self._listen())
        finally:
            self._is_running = False

    async def _speak(self) -> None:
        channel = shared_state.channel("gossip")
        while True:
            await self._something.wait()
            await asyncio.sleep(EVERY_S)
            self._something.clear()
            told, self._told = self._told, Counter()
            text = json.dumps([self._process, [[count, *event] for event, count in told.items()]])
            with suppress(Unavailable), shared_state.guard:
                await shared_state.client().publish(channel, text)

    async def _listen(self) -> None:
        while True:
            with suppress(Unavailable), shared_state.guard:
                async with shared_state.client().pubsub() as subscription:
                    await subscription.subscribe(shared_state.channel("gossip"))
                    while True:
                        message = await subscription.get_message(
                            ignore_subscribe_messages=True, timeout=QUIET_S
                        )
                        if message is not None:
                            self._hear(message["data"])
            await asyncio.sleep(RETRY_S)

    def _hear(self, data: bytes) -> None:
        process, events = json.loads(data)
        if process == self._process:
            return
        for count, topic, *event in events:
            if (hear := self._topics.get(topic)) is not None:
                _pass_on(hear, count, event)


def _pass_on(hear: Hear, count: int, event: list[Any]) -> None:
    with suppress(TypeError, ValueError):  # of another version of the program
        hear(count, *event)


gossip = Gossip()
"""The process's own."""
