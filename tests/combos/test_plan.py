from __future__ import annotations

from dataclasses import replace

import pytest

from combos.attempt import Attempt
from combos.ordering import Ordering
from combos.plan import Plan
from combos.resolve import resolve
from omniroute.errors import UpstreamBroken, UpstreamRefused
from resilience import classify
from resilience.cooldown import Cooldowns
from tests.combos.conftest import combos, provider, providers

A, B, C = provider("a", "m"), provider("b", "m"), provider("c", "m")
CONFIG = combos(best=["a/m", "b/m", "c/m"])


def plan(known=None, cooldowns: Cooldowns | None = None, model: str = "best") -> Plan:
    known = known or providers(A, B, C)
    return Plan(resolve(model, CONFIG, known), Ordering(CONFIG, known), cooldowns or Cooldowns(lambda: 0.0))


def names(attempts) -> list[str]:
    return [attempt.account.name for attempt in attempts]


def test_it_tries_targets_in_order_and_accounts_by_priority():
    assert names(plan(providers(A, B, C, accounts={"a": 2, "b": 1, "c": 1}))) == ["a-1", "a-2", "b-3", "c-4"]


def test_it_passes_over_accounts_that_cool_by_the_provider_s_word():
    cooldowns = Cooldowns(lambda: 0.0)
    cooldowns.apply("account:1", classify.RATE_LIMITED, hint=9)
    made = plan(cooldowns=cooldowns)
    assert names(made) == ["b-2", "c-3"]
    assert made.waits == [9]


def test_accounts_that_cool_by_a_guess_come_last():
    cooldowns = Cooldowns(lambda: 0.0)
    cooldowns.apply("account:1", classify.TRANSIENT)
    made = plan(cooldowns=cooldowns)
    assert names(made) == ["b-2", "c-3", "a-1"]
    assert [(skip.attempt.account.name, skip.obstacle.reason) for skip in made.skipped] == [
        ("a-1", "transient")
    ]


def test_a_combo_of_names_that_lead_nowhere_says_so():
    config = combos(best=["gone/m", "b/m"])
    failure = Plan(resolve("best", config, providers()), Ordering(config, providers()), Cooldowns()).failure(
        []
    )
    assert failure.message == (
        "The combo 'best' has no usable target (gone/m: The model 'gone/m' is not known here; "
        "b/m: The model 'b/m' is not known here)"
    )


def test_a_model_that_cools_leaves_the_account_s_other_models_alone():
    cooldowns = Cooldowns(lambda: 0.0)
    cooldowns.apply("account:1:m", classify.MODEL, hint=9)
    assert names(plan(cooldowns=cooldowns)) == ["b-2", "c-3"]
    known = providers(A)
    other = Plan(resolve("a/other", CONFIG, known), Ordering(CONFIG, known), cooldowns)
    assert names(other) == ["a-1"]


def test_a_failure_that_concerns_the_target_skips_its_other_accounts():
    made = plan(providers(A, B, C, accounts={"a": 2, "b": 1}))
    attempts = iter(made)
    made.fail(next(attempts), classify.BAD_REQUEST, None)
    assert next(attempts).account.name == "b-3"


def test_a_failure_of_the_account_goes_to_the_next_account():
    made = plan(providers(A, B, C, accounts={"a": 2, "b": 1}))
    attempts = iter(made)
    made.fail(next(attempts), classify.AUTH, None)
    assert next(attempts).account.name == "a-2"


def test_a_success_ends_the_account_s_cooldown():
    cooldowns = Cooldowns(lambda: 0.0)
    made = plan(cooldowns=cooldowns)
    attempt: Attempt = next(iter(made))
    cooldowns.apply(attempt.account.key, classify.TRANSIENT)
    made.succeed(attempt)
    assert cooldowns.active() == {}


def test_without_any_account_it_says_which_to_connect():
    failure = plan(providers(A, B, C, accounts={})).failure([])
    assert (failure.status, failure.code) == (404, "no_account")
    assert "A, B, C" in failure.message


def test_accounts_that_are_out_of_use_are_not_called_missing():
    config = replace(providers(A, accounts={}), idle={A.id: "is switched off"})
    failure = plan(config).failure([])
    assert (failure.status, failure.message) == (
        503,
        f"Every account of {A.name} is switched off. See the dashboard under Accounts.",
    )


@pytest.mark.parametrize(("verdict", "status"), [(classify.RATE_LIMITED, 429), (classify.AUTH, 503)])
def test_when_all_cool_the_error_says_when_to_come_back(verdict, status):
    cooldowns = Cooldowns(lambda: 0.0)
    for number in (1, 2, 3):
        cooldowns.apply(f"account:{number}", verdict, hint=60 * number + 30)
    made = plan(cooldowns=cooldowns)
    assert list(made) == []
    failure = made.failure([])
    assert (failure.status, failure.retry_after) == (status, 90)
    assert "1m 30s" in failure.message


@pytest.mark.parametrize(
    ("wait_s", "told"), [(59, "59s"), (2 * 3600 + 300, "2h 5m"), (6.5 * 86400, "6d 12h")]
)
def test_a_long_wait_is_told_in_hours_or_days(wait_s, told):
    cooldowns = Cooldowns(lambda: 0.0)
    for number in (1, 2, 3):
        cooldowns.apply(f"account:{number}", classify.RATE_LIMITED, hint=wait_s)
    made = plan(cooldowns=cooldowns)
    assert list(made) == []
    assert f"reset after {told}" in made.failure([]).message


def test_of_several_failures_the_one_is_told_that_the_client_can_act_upon():
    errors = [
        UpstreamBroken("cut"),
        UpstreamRefused("slow down", status=429),
        UpstreamRefused("prompt is too long", status=400),
    ]
    assert plan().failure(errors).message == "prompt is too long"
    assert plan().failure(errors[:2]).message == "slow down"
    assert plan().failure(errors[:1]).message == "cut"
