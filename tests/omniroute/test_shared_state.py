from __future__ import annotations

import asyncio
import logging
import time

import pytest

from omniroute import shared_state
from omniroute.shared_state import Script, Unavailable, name
from tests.relay import relay_to

COUNT = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@pytest.fixture(autouse=True)
def _rested():
    shared_state.guard.reset()
    yield
    shared_state.guard.reset()


@pytest.fixture
def redis(settings, redis_url):
    settings.REDIS_URL = redis_url


@pytest.fixture
def no_redis(settings):
    """Nothing listens there."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def test_one_process_shares_nothing(settings):
    settings.REDIS_URL = ""
    assert not shared_state.is_shared()


def test_names_carry_the_product_s_prefix():
    assert name("limits", "account:42") == "omniroute:limits:account:42"


@pytest.mark.cluster
async def test_a_script_runs_also_when_redis_forgot_it(redis):
    assert await COUNT([name("n")], [2]) == 2
    await shared_state.client().script_flush()
    assert await COUNT([name("n")], [3]) == 5
    assert await asyncio.to_thread(COUNT.blocking, [name("n")], [1]) == 6
    await shared_state.close_client()


@pytest.mark.cluster
def test_each_event_loop_has_its_own_client(redis):
    async def use() -> int:
        count: int = await COUNT([name("n")], [1])
        await shared_state.close_client()
        return count

    assert [asyncio.run(use()), asyncio.run(use())] == [1, 2]


async def test_trouble_is_told_as_one_exception_and_logged_once(no_redis, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await COUNT([name("n")], [1])
    assert len(caplog.records) == 1
    assert "Redis does not answer" in caplog.text


async def test_after_a_failure_redis_is_left_alone_for_a_moment(no_redis, monkeypatch):
    clock = 100.0
    monkeypatch.setattr("omniroute.shared_state.time.monotonic", lambda: clock)
    with pytest.raises(Unavailable):
        await COUNT([name("n")], [1])
    with pytest.raises(Unavailable, match="left alone"):
        await COUNT([name("n")], [1])
    clock += shared_state.PAUSE_S + 0.1
    with pytest.raises(Unavailable, match="onnect"):
        await COUNT([name("n")], [1])


def test_a_mistake_is_no_trouble():
    with pytest.raises(KeyError), shared_state.guard:
        raise KeyError("x")
    with shared_state.guard:
        pass


async def connections() -> int:
    """To this database."""
    own = shared_state.client().connection_pool.connection_kwargs.get("db", 0)
    return sum(int(each["db"]) == own for each in await shared_state.client().client_list())


@pytest.mark.cluster
async def test_a_burst_takes_few_connections_and_has_every_answer(redis):
    before = await connections()
    found = await asyncio.gather(*(COUNT([name("n")], [1]) for _ in range(200)))
    assert sorted(found) == list(range(1, 201))
    assert await connections() - before < shared_state.AT_ONCE
    await shared_state.close_client()


@pytest.mark.cluster
async def test_who_waits_in_line_fails_with_those_in_front(settings, redis_url):
    with relay_to(redis_url) as (line, url):
        settings.REDIS_URL = url
        await COUNT([name("n")], [1])
        line.hold(20)
        began = time.monotonic()
        found = await asyncio.gather(*(COUNT([name("n")], [1]) for _ in range(200)), return_exceptions=True)
        assert time.monotonic() - began < 3 * shared_state.TIMEOUT_S
        assert {type(each) for each in found} == {Unavailable}
        await shared_state.close_client()
