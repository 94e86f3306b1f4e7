"""Where conversations are kept: which account and which target of a combo answered them last.

So that a provider's prompt cache keeps working. In memory; with Redis, in all processes.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.affinity.conversations import ANSWER
from omniroute import shared_state
from omniroute.shared_state import Script, Unavailable

MAX_SESSIONS = 10_000
_LISTED = 500

_NOTE = Script("""
    redis.call('HSET', KEYS[1], unpack(ARGV, 4))
    redis.call('HSETNX', KEYS[1], 'created_at', ARGV[2])
    redis.call('HINCRBY', KEYS[1], 'requests', 1)
    redis.call('EXPIRE', KEYS[1], ARGV[3])
    redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2] - ARGV[3])
    redis.call('EXPIRE', KEYS[2], ARGV[3])
""")
_FIND = Script("return redis.call('HGETALL', KEYS[1])")
_FORGET = Script("""
    for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', ARGV[1] .. name) end
    redis.call('DEL', KEYS[1])
""")
_INDEX = "sessions"
_KEPT = "kept:"


@dataclass(slots=True)
class Session:
    """Times in Unix seconds. `kept`: combo -> choice and provider -> account, as `combos.ordering` wants them."""

    id: str
    api_key: int
    """The client's key; 0 without one. Sessions of different keys never meet."""
    created_at: float
    last_active: float
    requests: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    account: str = ""
    """Key of the account that answered last."""


class Sessions:
    """One per process. What was not asked for during `ttl_s` is forgotten, and the oldest where there are too many."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sessions: OrderedDict[tuple[int, str], Session] = OrderedDict()
        self._writes: set[asyncio.Task[None]] = set()

    def find(self, api_key: int, id: str, ttl_s: float) -> Session | None:
        session = self._sessions.get((api_key, id))
        if session is None or session.last_active + ttl_s < self._clock():
            return None
        return session

    async def fetch(self, api_key: int, id: str) -> Session | None:
        """What another process noted."""
        try:
            flat = await _FIND([_key(api_key, id)])
        except Unavailable:
            return None
        found = _parsed(api_key, id, flat)
        if found is not None:
            self._keep(found)
        return found

    def note(self, api_key: int, id: str, kept: Mapping[str, str], account: str, ttl_s: float) -> None:
        """A request of the conversation was answered there."""
        now = self._clock()
        session = self.find(api_key, id, ttl_s) or Session(id, api_key, now, now)
        session.last_active, session.account = now, account
        session.requests += 1
        session.kept.update(kept)
        self._keep(session)
        if shared_state.is_shared():
            task = asyncio.ensure_future(self._share(session, dict(kept), ttl_s))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    def active(self, ttl_s: float) -> list[Session]:
        """The most recent first. Blocking where Redis is: for the management API and the admin."""
        since = self._clock() - ttl_s
        found = {key: session for key, session in self._sessions.items() if session.last_active >= since}
        if shared_state.is_shared():
            found |= {(session.api_key, session.id): session for session in _read_all(since)}
        shown = (session for session in found.values() if not session.id.startswith(ANSWER))
        return sorted(shown, key=lambda session: -session.last_active)

    def forget(self) -> None:
        """Every conversation, in this process and at Redis. Blocking where Redis is."""
        self._sessions.clear()
        if shared_state.is_shared():
            with suppress(Unavailable):
                _FORGET.blocking([shared_state.name(_INDEX)], [shared_state.name("session", "")])

    def _keep(self, session: Session) -> None:
        key = (session.api_key, session.id)
        self._sessions[key] = session
        self._sessions.move_to_end(key)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)

    async def _share(self, session: Session, kept: Mapping[str, str], ttl_s: float) -> None:
        name = f"{session.api_key}:{session.id}"
        values = {"last_active": repr(session.last_active), "account": session.account}
        values |= {_KEPT + scope: choice for scope, choice in kept.items()}
        flat = [part for pair in values.items() for part in pair]
        with suppress(Unavailable):
            await _NOTE(
                [_key(session.api_key, session.id), shared_state.name(_INDEX)],
                [name, session.last_active, max(1, round(ttl_s)), *flat],
            )


def _key(api_key: int, id: str) -> str:
    return shared_state.name("session", api_key, id)


def _read_all(since: float) -> Iterable[Session]:
    try:
        with shared_state.guard:
            redis = shared_state.blocking_client()
            names = redis.zrevrangebyscore(shared_state.name(_INDEX), "+inf", since, 0, _LISTED)
            keys = [name.decode().partition(":") for name in names]  # type: ignore[union-attr]
            with redis.pipeline(transaction=False) as pipe:
                for api_key, _, id in keys:
                    pipe.hgetall(_key(int(api_key), id))
                rows = pipe.execute()
    except Unavailable:
        return []
    found = (
        _parsed(int(api_key), id, [part for pair in row.items() for part in pair])
        for (api_key, _, id), row in zip(keys, rows, strict=True)
    )
    return [session for session in found if session is not None]


def _parsed(api_key: int, id: str, flat: list[bytes]) -> Session | None:
    texts = [part.decode("utf-8", "replace") for part in flat]
    row = dict(zip(texts[::2], texts[1::2], strict=True))
    if "last_active" not in row:
        return None
    return Session(
        id,
        api_key,
        float(row.get("created_at", row["last_active"])),
        float(row["last_active"]),
        int(row.get("requests", 0)),
        {name.removeprefix(_KEPT): value for name, value in row.items() if name.startswith(_KEPT)},
        row.get("account", ""),
    )


sessions = Sessions()
"""This process's own."""
