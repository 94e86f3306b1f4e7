from __future__ import annotations

import pytest

from resilience import classify
from resilience.cooldown import Cooldowns
from tests.resilience.conftest import Clock


@pytest.fixture
def store(clock: Clock) -> Cooldowns:
    return Cooldowns(clock)


def test_an_account_is_put_aside_and_comes_back(store: Cooldowns, clock: Clock):
    store.apply("account:1", classify.AUTH)
    assert store.remaining("account:1") == 120
    clock.now += 121
    assert store.get("account:1") is None


def test_the_provider_s_word_outranks_the_table(store: Cooldowns):
    store.apply("account:1", classify.RATE_LIMITED, hint=7)
    assert store.remaining("account:1") == 7


def test_repeated_limits_back_off_exponentially(store: Cooldowns, clock: Clock):
    waits = []
    for _ in range(4):
        store.apply("account:1", classify.RATE_LIMITED)
        waits.append(store.remaining("account:1"))
        clock.now += waits[-1] + 0.1
    assert waits == [1, 2, 4, 8]


def test_parallel_failures_are_one_failure(store: Cooldowns):
    for _ in range(10):
        store.apply("account:1", classify.RATE_LIMITED)
    assert store.remaining("account:1") == 1


def test_a_success_forgives_everything(store: Cooldowns, clock: Clock):
    store.apply("account:1", classify.RATE_LIMITED)
    store.succeed("account:1")
    store.apply("account:1", classify.RATE_LIMITED)
    assert store.remaining("account:1") == 1


def test_a_guess_does_not_shorten_the_provider_s_word(store: Cooldowns):
    store.apply("account:1", classify.RATE_LIMITED, hint=60)
    store.apply("account:1", classify.TRANSIENT)
    assert store.remaining("account:1") == 60


def test_only_guesses_are_soft(store: Cooldowns):
    assert store.apply("a", classify.TRANSIENT).soft
    assert not store.apply("b", classify.TRANSIENT, hint=5).soft
    assert not store.apply("c", classify.AUTH).soft


def test_reset_forgets_one_or_all(store: Cooldowns):
    store.apply("a", classify.AUTH)
    store.apply("b", classify.AUTH)
    assert store.reset("a") == 1
    assert store.reset() == 1
    assert store.active() == {}


def test_an_answer_that_was_under_way_before_the_failure_forgives_nothing(store: Cooldowns, clock: Clock):
    store.apply("account:1", classify.RATE_LIMITED, hint=60)
    store.succeed("account:1", clock.now - 1)
    assert store.remaining("account:1") == 60
    store.succeed("account:1", clock.now + 1)
    assert store.remaining("account:1") == 0


def test_a_level_is_remembered_for_an_hour_behind_its_cooldown(store: Cooldowns, clock: Clock):
    store.apply("account:1", classify.RATE_LIMITED)
    clock.now += 60
    assert store.active() == {}
    assert store.apply("account:1", classify.RATE_LIMITED).level == 2
    clock.now += 3700
    store.active()
    assert store.apply("account:1", classify.RATE_LIMITED).level == 1
