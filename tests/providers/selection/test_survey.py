from __future__ import annotations

import asyncio
from collections.abc import Sequence

from providers.config import AccountConfig
from providers.selection.survey import STEP, Survey

Noted = Sequence[tuple[int, AccountConfig]]


def accounts(count: int) -> tuple[AccountConfig, ...]:
    return tuple(AccountConfig(id=number, provider="p", name=f"p-{number}") for number in range(1, count + 1))


def ids(noted: Noted) -> list[int]:
    return [account.id for _, account in noted]


async def test_a_few_accounts_are_looked_at_at_once():
    assert Survey(accounts(STEP), lambda account: 0, ids).found == list(range(1, STEP + 1))


def test_outside_of_an_event_loop_all_are():
    assert len(Survey(accounts(100 * STEP), lambda account: 0, ids).found) == 100 * STEP


async def test_of_many_the_foremost_are_known_at_once_and_all_of_them_soon():
    looked: list[int] = []

    def look(account: AccountConfig) -> int:
        looked.append(account.id)
        return 0

    survey = Survey(accounts(3 * STEP + 1), look, ids)
    assert survey.found == list(range(1, STEP + 1))
    for turns in range(2, 5):
        assert len(looked) == min((turns - 1) * STEP, 3 * STEP + 1)
        await asyncio.sleep(0)
    assert survey.found == looked == list(range(1, 3 * STEP + 2))


async def test_while_another_look_is_taken_the_one_before_it_holds():
    known = accounts(2 * STEP)
    survey = Survey(known, lambda account: 1, lambda noted: [note for note, _ in noted])
    await asyncio.sleep(0)
    survey.renew(lambda account: 2)
    survey.renew(lambda account: 3)  # is not needed: one is under way
    assert survey.found == [1] * 2 * STEP
    await asyncio.sleep(0)
    assert survey.found == [2] * 2 * STEP
    survey.renew(lambda account: 3)
    await asyncio.sleep(0)
    assert survey.found == [3] * 2 * STEP
