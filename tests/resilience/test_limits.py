from __future__ import annotations

import asyncio
import time

import pytest

from omniroute.errors import AccountBusy
from resilience.cooldown import Cooldowns
from resilience.limits import Limiter, Limiters, Limits
from resilience.link import Link
from tests.processes import running, until
from tests.resilience.conftest import Clock

THREE = Limits(requests_per_minute=3)


async def take(limiter: Limiter, limits: Limits, timeout_s: float = 5.0, queue: int = 10):
    return await limiter.acquire(limits, timeout_s, queue)


async def test_so_many_a_minute_and_no_more(clock: Clock):
    limiter = Limiter("a", clock)
    for _ in range(3):
        (await take(limiter, THREE))()
    assert limiter.delay(THREE) == 60
    clock.now += 60.1
    assert limiter.delay(THREE) == 0


async def test_a_gap_between_two(clock: Clock):
    limiter = Limiter("a", clock)
    gap = Limits(min_gap_s=0.2)
    await take(limiter, gap)
    assert limiter.delay(gap) == pytest.approx(0.2)


async def test_a_slot_is_free_again_when_it_is_given_back(clock: Clock):
    limiter, one = Limiter("a", clock), Limits(max_concurrent=1)
    give_back = await take(limiter, one)
    waiting = asyncio.create_task(take(limiter, one))
    await until(lambda: limiter.queued == 1)
    give_back()
    (await waiting)()
    assert (limiter.running, limiter.queued) == (0, 0)


async def test_those_who_wait_get_their_turn_in_order():
    limiter, limits, order = Limiter("a"), Limits(min_gap_s=0.02, max_concurrent=1), []

    async def work(number: int) -> None:
        give_back = await take(limiter, limits)
        order.append(number)
        give_back()

    await asyncio.gather(*map(work, range(6)))
    assert order == list(range(6))


async def test_waiting_has_an_end(clock: Clock):
    limiter, one = Limiter("a", clock), Limits(max_concurrent=1)
    await take(limiter, one)
    with pytest.raises(AccountBusy):
        await take(limiter, one, timeout_s=0.02)
    assert limiter.queued == 0


async def test_the_queue_is_bounded(clock: Clock):
    limiter, one = Limiter("a", clock), Limits(max_concurrent=1)
    await take(limiter, one)
    waiting = [asyncio.create_task(take(limiter, one, queue=2)) for _ in range(2)]
    await until(lambda: limiter.queued == 2)
    with pytest.raises(AccountBusy, match="2 requests wait"):
        await take(limiter, one, queue=2)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert limiter.queued == 0


async def test_who_leaves_the_queue_takes_no_slot(clock: Clock):
    limiter, one = Limiter("a", clock), Limits(max_concurrent=1)
    give_back = await take(limiter, one)
    leaving = asyncio.create_task(take(limiter, one))
    staying = asyncio.create_task(take(limiter, one))
    await until(lambda: limiter.queued == 2)
    leaving.cancel()
    give_back()
    (await staying)()
    assert (limiter.running, limiter.queued) == (0, 0)


def headers(limit: int, remaining: int, reset: str) -> dict[str, str]:
    names = ("limit", limit), ("remaining", remaining), ("reset", reset)
    return {f"x-ratelimit-{name}-requests": str(value) for name, value in names}


@pytest.mark.parametrize(
    ("said", "gap"),
    [
        (headers(60, 40, "20s"), 0),
        (headers(60, 20, "40s"), 0.99),
        (headers(60, 4, "10s"), 2),
        ({"x-ratelimit-over-limit": "yes"}, 0.2),
        ({}, 0),
    ],
)
async def test_the_less_is_left_the_slower(said: dict[str, str], gap: float, clock: Clock):
    limiter = Limiter("a", clock)
    limiter.learn(said, 0.1)
    await take(limiter, Limits())
    assert limiter.delay(Limits()) == pytest.approx(gap)


def test_an_exhausted_limit_pauses_until_its_reset(clock: Clock):
    limiter = Limiter("a", clock)
    limiter.learn(headers(60, 0, "2m59.56s"), 0.1)
    assert limiter.delay(Limits()) == pytest.approx(179.56)


def test_a_refusal_pauses_for_what_it_says_or_a_minute(clock: Clock):
    limiter = Limiter("a", clock)
    limiter.pause(7)
    assert limiter.delay(Limits()) == 7
    limiter.pause(None)
    assert limiter.delay(Limits()) == 60
    limiter.forget()
    assert limiter.delay(Limits()) == 0


async def test_reset_all_lets_those_who_wait_go_on_from_whatever_thread():
    limiters = Limiters()
    limiter = limiters.of("a")
    limiter.pause(60)
    waiting = [asyncio.create_task(take(limiter, Limits(max_concurrent=1))) for _ in range(2)]
    await until(lambda: limiter.queued == 2)
    await asyncio.to_thread(limiters.reset)
    (await waiting[0])()
    (await waiting[1])()


@pytest.mark.cluster
async def test_reset_all_concerns_every_process(shared):
    one, two = Link(), Link()
    first, second = Limiters(link=one), Limiters(link=two)
    second.of("a").pause(60)
    async with running(one, two):
        first.reset()
        await until(lambda: second.of("a").delay(Limits()) == 0)


def test_what_no_answer_confirms_is_forgotten(clock: Clock):
    limiter = Limiter("a", clock)
    limiter.learn({"x-ratelimit-over-limit": "yes"}, 0.1)
    clock.now += 301
    assert limiter.gap_s == 0


@pytest.mark.cluster
async def test_processes_share_an_account_s_limits(shared):
    one, two = Link(), Link()
    Cooldowns(link=one), Cooldowns(link=two)
    first, second = Limiter("a", time.time, one), Limiter("a", time.time, two)
    limits = Limits(max_concurrent=2)
    async with running(one, two):
        held = [await take(first, limits), await take(second, limits)]
        with pytest.raises(AccountBusy):
            await take(first, limits, timeout_s=0.1)
        held[1]()
        (await take(first, limits))()


@pytest.mark.cluster
async def test_requests_a_minute_are_counted_over_all_processes(shared):
    one, two = Limiter("b"), Limiter("b")
    for limiter in (one, two, one):
        await take(limiter, THREE)
    with pytest.raises(AccountBusy):
        await take(two, THREE, timeout_s=0.1)


@pytest.mark.cluster
async def test_who_may_not_wait_gets_a_slot_that_is_free_all_the_same(shared):
    limiter, one = Limiter("c"), Limits(max_concurrent=1)
    give_back = await take(limiter, one, timeout_s=0)
    with pytest.raises(AccountBusy):
        await take(limiter, one, timeout_s=0)
    give_back()


@pytest.mark.cluster
async def test_without_redis_each_process_keeps_the_limits_alone(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limiter = Limiter("a")
    await take(limiter, Limits(max_concurrent=1))
    with pytest.raises(AccountBusy):
        await take(limiter, Limits(max_concurrent=1), timeout_s=0.05)
