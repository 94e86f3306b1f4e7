from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers import selection
from providers.config import AccountConfig
from providers.quota import Window
from providers.selection.rotation import AccountChoice, AccountUse
from resilience import classify
from resilience.cooldown import Cooldowns

NOW = datetime.now(UTC)


def accounts(count: int, **values: Any) -> tuple[AccountConfig, ...]:
    return tuple(
        AccountConfig(
            id=number, provider="p", name="abcdefghij"[number - 1 : number] or str(number), **values
        )
        for number in range(1, count + 1)
    )


def window(used: float, resets_in_h: float | None = None, **values: Any) -> Window:
    resets = None if resets_in_h is None else NOW + timedelta(hours=resets_in_h)
    return Window(
        key="w", label="w", kind="weekly", used_percent=used, resets_at=resets, fetched_at=NOW, **values
    )


class Requests:
    """One request after the other, each answered by the first account that is not `out`."""

    def __init__(self, strategy: str, rows: tuple[AccountConfig, ...], **view: Any) -> None:
        self.strategy, self.rows, self.view = selection.registry.get(strategy), rows, view
        self.use = AccountUse()
        self.random = random.Random(7).random

    def order(self) -> list[str]:
        view = AccountChoice(self.use, "p", random=self.random, **self.view)
        return [account.name for account in self.strategy(self.rows, view)]

    def next(self, out: str = "") -> str:
        view = AccountChoice(self.use, "p", random=self.random, **self.view)
        account = next(each for each in self.strategy(self.rows, view) if each.name not in out)
        self.use.chosen(account)
        return account.name

    def served(self, count: int, out: str = "") -> Counter[str]:
        return Counter(self.next(out) for _ in range(count))


@pytest.mark.parametrize("strategy", list(selection.registry))
@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_every_strategy_gives_each_account_once(strategy, count):
    names = Requests(strategy, accounts(count)).order()
    assert sorted(names) == sorted(account.name for account in accounts(count))


def test_fill_first_stays_with_the_first_until_it_is_out():
    requests = Requests("fill_first", accounts(3))
    assert requests.served(5) == {"a": 5}
    assert requests.next(out="a") == "b"


def test_round_robin_gives_each_account_three_in_a_row():
    requests = Requests("round_robin", accounts(3))
    assert "".join(requests.next() for _ in range(12)) == "aaabbbcccaaa"


def test_the_sticky_limit_is_a_setting():
    requests = Requests("round_robin", accounts(3), sticky_limit=1)
    assert "".join(requests.next() for _ in range(7)) == "abcabca"


def test_the_part_of_an_account_that_is_out_is_shared_evenly_by_the_others():
    requests = Requests("round_robin", accounts(3))
    assert requests.served(180, out="b") == {"a": 90, "c": 90}


def test_a_place_from_outside_is_taken_as_it_is():
    requests = Requests("round_robin", accounts(3), places={"p": 6})
    assert requests.order()[0] == "c"


def test_a_rehearsal_moves_nothing():
    requests = Requests("round_robin", accounts(3), sticky_limit=1)
    requests.next()
    requests.view["is_rehearsal"] = True
    assert [requests.order()[0] for _ in range(3)] == ["b", "b", "b"]


def test_p2c_avoids_the_sick_one():
    cooldowns = Cooldowns()
    requests = Requests("p2c", accounts(3), failure=cooldowns.last_failure)
    sick = requests.rows[1]
    cooldowns.apply(sick.key, classify.RATE_LIMITED)
    served = requests.served(600)
    assert served["b"] == 0  # whoever it is paired with is healthier
    assert min(served["a"], served["c"]) > 200
    cooldowns.succeed(sick.key)
    assert requests.served(600)["b"] > 100


def test_random_is_uniform():
    served = Requests("random", accounts(4)).served(2000)
    assert all(400 < count < 600 for count in served.values())


def test_least_used_takes_the_one_that_has_rested_longest():
    requests = Requests("least_used", accounts(3))
    requests.use.chosen(requests.rows[0])
    requests.use.chosen(requests.rows[1])
    assert "".join(requests.next() for _ in range(6)) == "cabcab"


def test_cost_optimized_goes_by_priority_and_lets_equal_ones_share():
    first, second, third = accounts(3)
    rows = (first, second, AccountConfig(id=3, provider="p", name="c", priority=2))
    requests = Requests("cost_optimized", rows)
    served = requests.served(1000)
    assert served["c"] == 0
    assert 400 < served["a"] < 600
    assert requests.next(out="ab") == third.name


def test_quota_aware_serves_in_proportion_to_what_is_left():
    quota = {"account:1": (window(10),), "account:2": (window(70),), "account:3": (window(100),)}
    requests = Requests("quota_aware", accounts(3), quota=quota.get)
    served = requests.served(1200)
    assert served["c"] == 0
    assert 0.68 < served["a"] / 1200 < 0.82
    assert requests.next(out="ab") == "c"


def test_the_tightest_window_of_the_model_counts():
    narrow = window(90, scope_models=("opus*",))
    quota = {"account:1": (window(0), narrow), "account:2": (window(50),)}
    sonnet = Requests("quota_aware", accounts(2), quota=quota.get, model="sonnet").served(900)
    opus = Requests("quota_aware", accounts(2), quota=quota.get, model="opus-4").served(900)
    assert sonnet["a"] > 500 > 300 > opus["a"]


def test_reset_soonest_spends_what_would_expire_first():
    quota = {
        "account:1": (window(50, resets_in_h=40),),
        "account:2": (window(50, resets_in_h=2),),
        "account:3": (window(100, resets_in_h=1),),
        "account:4": (),
    }
    assert Requests("reset_soonest", accounts(4), quota=quota.get).order() == ["b", "a", "d", "c"]


def test_a_conversation_of_many_accounts_is_found_without_a_search():
    use, rows = AccountUse(), accounts(3)
    assert use.by_key(rows)["account:2"] is rows[1]
    assert use.by_key(rows) is use.by_key(rows)
    assert "account:3" not in use.by_key(rows[:2])


def test_health_falls_with_failures_and_limits_and_comes_back_with_a_success_or_with_time():
    now = [0.0]
    cooldowns = Cooldowns(lambda: now[0])
    (account,) = accounts(1)
    view = AccountChoice(AccountUse(), "p", model="m", failure=cooldowns.last_failure)
    assert view.health(account) == 100
    cooldowns.apply(f"{account.key}:m", classify.MODEL)
    assert view.health(account) == 80
    cooldowns.apply(account.key, classify.RATE_LIMITED)
    assert view.health(account) == 40
    now[0] = 200
    cooldowns.apply(account.key, classify.RATE_LIMITED)
    assert view.health(account) == 30
    cooldowns.succeed(account.key)
    assert view.health(account) == 80
    now[0] = 421
    assert view.health(account) == 100
