from __future__ import annotations

import pytest

from omniroute.errors import ClientError
from resilience.link import Link
from resilience.lockout import Lockouts
from tests.processes import running, until
from tests.resilience.conftest import Clock

ME = "login:203.0.113.7"


@pytest.fixture
def lockouts(clock: Clock) -> Lockouts:
    return Lockouts(clock)


def attempt(lockouts: Lockouts, times: int = 1) -> None:
    for _ in range(times):
        lockouts.attempt(ME, "failed logins")


def test_the_fifth_failure_locks_for_fifteen_minutes(lockouts: Lockouts, clock: Clock):
    attempt(lockouts, 5)
    with pytest.raises(ClientError) as refused:
        attempt(lockouts)
    assert (refused.value.status, refused.value.retry_after) == (429, 900)
    clock.now += 899
    with pytest.raises(ClientError):
        attempt(lockouts)
    clock.now += 2
    attempt(lockouts)
    assert lockouts.locked() == {}


def test_failures_within_five_minutes_count(lockouts: Lockouts, clock: Clock):
    attempt(lockouts, 4)
    clock.now += 301
    attempt(lockouts, 4)
    assert lockouts.remaining(ME) == 0


def test_a_right_attempt_forgives_the_wrong_ones(lockouts: Lockouts):
    attempt(lockouts, 5)
    assert lockouts.forgive(ME)
    attempt(lockouts, 4)
    assert not lockouts.forgive(ME)


def test_others_are_not_locked(lockouts: Lockouts):
    attempt(lockouts, 5)
    lockouts.attempt("login:203.0.113.8", "failed logins")


def test_addresses_without_number_do_not_fill_the_memory(lockouts: Lockouts):
    lockouts.max_values = 100
    for number in range(300):
        lockouts.note(f"key:{number}")
    assert len(lockouts.current()) <= 100


@pytest.mark.cluster
async def test_attempts_at_several_processes_are_counted_together(shared, clock: Clock):
    import asyncio

    one, two = Link(), Link()
    first, second = Lockouts(clock, one), Lockouts(clock, two)
    async with running(one, two):
        await asyncio.to_thread(attempt, first, 3)
        await asyncio.to_thread(attempt, second, 2)
        with pytest.raises(ClientError):
            await asyncio.to_thread(attempt, first)
        second.forgive(ME)
        await until(lambda: first.remaining(ME) == 0)
