"""What a web process does before its first request and after its last."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway import snapshot
from gateway.background import background
from gateway.recorder import recorder
from gateway.upstream import close_clients


async def start() -> list[asyncio.Task[Any]]:
    """Read the configuration, and follow its changes from now on."""
    await snapshot.current()
    return [asyncio.create_task(snapshot.poll(), name="configuration poll")]


async def stop(background: list[asyncio.Task[Any]]) -> None:
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await recorder().flush()
    await background().flush()
    await close_clients()
