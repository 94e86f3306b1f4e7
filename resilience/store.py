"""A small map that every process holds whole: reading costs nothing, and a change finds its way.

A change holds here at once. With Redis, `link` tells it to the other processes through a script, which decides what
holds where two of them disagree; the answer comes back to all (`adopt`). The database gets it within a second
(`resilience.persistence`), so that it survives a restart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

from omniroute.shared_state import Script, name
from resilience.link import Link, channel_of

V = TypeVar("V")

PUT = Script("""
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PUBLISH', KEYS[2], cjson.encode({ARGV[1], ARGV[2]}))
""")
DROP = Script("""
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then
  redis.call('PUBLISH', KEYS[2], cjson.encode({ARGV[1], false}))
end
""")
OFFER = Script("""
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  redis.call('PUBLISH', KEYS[2], cjson.encode({ARGV[1], ARGV[2]}))
end
""")
CLEAR = Script("""
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[2], cjson.encode({'', false}))
""")


class Store(Generic[V]):
    """Safe from several threads. Values are frozen dataclasses; times in them are the epoch's, in seconds."""

    put_script = PUT
    max_values = 10_000
    """Beyond, the oldest are forgotten: keys hold what clients send, model names and addresses."""

    def __init__(
        self, name: str, kind: type[V], clock: Callable[[], float] = time.time, link: Link | None = None
    ) -> None:
        """With a `link` it is this process's own and shared; without one it is a map for itself."""
        self.name, self.clock, self._link = name, clock, link
        self._decoder = msgspec.json.Decoder(kind)
        self._values: dict[str, V] = {}
        self._dirty: set[str] = set()
        self._lock = threading.Lock()
        if link is not None:
            link.stores.append(self)

    @property
    def redis_keys(self) -> tuple[str, str]:
        """The hash, and the channel that tells of its changes."""
        return name("state", self.name), channel_of(self.name)

    def is_over(self, value: V) -> bool:
        """Whether the value says nothing any more."""
        raise NotImplementedError

    def clear(self) -> int:
        """Forget everything; returns how much there was that still said something."""
        with self._lock:
            count = sum(not self.is_over(value) for value in self._values.values())
            self._dirty.update(self._values)
            self._values.clear()
        self._tell(CLEAR)
        return count

    def drop(self, key: str) -> bool:
        if key not in self._values:
            return False
        with self._lock:
            value = self._values.pop(key, None)
            self._dirty.add(key)
        self._tell(DROP, key)
        return value is not None and not self.is_over(value)

    def put(self, key: str, value: V) -> None:
        if key not in self._values and len(self._values) >= self.max_values:
            self._make_room()
        with self._lock:
            self._values[key] = value
            self._dirty.add(key)
        self._tell(self.put_script, key, msgspec.json.encode(value), self.clock())

    def current(self) -> dict[str, V]:
        """What still says something; the rest is forgotten on the way."""
        values = dict(self._values)
        for key, value in values.items():
            if self.is_over(value):
                self._forget(key, value)
        return {key: value for key, value in values.items() if not self.is_over(value)}

    def _make_room(self) -> None:
        self.current()
        for key in list(self._values)[: len(self._values) - self.max_values + 1]:
            self.drop(key)

    def _forget(self, key: str, value: V) -> None:
        """An hour after its end at the earliest, where a store keeps a value's history. Here: at once."""
        with self._lock:
            if self._values.get(key) is value:
                del self._values[key]
                self._dirty.add(key)

    def _tell(self, script: Script, key: str = "", *arguments: str | float | bytes) -> None:
        if self._link is not None:
            self._link.submit(script, self.redis_keys, (key, *arguments))

    def adopt(self, key: str, text: bytes | str | None) -> None:
        """What holds for all processes now. None: nothing; of no key: of none."""
        value = self._decode(text)
        with self._lock:
            if value is not None:
                self._values[key] = value
            elif key:
                self._values.pop(key, None)
            else:
                self._values.clear()

    def adopt_all(self, texts: Mapping[str, bytes]) -> None:
        values = {key: value for key, text in texts.items() if (value := self._decode(text)) is not None}
        with self._lock:
            self._values = values

    def offer(self) -> None:
        """Tell what is known here: Redis was away, or is new. What it knows itself outranks it."""
        for key, value in self.current().items():
            self._tell(OFFER, key, msgspec.json.encode(value))

    def restore(self, texts: Mapping[str, str]) -> None:
        """What the database remembers of the time before this process; what is known already outranks it."""
        for key, text in texts.items():
            value = self._decode(text)
            if value is not None and not self.is_over(value):
                self._values.setdefault(key, value)

    def take_changes(self) -> dict[str, str | None]:
        """What changed here since the last call, as JSON. None: it is gone."""
        with self._lock:
            keys, self._dirty = self._dirty, set()
            values = {key: self._values.get(key) for key in keys}
        return {
            key: None if value is None else msgspec.json.encode(value).decode()
            for key, value in values.items()
        }

    @property
    def has_changes(self) -> bool:
        return bool(self._dirty)

    def mark_changed(self, keys: Iterable[str]) -> None:
        """They could not be written; they shall be tried again."""
        with self._lock:
            self._dirty.update(keys)

    def _decode(self, text: bytes | str | None) -> V | None:
        """None also for what another version of the program wrote."""
        try:
            return self._decoder.decode(text) if text else None
        except msgspec.MsgspecError:
            return None
