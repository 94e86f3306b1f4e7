"""Two processes that hear of each other, over a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from resilience.gossip import Gossip
from tests.resilience.conftest import running, until

pytestmark = pytest.mark.cluster


async def test_what_happens_here_is_heard_elsewhere_and_counted(shared):
    one, two, heard = Gossip("one"), Gossip("two"), []
    tell = one.join("accounts", lambda *event: heard.append(("one", *event)))
    two.join("accounts", lambda *event: heard.append(("two", *event)))
    async with running(one, two):
        for _ in range(3):
            tell("used", 7)
        await until(lambda: len(heard) == 1)
    assert heard == [("two", 3, "used", 7)]


async def test_a_topic_or_an_event_that_nobody_here_knows_does_no_harm(shared):
    one, two, heard = Gossip("one"), Gossip("two"), []
    strange, known = one.join("strange", print), one.join("targets", print)

    def hear(count: int, name: str) -> None:
        heard.append(name)

    two.join("targets", hear)
    async with running(one, two):
        strange("x")
        known("too", "many", "words")
        known("a")
        await until(lambda: heard == ["a"])


async def test_alone_nothing_is_gathered():
    gossip = Gossip("one")
    tell = gossip.join("accounts", print)
    tell("used", 7)
    assert not gossip._told


async def test_another_database_of_the_same_redis_is_another_gateway(shared, settings):
    one, other, heard = Gossip("one"), Gossip("other"), []
    tell = one.join("accounts", print)
    other.join("accounts", lambda *event: heard.append(event))
    async with running(other):
        settings.REDIS_URL = settings.REDIS_URL.rpartition("/")[0] + "/14"
        async with running(one):
            tell("used", 7)
            await until(lambda: not one._told)
            await asyncio.sleep(0.2)
    assert heard == []
