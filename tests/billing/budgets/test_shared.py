"""Reservations that processes share through a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from django.test import override_settings

from billing.budgets import Ledger, Meter, Reservation
from billing.budgets.shared import SharedLedger, key
from billing.budgets.spending import Spent
from omniroute import shared_state
from tests.billing.budgets.test_budgets import ONE, budget

pytestmark = pytest.mark.cluster
LIMIT = budget(3)


class Process:
    """As one of several that serve."""

    def __init__(self, name: str) -> None:
        self.ledger = Ledger()
        self.shared = SharedLedger(self.ledger, name)

    async def take(self, *budgets: object, amount: Spent = ONE) -> Reservation | Meter:
        found = self.ledger.reserve(budgets or (LIMIT,), amount, shared=True)  # type: ignore[arg-type]
        if isinstance(found, Meter):
            return found
        return await self.shared.confirm(found) or found

    async def give_back(self, reservation: Reservation | Meter) -> None:
        assert isinstance(reservation, Reservation)
        reservation.close()
        await self.shared.give_back(dict(reservation.held))


@pytest.fixture(autouse=True)
def _redis(redis_url: str) -> Iterator[None]:
    shared_state.guard.reset()
    with override_settings(REDIS_URL=redis_url):
        yield
    shared_state.guard.reset()


def run(case: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await case()
        finally:
            await shared_state.close_client()

    asyncio.run(whole())


def test_what_one_process_holds_the_other_cannot_have():
    async def case() -> None:
        one, two = Process("one"), Process("two")
        held = [await one.take(), await two.take(), await one.take()]
        assert all(isinstance(each, Reservation) for each in held)
        refused = await two.take()
        assert isinstance(refused, Meter)
        assert not refused.is_spent
        assert refused.reserved == 1
        await one.give_back(held[0])
        assert isinstance(await two.take(), Reservation)

    run(case)


def test_many_at_once_get_exactly_what_there_is():
    async def case() -> None:
        processes = [Process(f"p{number}") for number in range(4)]
        small = budget(50)
        found = await asyncio.gather(*(processes[number % 4].take(small) for number in range(200)))
        assert sum(isinstance(each, Reservation) for each in found) == 50

    run(case)


def test_of_several_budgets_all_must_have_room_or_nothing_is_held():
    async def case() -> None:
        one, two = Process("one"), Process("two")
        wide, narrow = budget(100, id=1), budget(1, id=2)
        assert isinstance(await one.take(wide, narrow), Reservation)
        refused = await two.take(wide, narrow)
        assert isinstance(refused, Meter)
        assert refused.budget.id == 2
        assert two.ledger.meter(wide).reserved == 0
        stored = await shared_state.client().hgetall(key(two.ledger.meter(wide)))
        assert stored[b"by:one"] == b"1"
        assert b"by:two" not in stored

    run(case)


def test_what_is_spent_elsewhere_is_learned_with_the_next_step():
    async def case() -> None:
        one, two = Process("one"), Process("two")
        held = await one.take()
        one.ledger.meter(LIMIT).learn(3)
        await one.give_back(held)
        refused = await two.take()
        assert isinstance(refused, Meter)
        assert refused.is_spent

    run(case)


def test_a_killed_process_holds_nothing_once_its_lease_is_over():
    async def case() -> None:
        dead, alive = Process("dead"), Process("alive")
        for _ in range(3):
            await dead.take()
        assert isinstance(await alive.take(), Meter)
        await shared_state.client().hset(shared_state.name("budgets", "processes"), "dead", 1)
        assert isinstance(await alive.take(), Reservation)

    run(case)


def test_another_revision_begins_without_what_was_known_of_the_old_one():
    async def case() -> None:
        one = Process("one")
        one.ledger.meter(LIMIT).learn(3)
        assert isinstance(await one.take(), Meter)
        assert isinstance(await one.take(replace(LIMIT, revision=2)), Reservation)

    run(case)


def test_sums_of_money_keep_their_last_digit():
    async def case() -> None:
        one = Process("one")
        large = budget(10**15, "usd")
        held = await one.take(large, amount=Spent(usd=123_456_789_012_345))
        await one.take(large, amount=Spent(usd=1))
        stored = await shared_state.client().hgetall(key(one.ledger.meter(large)))
        assert stored[b"by:one"] == b"123456789012346"
        await one.give_back(held)
        stored = await shared_state.client().hgetall(key(one.ledger.meter(large)))
        assert stored[b"by:one"] == b"1"

    run(case)


def test_without_an_answer_each_process_goes_on_alone_and_puts_it_right_later():
    async def case() -> None:
        one = Process("one")
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            first = await one.take()
            assert isinstance(first, Reservation)
            assert isinstance(await one.take(), Reservation)
            assert isinstance(await one.take(), Reservation)
            assert isinstance(await one.take(), Meter)
            await shared_state.close_client()
        shared_state.guard.reset()
        await one.shared.renew()
        stored = await shared_state.client().hgetall(key(one.ledger.meter(LIMIT)))
        assert stored[b"by:one"] == b"3"

    run(case)


def test_a_cancelled_request_holds_nothing():
    async def case() -> None:
        one = Process("one")
        task = asyncio.create_task(one.take())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert one.ledger.meter(LIMIT).reserved == 0
        await one.shared.renew()
        stored = await shared_state.client().hgetall(key(one.ledger.meter(LIMIT)))
        assert stored.get(b"by:one", b"0") == b"0"

    run(case)
