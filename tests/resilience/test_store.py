from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from omniroute import shared_state
from resilience import classify
from resilience.cooldown import Cooldowns
from resilience.link import Link
from tests.processes import running, until
from tests.resilience.conftest import Clock


def test_what_changed_is_told_once(clock: Clock):
    store = Cooldowns(clock)
    store.apply("a", classify.AUTH)
    store.apply("b", classify.AUTH)
    store.drop("b")
    changes = store.take_changes()
    assert changes.keys() == {"a", "b"}
    assert changes["b"] is None
    assert store.take_changes() == {}


def test_another_one_goes_on_where_it_ended(clock: Clock):
    old, new = Cooldowns(clock), Cooldowns(clock)
    old.apply("a", classify.AUTH)
    old.apply("b", classify.TRANSIENT)
    written = {key: text for key, text in old.take_changes().items() if text}
    clock.now += 60
    new.restore({**written, "c": "no JSON", "d": '{"of": "another version"}'})
    assert new.remaining("a") == 60
    assert new.active().keys() == {"a"}


@pytest.mark.cluster
async def test_a_change_reaches_the_other_process(shared, clock: Clock):
    one, two = Link(), Link()
    first, second = Cooldowns(clock, one), Cooldowns(clock, two)
    async with running(one, two):
        first.apply("account:1", classify.RATE_LIMITED, hint=60)
        await until(lambda: second.remaining("account:1") == 60)
        second.apply("account:2:m", classify.AUTH)
        await until(lambda: first.remaining("account:2:m") == 120)
        second.drop("account:1")
        await until(lambda: first.remaining("account:1") == 0)
        first.clear()
        await until(lambda: not second.active())


@pytest.mark.cluster
async def test_a_change_waits_in_no_line_with_requests(shared, clock: Clock):
    one, two = Link(), Link()
    first, second = Cooldowns(clock, one), Cooldowns(clock, two)
    async with running(one, two), AsyncExitStack() as line:
        for _ in range(shared_state.AT_ONCE):
            await line.enter_async_context(shared_state.asking())
        first.apply("account:1", classify.RATE_LIMITED, hint=60)
        await until(lambda: second.remaining("account:1") == 60)


@pytest.mark.cluster
async def test_a_change_whose_message_was_lost_is_read_although_there_is_other_news(
    shared, clock: Clock, monkeypatch
):
    monkeypatch.setattr("resilience.link.SYNC_EVERY_S", 0.3)
    one, two = Link(), Link()
    silent, _, store = Cooldowns(clock), Cooldowns(clock, one), Cooldowns(clock, two)
    silent.apply("account:1", classify.RATE_LIMITED, hint=60)
    heard: list[str] = []
    two.listen("news", heard.append)
    async with running(one, two):
        one.tell("news", "it runs")
        await until(lambda: bool(heard))
        ((key, text),) = silent.take_changes().items()
        await shared_state.client().hset(store.redis_keys[0], key, str(text))

        def told_more() -> bool:
            one.tell("news", "more")
            return store.remaining("account:1") == 60

        await until(told_more)
    assert len(heard) > 3


@pytest.mark.cluster
async def test_two_processes_that_saw_one_failure_raise_the_level_once(shared, clock: Clock):
    one, two = Link(), Link()
    first, second = Cooldowns(clock, one), Cooldowns(clock, two)
    async with running(one, two):
        first.apply("a", classify.RATE_LIMITED)
        second.apply("a", classify.RATE_LIMITED)
        await until(lambda: not one._waiting and not two._waiting)
        await until(lambda: first.get("a").level == second.get("a").level == 1)


@pytest.mark.cluster
async def test_the_provider_s_word_of_one_outranks_the_guess_of_another(shared, clock: Clock):
    one, two = Link(), Link()
    first, second = Cooldowns(clock, one), Cooldowns(clock, two)
    async with running(one, two):
        first.apply("a", classify.RATE_LIMITED, hint=60)
        second.apply("a", classify.TRANSIENT)
        await until(lambda: first.remaining("a") == second.remaining("a") == 60)


@pytest.mark.cluster
async def test_a_process_that_starts_learns_what_the_others_know(shared, clock: Clock):
    one, two = Link(), Link()
    first = Cooldowns(clock, one)
    async with running(one):
        first.apply("a", classify.AUTH)
        await until(lambda: not one._waiting)
        second = Cooldowns(clock, two)
        async with running(two):
            await until(lambda: second.remaining("a") == 120)


@pytest.mark.cluster
async def test_after_redis_forgot_everything_it_is_told_again(shared, clock: Clock, monkeypatch):
    monkeypatch.setattr("resilience.link.RETRY_S", 0.05)
    one = Link()
    store = Cooldowns(clock, one)
    async with running(one):
        store.apply("a", classify.AUTH)
        await until(lambda: not one._waiting)
        await shared_state.client().flushdb()
        await _cut_subscriptions()
        await until(lambda: shared_state.blocking_client().hexists(store.redis_keys[0], "a"))
        assert store.remaining("a") == 120


async def _cut_subscriptions() -> None:
    """Those of this test's own database: others use the server as well."""
    client = shared_state.client()
    own = client.connection_pool.connection_kwargs["db"]
    for each in await client.client_list(_type="pubsub"):
        if each["db"] == str(own):
            await client.client_kill_filter(_id=each["id"])


@pytest.mark.cluster
def test_commands_and_jobs_write_at_once(shared, clock: Clock):
    store = Cooldowns(clock, Link())
    store.apply("a", classify.AUTH)
    assert shared_state.blocking_client().hexists(store.redis_keys[0], "a")
