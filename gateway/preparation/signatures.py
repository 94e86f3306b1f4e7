"""Gemini's thought signatures, by tool call, for clients that drop them.

Gemini 3 refuses a conversation whose tool calls came back without their `thoughtSignature`. Clients of other formats
get it in a field that some of them keep and many do not; for those it is kept here: in memory, and behind that in the
database, so that it survives a restart and another process finds it (docs/protocol-notes.md, Thinking).
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from typing import NamedTuple

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from gateway.models import ThoughtSignature
from gateway.records.write_behind import writer
from gateway.wire import ir

logger = logging.getLogger(__name__)

LIFETIME = timedelta(days=7)
MAX_ENTRIES = 5000
MAX_CHARACTERS = 16_000_000
"""In memory."""
MAX_ROWS = 100_000
MAX_SIGNATURE = 100_000
"""Characters. Longer ones are not kept."""
MISS_S = 60.0
"""How long a call that has no row is not looked up again: another vendor's call never will have one."""
PURGE_EVERY_S = 3600.0
_KEY_LENGTH = 128

Restore = Callable[[ir.Event], list[ir.Event]]


def key_of(call_id: str) -> str:
    """Clients rewrite ids (OpenClaw strips the underscore of `call_1`), but they keep letters and digits."""
    key = re.sub(r"[^a-zA-Z0-9]", "", call_id)
    return key if len(key) <= _KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()


class CacheStats(NamedTuple):
    active: int
    hits: int
    misses: int

    @property
    def hit_rate(self) -> float:
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class Signatures:
    """One per process, used from its event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()
        self._characters = 0
        self._missed: dict[str, float] = {}
        self._purged_at = 0.0
        self._hits = self._misses = 0

    @property
    def stats(self) -> CacheStats:
        """Of the calls that came without their signature, since the process started."""
        return CacheStats(len(self._known), self._hits, self._misses)

    def keep(self, call_id: str, signature: str) -> None:
        key = key_of(call_id)
        if not key or len(signature) > MAX_SIGNATURE:
            return
        self._put(key, signature)
        self._missed.pop(key, None)
        writer().submit(self._write, key, signature)

    def keep_all(self, parts: Iterable[ir.Part]) -> None:
        for part in parts:
            if isinstance(part, ir.ToolCall) and part.signature:
                self.keep(part.id, part.signature)

    def watching(self, restore: Restore) -> Restore:
        """`restore`, keeping the signatures that pass by."""

        def restore_and_keep(event: ir.Event) -> list[ir.Event]:
            if isinstance(event, ir.PartStarted):
                self.keep_all((event.part,))
            return restore(event)

        return restore_and_keep

    async def complete(self, request: ir.Request) -> bool:
        """Give calls without a signature the one that they came with. True: some have one more."""
        bare = [
            part
            for message in request.messages
            for part in message.parts
            if isinstance(part, ir.ToolCall) and not part.signature
        ]
        if not bare:
            return False
        found = await self._find({key_of(call.id) for call in bare})
        for call in bare:
            call.signature = found.get(key_of(call.id))
        return bool(found)

    async def _find(self, keys: set[str]) -> dict[str, str]:
        now = time.monotonic()
        found = {key: signature for key in keys if (signature := self._get(key)) is not None}
        missing = {key for key in keys - found.keys() if self._missed.get(key, 0.0) <= now}
        if missing:
            read = await sync_to_async(_read)(missing)
            for key, signature in read.items():
                self._put(key, signature)
            self._note_missed(missing - read.keys(), now)
            found |= read
        self._hits += len(found)
        self._misses += len(keys) - len(found)
        return found

    def _note_missed(self, keys: set[str], now: float) -> None:
        if len(self._missed) > MAX_ENTRIES:
            self._missed = {key: until for key, until in self._missed.items() if until > now}
        if len(self._missed) <= MAX_ENTRIES:
            self._missed.update(dict.fromkeys(keys, now + MISS_S))

    def _get(self, key: str) -> str | None:
        signature = self._known.get(key)
        if signature is not None:
            self._known.move_to_end(key)
        return signature

    def _put(self, key: str, signature: str) -> None:
        self._characters += len(signature) - len(self._known.pop(key, ""))
        self._known[key] = signature
        while len(self._known) > MAX_ENTRIES or self._characters > MAX_CHARACTERS:
            _, oldest = self._known.popitem(last=False)
            self._characters -= len(oldest)

    def _write(self, key: str, signature: str) -> None:
        ThoughtSignature.objects.update_or_create(
            key=key, defaults={"signature": signature, "expires_at": timezone.now() + LIFETIME}
        )
        if time.monotonic() - self._purged_at > PURGE_EVERY_S or not self._purged_at:
            self._purged_at = time.monotonic()
            purge()


def purge() -> None:
    """Delete what has expired, and the oldest beyond `MAX_ROWS`. Blocking."""
    rows = ThoughtSignature.objects
    rows.filter(expires_at__lt=timezone.now()).delete()
    first_too_many = rows.order_by("-expires_at").values_list("expires_at", flat=True)[
        MAX_ROWS : MAX_ROWS + 1
    ]
    for moment in first_too_many:
        rows.filter(expires_at__lte=moment).delete()


def _read(keys: set[str]) -> dict[str, str]:
    close_old_connections()
    try:
        rows = ThoughtSignature.objects.filter(key__in=keys, expires_at__gt=timezone.now())
        return dict(rows.values_list("key", "signature"))
    except DatabaseError as error:
        logger.warning("Thought signatures could not be read: %s", error)
        return {}


@cache
def signatures() -> Signatures:
    """The process's own."""
    return Signatures()
