"""The stores' state in the database: written behind, read once at start."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone

from resilience.breaker import breakers
from resilience.cooldown import cooldowns
from resilience.lockout import lockouts
from resilience.models import StoredState
from resilience.store import Store

logger = logging.getLogger(__name__)

STORES: tuple[Store[Any], ...] = (breakers, cooldowns, lockouts)
WRITE_EVERY_S = 1.0
"""What a process loses at most when it is killed."""
TIDY_EVERY = 60
"""Of those times, values that say nothing any more are forgotten once."""
MAX_KEY = 400


def restore(stores: Iterable[Store[Any]] = STORES) -> None:
    """Blocking. What is over by now is left out, and deleted."""
    for store in stores:
        rows = StoredState.objects.filter(store=store.name).values_list("key", "value")
        store.restore(dict(rows))
        over = {key for key, _ in rows} - store.current().keys()
        StoredState.objects.filter(store=store.name, key__in=list(over)[:5000]).delete()


def save(stores: Iterable[Store[Any]] = STORES) -> None:
    """Blocking. Write what changed since the last time; raise nothing: a failure is logged, and tried again."""
    for store in stores:
        changes = {key: text for key, text in store.take_changes().items() if len(key) <= MAX_KEY}
        if not changes:
            continue
        try:
            _write(store.name, changes)
        except DatabaseError as error:
            store.mark_changed(changes)
            logger.warning("The state of %s was not written, it is tried again: %s", store.name, error)


def _write(store: str, changes: dict[str, str | None]) -> None:
    now = timezone.now()
    gone = [key for key, text in changes.items() if text is None]
    rows = [
        StoredState(store=store, key=key, value=text, updated_at=now)
        for key, text in changes.items()
        if text is not None
    ]
    with transaction.atomic():
        if gone:
            StoredState.objects.filter(store=store, key__in=gone).delete()
        StoredState.objects.bulk_create(
            rows,
            batch_size=200,
            update_conflicts=True,
            unique_fields=["store", "key"],
            update_fields=["value", "updated_at"],
        )


def _save_in_thread() -> None:
    close_old_connections()
    save()


async def write_behind() -> None:
    """Until cancelled; the last changes are written on the way out."""
    try:
        for turn in itertools.count(1):
            await asyncio.sleep(WRITE_EVERY_S)
            if turn % TIDY_EVERY == 0:
                for store in STORES:
                    store.current()
            if any(store.has_changes for store in STORES):
                await sync_to_async(_save_in_thread)()
    finally:
        await asyncio.shield(sync_to_async(_save_in_thread)())


async def start() -> None:
    await sync_to_async(restore)()
