"""The way between this process and Redis: changes and news go out in order, and those of all processes come in."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from omniroute import shared_state
from omniroute.shared_state import Argument, Script, Unavailable

SYNC_EVERY_S = 15.0
"""How often everything is read again, should a message have been lost."""
RETRY_S = 1.0
MAX_WAITING = 10_000
"""Changes that wait for Redis. Beyond, the oldest are dropped: `Store.offer` tells the state when it is back."""

Change = tuple[Script, Sequence[str], Sequence[Argument]]
Hear = Callable[[str], None]
"""Called with what a process told, this one included."""

_TELL = Script("redis.call('PUBLISH', KEYS[1], cjson.encode({ARGV[1], false}))")


def channel_of(topic: str) -> str:
    """Where changes of a store, or news, are told: a key, and what it holds now, as JSON."""
    return shared_state.channel("changes", topic)


class Shared(Protocol):
    """What a store shows the link."""

    @property
    def redis_keys(self) -> tuple[str, str]: ...
    def adopt(self, key: str, text: bytes | str | None) -> None: ...
    def adopt_all(self, texts: Mapping[str, bytes]) -> None: ...
    def offer(self) -> None: ...


class Link:
    """One per process. `submit` and `tell` from any thread; `run` on the event loop of the web process."""

    def __init__(self) -> None:
        self.stores: list[Shared] = []
        self._listeners: dict[str, Hear] = {}
        self._waiting: deque[Change] = deque(maxlen=MAX_WAITING)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def submit(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> None:
        """Returns at once where `run` runs. In commands and jobs it is done when this returns."""
        if not shared_state.is_shared():
            return
        loop = self._loop
        if loop is None or loop.is_closed():
            with suppress(Unavailable):
                script.blocking(keys, arguments)
            return
        self._waiting.append((script, keys, arguments))
        loop.call_soon_threadsafe(self._wake.set)

    def listen(self, topic: str, hear: Hear) -> None:
        """`hear` is called on the event loop of `run`. News may be lost: nobody keeps them."""
        self._listeners[topic] = hear

    def tell(self, topic: str, news: str) -> None:
        self.submit(_TELL, [channel_of(topic)], [news])

    async def run(self) -> None:
        """Until cancelled."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        try:
            await asyncio.gather(self._push(), self._follow())
        finally:
            self._loop = None

    async def _push(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                script, keys, arguments = self._waiting[0]
                try:
                    await script.past_the_line(keys, arguments)
                except Unavailable:
                    await asyncio.sleep(RETRY_S)
                else:
                    with suppress(IndexError):
                        self._waiting.popleft()

    async def _follow(self) -> None:
        while True:
            with suppress(Unavailable):
                await self._listen()
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        """Raise `Unavailable` when Redis goes away."""
        loop = asyncio.get_running_loop()
        stores = {store.redis_keys[1].encode(): store for store in self.stores}
        listeners = {channel_of(topic).encode(): hear for topic, hear in self._listeners.items()}
        with shared_state.guard:
            async with shared_state.client().pubsub() as subscription:
                await subscription.subscribe(*stores, *listeners)
                for store in self.stores:
                    store.offer()
                await self._synchronise()
                due = loop.time() + SYNC_EVERY_S
                while True:
                    message = await subscription.get_message(
                        ignore_subscribe_messages=True, timeout=max(0.0, due - loop.time())
                    )
                    if message is not None and message["type"] == "message":
                        key, text = json.loads(message["data"])
                        if (hear := listeners.get(message["channel"])) is not None:
                            hear(key)
                        else:
                            stores[message["channel"]].adopt(key, text or None)
                    if loop.time() >= due:  # however much news there is
                        await self._synchronise()
                        due = loop.time() + SYNC_EVERY_S

    async def _synchronise(self) -> None:
        """Read everything, unless changes of this process are still on their way: those would seem undone."""
        for store in self.stores:
            values: dict[Any, Any] = await shared_state.client().hgetall(store.redis_keys[0])
            if not self._waiting:
                store.adopt_all({bytes(key).decode(): bytes(text) for key, text in values.items()})


link = Link()
"""The process's own."""
