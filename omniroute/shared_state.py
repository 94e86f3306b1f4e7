"""State that several processes share, in Redis: client, names, scripts, and what happens when Redis does not answer.

Without `REDIS_URL` there is one process, and its memory is the state: `is_shared` says which. Nobody may fail because
Redis does: whoever asks it catches `Unavailable` and goes on without a limit, a cache or a common view.

    TAKE = Script("return redis.call('INCR', KEYS[1])")

    try:
        count = await TAKE([name("count", account)])
    except Unavailable:
        count = 0
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis as BlockingRedis
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

PREFIX = "omniroute"
PROCESS = f"{os.getpid()}-{secrets.token_hex(6)}"
"""What this process is known by among those that share."""
TIMEOUT_S = 1.0
"""For a connection, and for an answer. A request waits for it once, see `PAUSE_S`."""
PAUSE_S = 2.0
"""After a failure nobody asks Redis for so long: one request waits in vain, not every one."""
WARN_EVERY_S = 30.0
AT_ONCE = 8
"""Questions of an event loop, see `asking`. Each takes a connection, and on a busy machine dozens of new ones at once
take longer to open than `TIMEOUT_S`."""

Argument = str | int | float | bytes


class Unavailable(Exception):
    """Redis did not answer, or is left alone because it did not a moment ago."""


def is_shared() -> bool:
    return bool(settings.REDIS_URL)


def name(*parts: object) -> str:
    """A key: `omniroute:limits:account:42`."""
    return ":".join((PREFIX, *map(str, parts)))


def channel(*parts: object) -> str:
    """With the number of the database: Redis keeps keys apart by it, and channels not."""
    return name(*parts, _database(settings.REDIS_URL))


@lru_cache
def _database(url: str) -> str:
    from redis.connection import parse_url

    return str(parse_url(url).get("db", 0)) if url else ""  # type: ignore[no-untyped-call]


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()
_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@asynccontextmanager
async def asking() -> AsyncIterator[Redis]:
    """The client, for what requests ask: `AT_ONCE` of them, and the others wait in line. Raise `Unavailable`.

    A place in line says nothing about Redis, so no time limit counts it; when Redis fails those in front, the others
    fail with them. Never wait in here for what comes later, or for another place.
    """
    loop = asyncio.get_running_loop()
    line = _lines.get(loop)
    if line is None:
        line = _lines[loop] = asyncio.Semaphore(AT_ONCE)
    async with line:
        with guard:
            yield client()


def client() -> Redis:
    """The running event loop's own. Answers are bytes. Use it within `guard`, and only for what takes one connection
    whatever the number of requests, or waits for news; for all else there is `asking`."""
    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None:
        from redis.asyncio import Redis

        found = _clients[loop] = Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
    return found


@lru_cache(maxsize=8)
def _blocking(url: str) -> BlockingRedis:
    from redis import Redis as BlockingRedis

    return BlockingRedis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


def blocking_client() -> BlockingRedis:
    """For the admin, commands and jobs; never on an event loop. Use it within `guard`."""
    return _blocking(settings.REDIS_URL)


async def close_client() -> None:
    """The running event loop's."""
    if (found := _clients.pop(asyncio.get_running_loop(), None)) is not None:
        await found.aclose()


class Guard:
    """Around every use of Redis: turns its troubles into `Unavailable`, and says so in the log now and then."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Ask again at once, and warn again."""
        self._paused_until = 0.0
        self._warned_at = -WARN_EVERY_S

    def __enter__(self) -> None:
        if self._paused_until and time.monotonic() < self._paused_until:
            raise Unavailable("Redis is left alone for a moment")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._paused_until = 0.0
        elif _is_trouble(error):
            self._note(error)
            raise Unavailable(str(error)) from error

    def _note(self, error: BaseException) -> None:
        now = time.monotonic()
        self._paused_until = now + PAUSE_S
        if now - self._warned_at >= WARN_EVERY_S:
            self._warned_at = now
            logger.warning("Redis does not answer; each process is on its own meanwhile: %s", error)


guard = Guard()


def _is_trouble(error: BaseException) -> bool:
    from redis.exceptions import RedisError

    return isinstance(error, RedisError | OSError | TimeoutError)


class Script:
    """Lua that Redis runs as one step. Called with keys and arguments; raises `Unavailable`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        async with asking() as redis:
            return await self._run(redis, keys, arguments)

    async def past_the_line(self, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> None:
        """For somebody who calls one after the other: see `client`."""
        with guard:
            await self._run(client(), keys, arguments)

    async def _run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        from redis.exceptions import NoScriptError

        try:
            return await redis.evalsha(self._digest, len(keys), *keys, *arguments)
        except NoScriptError:  # the first call since Redis started
            return await redis.eval(self._source, len(keys), *keys, *arguments)

    def blocking(self, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """The same outside of an event loop."""
        from redis.exceptions import NoScriptError

        with guard:
            redis = blocking_client()
            try:
                return redis.evalsha(self._digest, len(keys), *keys, *arguments)
            except NoScriptError:
                return redis.eval(self._source, len(keys), *keys, *arguments)
