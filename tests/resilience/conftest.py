from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from omniroute import shared_state


class Clock:
    """The epoch's, in seconds."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(settings, redis_url) -> None:
    """Redis, empty. Its test carries the `cluster` marker."""
    settings.REDIS_URL = redis_url
    shared_state.guard.reset()


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Raise `TimeoutError` when it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*links) -> AsyncIterator[None]:
    """Several links stand for several processes."""
    tasks = [asyncio.create_task(link.run()) for link in links]
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shared_state.close_client()
