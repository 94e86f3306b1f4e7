"""What a web process does before its first request and after its last."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Any

from django.conf import settings

from billing.shared_budgets import keep_lease
from gateway import snapshot
from gateway.live import live
from gateway.recorder import recorder
from gateway.upstream import close_clients
from gateway.write_behind import writer
from omniroute import shared_state


async def start() -> list[asyncio.Task[Any]]:
    """Read the configuration, and follow its changes from now on."""
    await snapshot.current()
    _tune_interpreter()
    background = [asyncio.create_task(snapshot.poll(), name="configuration poll")]
    if settings.REDIS_URL:
        background.append(asyncio.create_task(live.follow(), name="live watchers"))
        background.append(asyncio.create_task(keep_lease(), name="budget reservations"))
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
    await recorder().flush()
    await writer().flush()
    await close_clients()
    await shared_state.close_client()
