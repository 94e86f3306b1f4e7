"""The cache of several processes, in Redis. When Redis does not answer, everything is a miss."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.replay.entries import MAX_COMPARED, Counts, Entry, Selection, decode, encode
from omniroute.shared_state import Script, Unavailable, asking, blocking_client, guard, name

_INDEX = name("cache", "index")
_COUNTS = name("cache", "counts")
_PUT = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], KEYS[1])
if #KEYS > 2 then
  redis.call('ZADD', KEYS[3], ARGV[3], KEYS[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[2])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -ARGV[5] - 1)
end
local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[4]
if surplus > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[2], surplus)
  for i = 1, #oldest, 2 do redis.call('DEL', oldest[i]) end
end
return 1
""")


def _blocking_redis() -> Any:
    """Its types say `bytes | str` for what is bytes here."""
    return blocking_client()


def _key(signature: str) -> str:
    return name("cache", "answer", signature)


def _frame_key(frame: str) -> str:
    return name("cache", "frame", frame)


def _decoded(value: bytes | None) -> Entry | None:
    """None for what is not there, or was written by another version."""
    try:
        return decode(value) if value else None
    except msgspec.DecodeError:
        return None


class SharedStore:
    def __init__(self, max_entries: int) -> None:
        self.max_entries = max_entries

    async def get(self, signature: str) -> Entry | None:
        try:
            async with asking() as redis:
                found: Any = await redis.get(_key(signature))
        except Unavailable:
            return None
        return _decoded(found)

    async def alike(self, frame: str) -> list[Entry]:
        try:
            async with asking() as redis:
                keys: Any = await redis.zrevrange(_frame_key(frame), 0, MAX_COMPARED - 1)
                values: Any = await redis.mget(keys) if keys else []
        except Unavailable:
            return []
        return [entry for value in values if (entry := _decoded(value)) is not None]

    async def put(self, entry: Entry) -> None:
        keys = [_key(entry.signature), _INDEX]
        if entry.vector:
            keys.append(_frame_key(entry.frame))
        lifetime = max(1, int((entry.expires_at - time.time()) * 1000))
        try:
            await _PUT(keys, [encode(entry), lifetime, entry.created_at, self.max_entries, MAX_COMPARED])
        except Unavailable:
            return

    async def count(self, hit: Entry | None) -> None:
        try:
            async with asking() as redis:
                await redis.hincrby(_COUNTS, "hits" if hit else "misses", 1)
                if hit is not None and hit.tokens:
                    await redis.hincrby(_COUNTS, "tokens_saved", hit.tokens)
        except Unavailable:
            return

    def size(self) -> tuple[int, int]:
        number = sum(1 for _ in self._entries())
        return number, number

    def counts(self) -> Counts:
        try:
            with guard:
                found = _blocking_redis().hgetall(_COUNTS)
        except Unavailable:
            return Counts()
        return Counts(**{key.decode(): int(value) for key, value in found.items()})

    def forget(self, selection: Selection) -> int:
        gone = [key for key, entry in self._entries() if selection.fits(entry)]
        try:
            with guard:
                if gone:
                    _blocking_redis().delete(*gone)
                    _blocking_redis().zrem(_INDEX, *gone)
        except Unavailable:
            return 0
        return len(gone)

    def _entries(self) -> Iterator[tuple[bytes, Entry]]:
        try:
            with guard:
                redis = _blocking_redis()
                keys = redis.zrange(_INDEX, 0, -1)
                values = redis.mget(keys) if keys else []
        except Unavailable:
            return
        for key, value in zip(keys, values, strict=True):
            if (entry := _decoded(value)) is not None:
                yield key, entry
