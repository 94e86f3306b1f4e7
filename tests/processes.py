"""Links and gossips within one test that stand for several processes, over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from omniroute import shared_state
from resilience.gossip import Gossip
from resilience.link import Link


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Raise `TimeoutError` when it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*processes: Link | Gossip) -> AsyncIterator[None]:
    """Each hears what is told from now on."""
    before = await _listeners()
    tasks = [asyncio.create_task(each.run()) for each in processes]
    async with asyncio.timeout(5):
        while await _listeners() < before + len(processes):
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shared_state.close_client()


async def _listeners() -> int:
    """Of this database's."""
    client = shared_state.client()
    database = client.connection_pool.connection_kwargs.get("db", 0)
    found = await client.client_list("pubsub")
    return sum(int(each["db"]) == database for each in found)
