"""What a web process does before its first request and after its last."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from billing.budgets.shared import keep_lease
from gateway import snapshot
from gateway.backups.taking import forget_what_was
from gateway.records import processes, request_log
from gateway.records.live import FEEDS
from gateway.records.recorder import recorder
from gateway.records.write_behind import writer
from gateway.replay.memory_store import MemoryStore
from gateway.replay.store import store
from gateway.upstream import close_connections
from omniroute import shared_state
from providers.oauth import renewal
from providers.quota import rows as quota_rows
from resilience import persistence
from resilience.gossip import gossip
from resilience.limits import limiters
from resilience.link import link


async def start() -> list[asyncio.Task[Any]]:
    """Read the configuration, and follow its changes from now on."""
    await snapshot.current()
    if isinstance(answers := store(), MemoryStore):
        await sync_to_async(answers.warm)()
    await persistence.start()
    processes.begin()
    _tune_interpreter()
    background = [
        asyncio.create_task(snapshot.follow(forget_what_was), name="configuration"),
        asyncio.create_task(persistence.write_behind(), name="resilience state"),
        asyncio.create_task(quota_rows.follow(), name="quota windows"),
    ]
    if settings.REDIS_URL:
        background.append(asyncio.create_task(link.run(), name="shared state"))
        background += [asyncio.create_task(feed.follow(), name=f"who watches {feed.group}") for feed in FEEDS]
        background.append(asyncio.create_task(keep_lease(), name="budget reservations"))
        background.append(asyncio.create_task(limiters.keep_leases(), name="slots"))
        background.append(asyncio.create_task(gossip.run(), name="what other processes do"))
        background.append(asyncio.create_task(processes.tell(), name="what this process does"))
    return background


def _tune_interpreter() -> None:
    """What was loaded by now stays, so the collector need not look at it time and again: full collections stopped
    every request for 80 ms. The accounting thread waits less for its turn (docs/decisions.md)."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)


async def stop(background: list[asyncio.Task[Any]]) -> None:
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await renewal.settle()
    await recorder().flush()
    await writer().flush()
    await asyncio.to_thread(request_log.writer().flush)
    await close_connections()
    await shared_state.close_client()
