"""What the cache holds: in this process's memory, behind that in the database; with Redis, there and only there."""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from operator import mul
from typing import Protocol

import msgspec
from django.conf import settings
from django.db.models import F

from gateway.records.write_behind import writer
from gateway.replay.models import CachedAnswer
from omniroute import shared_state

MAX_ENTRY_BYTES = 1_000_000
MAX_BYTES = 64_000_000
"""In memory, all answers together."""
MAX_COMPARED = 64
"""Prompts that one is compared with: the newest."""
PURGE_EVERY_S = 600.0


class Entry(msgspec.Struct):
    """An answer that may be given again. Times in Unix seconds."""

    signature: str
    model: str
    """As it was asked for."""
    body: bytes
    content_type: str
    provider: str
    served_model: str
    account_id: int | None
    account_name: str
    tokens: int
    cost: Decimal | None
    created_at: float
    expires_at: float
    frame: str = ""
    """Of everything but the last prompt."""
    vector: bytes = b""
    """Of the last prompt: 32-bit floats, of length 1."""
    hits: int = 0


class Counts(msgspec.Struct):
    """Since the start; with Redis, since it was emptied."""

    hits: int = 0
    misses: int = 0
    tokens_saved: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries to forget; without anything, all."""

    model: str = ""
    signature: str = ""
    older_than_s: float | None = None

    def fits(self, entry: Entry) -> bool:
        if self.model and entry.model != self.model:
            return False
        if self.signature and entry.signature != self.signature:
            return False
        return self.older_than_s is None or entry.created_at < time.time() - self.older_than_s


class Store(Protocol):
    """The asynchronous half is for requests, the other for the admin and the API."""

    max_entries: int

    async def get(self, signature: str) -> Entry | None: ...

    async def alike(self, frame: str) -> list[Entry]:
        """Entries with this frame and a vector, the newest first, `MAX_COMPARED` at most."""

    async def put(self, entry: Entry) -> None: ...

    async def count(self, hit: Entry | None) -> None: ...

    def size(self) -> tuple[int, int]:
        """Entries at hand, and entries that survive a restart."""

    def counts(self) -> Counts: ...

    def forget(self, selection: Selection) -> int:
        """How many there were."""


class MemoryStore:
    """The least recently used entry goes first."""

    def __init__(self, max_entries: int) -> None:
        self.max_entries = max_entries
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0
        self._counts = Counts()
        self._purged_at = 0.0

    async def get(self, signature: str) -> Entry | None:
        entry = self._entries.get(signature)
        if entry is None:
            return None
        if entry.expires_at <= time.time():
            self._drop(signature)
            return None
        self._entries.move_to_end(signature)
        return entry

    async def alike(self, frame: str) -> list[Entry]:
        now = time.time()
        found = [
            entry
            for entry in reversed(self._entries.values())
            if entry.frame == frame and entry.vector and entry.expires_at > now
        ]
        return found[:MAX_COMPARED]

    async def put(self, entry: Entry) -> None:
        self._keep(entry)
        writer().submit(_write, entry)
        if time.monotonic() - self._purged_at > PURGE_EVERY_S:
            self._purged_at = time.monotonic()
            writer().submit(_purge, self.max_entries)

    def _keep(self, entry: Entry) -> None:
        if entry.signature in self._entries:
            self._drop(entry.signature)
        self._entries[entry.signature] = entry
        self._bytes += len(entry.body)
        while self._entries and (len(self._entries) > self.max_entries or self._bytes > MAX_BYTES):
            self._drop(next(iter(self._entries)))

    def _drop(self, signature: str) -> None:
        entry = self._entries.pop(signature, None)
        if entry is not None:
            self._bytes -= len(entry.body)

    async def count(self, hit: Entry | None) -> None:
        if hit is None:
            self._counts.misses += 1
            return
        self._counts.hits += 1
        self._counts.tokens_saved += hit.tokens
        writer().submit(_note_hit, hit.signature)

    def size(self) -> tuple[int, int]:
        return len(self._entries), CachedAnswer.objects.filter(expires_at__gt=datetime.now(UTC)).count()

    def counts(self) -> Counts:
        return self._counts

    def forget(self, selection: Selection) -> int:
        """Stored entries whose processes ended are in memory too: `warm` read them."""
        gone = [entry.signature for entry in list(self._entries.values()) if selection.fits(entry)]
        for signature in gone:
            self._drop(signature)
        if selection == Selection():
            stored = CachedAnswer.objects.all().delete()[0]
            return max(stored, len(gone))
        CachedAnswer.objects.filter(signature__in=gone).delete()
        return len(gone)

    def warm(self) -> None:
        """Take over what was stored before this process began. Blocking."""
        rows = CachedAnswer.objects.filter(expires_at__gt=datetime.now(UTC)).order_by("-created_at")
        stored = list(rows.values_list("response", flat=True)[: self.max_entries])
        for response in reversed(stored):
            try:
                self._keep(decode(bytes(response)))
            except msgspec.DecodeError:  # of another version
                continue


encode: Callable[[Entry], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], Entry] = msgspec.msgpack.Decoder(Entry).decode


def _write(entry: Entry) -> None:
    CachedAnswer.objects.update_or_create(
        signature=entry.signature,
        defaults={
            "prompt_hash": entry.frame,
            "model": entry.model[:250],
            "response": encode(entry),
            "tokens_saved": entry.tokens,
            "created_at": datetime.fromtimestamp(entry.created_at, UTC),
            "expires_at": datetime.fromtimestamp(entry.expires_at, UTC),
        },
    )


def _note_hit(signature: str) -> None:
    CachedAnswer.objects.filter(signature=signature).update(hit_count=F("hit_count") + 1)


def _purge(max_entries: int) -> None:
    """What expired, and what is beyond the newest."""
    CachedAnswer.objects.filter(expires_at__lte=datetime.now(UTC)).delete()
    surplus = CachedAnswer.objects.order_by("-created_at").values_list("pk", flat=True)[max_entries:]
    if stale := list(surplus):
        CachedAnswer.objects.filter(pk__in=stale).delete()


def cosine(one: bytes, other: bytes) -> float:
    """Of two vectors of length 1; -1 where they come from different models."""
    if len(one) != len(other):
        return -1.0
    return float(sum(map(mul, array("f", one), array("f", other))))


@cache
def store() -> Store:
    """The process's own."""
    if shared_state.is_shared():
        from gateway.replay.shared_store import SharedStore

        return SharedStore(settings.SEMANTIC_CACHE_MAX_SIZE)
    return MemoryStore(settings.SEMANTIC_CACHE_MAX_SIZE)
