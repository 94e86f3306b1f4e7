"""The cache of a single process: in its memory, and behind that in the database, so that it survives a restart."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime

import msgspec
from django.db.models import F

from gateway.records.write_behind import writer
from gateway.replay.entries import MAX_COMPARED, Counts, Entry, Selection, decode, encode
from gateway.replay.models import CachedAnswer

MAX_BYTES = 64_000_000
"""In memory, all answers together."""
PURGE_EVERY_S = 600.0


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
