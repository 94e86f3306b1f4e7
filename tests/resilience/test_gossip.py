"""Two processes that hear of each other, over a real Redis."""

from __future__ import annotations

import pytest

from resilience.gossip import Gossip
from tests.processes import running, until

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


async def test_what_happened_last_is_told_last(shared):
    """So that both agree on who was asked the longest time ago."""
    one, two, heard = Gossip("one"), Gossip("two"), []
    tell = one.join("accounts", print)
    two.join("accounts", lambda *event: heard.append(event))
    async with running(one, two):
        for account in (7, 8, 7):
            tell("used", account)
        await until(lambda: len(heard) == 2)
    assert heard == [(1, "used", 8), (2, "used", 7)]


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
    stranger, one, two, heard = Gossip("stranger"), Gossip("one"), Gossip("two"), []
    tell_strangers, tell = stranger.join("accounts", print), one.join("accounts", print)
    two.join("accounts", lambda *event: heard.append(event))
    async with running(one, two):
        url, _, number = settings.REDIS_URL.rpartition("/")
        settings.REDIS_URL = f"{url}/{(int(number) + 8) % 16}"
        async with running(stranger):
            tell_strangers("used", 7)
            await until(lambda: not stranger._told)
            tell("used", 8)
            await until(lambda: bool(heard))
    assert heard == [(1, "used", 8)]
