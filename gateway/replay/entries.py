"""An answer that the cache holds, and what a store of them can do."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from operator import mul
from typing import Protocol

import msgspec

MAX_ENTRY_BYTES = 1_000_000
MAX_COMPARED = 64
"""Prompts that one is compared with: the newest."""


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


encode: Callable[[Entry], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], Entry] = msgspec.msgpack.Decoder(Entry).decode


def cosine(one: bytes, other: bytes) -> float:
    """Of two vectors of length 1; -1 where they come from different models."""
    if len(one) != len(other):
        return -1.0
    return float(sum(map(mul, array("f", one), array("f", other))))
