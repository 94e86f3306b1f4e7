from __future__ import annotations

import asyncio

import pytest
import uvloop


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """`serve` runs on uvloop, everything else on asyncio's own loop."""
    policy: asyncio.AbstractEventLoopPolicy = request.param()
    return policy
