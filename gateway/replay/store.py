"""Where the cache is: in this process, or with Redis there and only there."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from gateway.replay.entries import Store
from gateway.replay.memory_store import MemoryStore
from gateway.replay.shared_store import SharedStore
from omniroute import shared_state


@cache
def store() -> Store:
    """The process's own."""
    if shared_state.is_shared():
        return SharedStore(settings.SEMANTIC_CACHE_MAX_SIZE)
    return MemoryStore(settings.SEMANTIC_CACHE_MAX_SIZE)
