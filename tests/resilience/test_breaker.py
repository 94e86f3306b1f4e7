from __future__ import annotations

import pytest

from omniroute.errors import (
    AccountBusy,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from resilience.breaker import FORGET_S, Breakers, State
from resilience.classify import breaks_circuit
from resilience.link import Link
from resilience.profiles import PROFILES
from tests.processes import running, until
from tests.resilience.conftest import Clock

PROFILE = PROFILES["apikey"]  # five failures, 30 s


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock)


def fail(breakers: Breakers, times: int = 1, provider: str = "a") -> None:
    for _ in range(times):
        breakers.fail(provider, PROFILE)


def state(breakers: Breakers, provider: str = "a") -> State:
    circuit = breakers.get(provider)
    return circuit.state(breakers.clock()) if circuit else State.CLOSED


def test_it_opens_at_the_threshold_and_half_opens_after_its_reset_time(breakers: Breakers, clock: Clock):
    fail(breakers, 4)
    assert state(breakers) is State.CLOSED
    fail(breakers)
    assert state(breakers) is State.OPEN
    assert breakers.get("a").wait(clock.now) == 30
    clock.now += 30
    assert state(breakers) is State.HALF_OPEN


def test_failures_count_only_in_a_row(breakers: Breakers, clock: Clock):
    fail(breakers, 4)
    breakers.succeed("a", clock.now)
    fail(breakers, 4)
    assert state(breakers) is State.CLOSED
    clock.now += FORGET_S + 1
    fail(breakers, 4)
    assert state(breakers) is State.CLOSED


def test_providers_do_not_share_a_circuit(breakers: Breakers):
    fail(breakers, 5)
    assert state(breakers, "b") is State.CLOSED


def test_half_open_it_lets_one_trial_through(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    assert not breakers.claim("a")
    clock.now += 31
    assert breakers.claim("a")
    assert not breakers.claim("a")


def test_the_trial_s_success_closes_it(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 31
    breakers.claim("a")
    breakers.succeed("a", clock.now)
    assert state(breakers) is State.CLOSED
    assert breakers.claim("a")


def test_the_trial_s_failure_opens_it_for_another_reset_time(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 31
    breakers.claim("a")
    fail(breakers)
    assert breakers.get("a").wait(clock.now) == 30


def test_a_trial_that_is_cancelled_gives_its_slot_back(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 31
    breakers.claim("a")
    breakers.release("a")
    assert breakers.claim("a")


def test_a_trial_that_never_ends_blocks_it_for_its_lease(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 31
    breakers.claim("a")
    clock.now += 121
    assert breakers.claim("a")


def test_requests_of_the_time_before_neither_close_nor_prolong_it(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 10
    breakers.succeed("a", clock.now - 20)
    fail(breakers)
    assert breakers.get("a").wait(clock.now) == 20


def test_reset_closes_all(breakers: Breakers):
    fail(breakers, 5)
    fail(breakers, 1, "b")
    assert breakers.clear() == 2
    assert state(breakers) is State.CLOSED


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (UpstreamRefused("", status=408), True),
        (UpstreamRefused("", status=500), True),
        (UpstreamRefused("", status=502), True),
        (UpstreamRefused("", status=503), True),
        (UpstreamRefused("", status=504), True),
        (UpstreamRefused("", status=524), True),
        (UpstreamRefused("overloaded", status=503), True),
        (UpstreamUnreachable("x"), True),
        (UpstreamTimeout("x"), True),
        (UpstreamBroken("x"), True),
        (UpstreamRefused("", status=429), False),
        (UpstreamRefused("Too Many Requests", status=503), False),
        (UpstreamRefused("Overloaded", status=529), False),
        (UpstreamRefused("", status=400), False),
        (UpstreamRefused("", status=401), False),
        (UpstreamRefused("", status=404), False),
        (UpstreamUnreachable("x", code="proxy_failed"), False),
        (AccountBusy("x"), False),
    ],
    ids=lambda value: f"{getattr(value, 'status', value)}",
)
def test_only_the_provider_s_own_trouble_counts(error, counts: bool):
    assert breaks_circuit(error) is counts


@pytest.mark.cluster
async def test_processes_share_their_circuits(shared, clock: Clock):
    one, two = Link(), Link()
    first, second = Breakers(clock, one), Breakers(clock, two)
    async with running(one, two):
        fail(first, 3)
        fail(second, 2)
        await until(lambda: state(first) is state(second) is State.OPEN)
        clock.now += 31
        claims = [await first.claim_shared("a"), await second.claim_shared("a")]
        assert claims == [True, False]
        first.release("a")
        await until(lambda: not one._waiting)
        assert await second.claim_shared("a")
        second.succeed("a", clock.now)
        await until(lambda: state(first) is State.CLOSED)


@pytest.mark.cluster
async def test_without_redis_each_process_decides_alone(settings, clock: Clock):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    breakers = Breakers(clock, Link())
    fail(breakers, 5)
    clock.now += 31
    assert await breakers.claim_shared("a")
    assert not await breakers.claim_shared("a")
