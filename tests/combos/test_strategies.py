from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from combos import strategies
from combos.config import ComboConfig
from combos.load import CombosView, TargetLoad
from combos.resolve import Branch, Target
from tests.combos.conftest import provider

A, B, C = (Target(provider(name), "m", weight) for name, weight in (("a", 5), ("b", 3), ("c", 2)))


class Requests:
    def __init__(self, strategy: str, *choices: Any, clock: Any = lambda: 0.0, **view: Any) -> None:
        self.strategy, self.choices = strategies.registry.get(strategy), choices or (A, B, C)
        self.load = TargetLoad(clock)
        self.random, self.view = random.Random(3).random, view

    def order(self) -> str:
        combo = ComboConfig("x", "", ())
        view = CombosView(self.load, random=self.random, **self.view)
        return "".join(choice.name[0] for choice in self.strategy(self.choices, view.of(combo)))

    def next(self) -> str:
        first = self.order()[0]
        self.load.chosen(next(choice for choice in self.choices if choice.name[0] == first))
        return first

    def served(self, count: int) -> Counter[str]:
        return Counter(self.next() for _ in range(count))


@pytest.mark.parametrize("strategy", list(strategies.registry))
def test_every_strategy_gives_each_choice_once(strategy):
    assert sorted(Requests(strategy).order()) == ["a", "b", "c"]
    assert Requests(strategy, A).order() == "a"


def test_priority_is_the_given_order():
    assert Requests("priority", C, A, B).order() == "cab"


def test_weights_are_shares():
    served = Requests("weighted").served(4000)
    assert {name: round(count / 400) for name, count in served.items()} == {"a": 5, "b": 3, "c": 2}


def test_behind_the_drawn_one_the_heaviest_comes_first():
    orders = {Requests("weighted").order() for _ in range(1)} | {
        order for requests in [Requests("weighted")] for order in (requests.order() for _ in range(200))
    }
    assert orders == {"abc", "bac", "cab"}


def test_without_any_weight_all_are_equal():
    none = [Target(target.provider, "m", 0) for target in (A, B, C)]
    assert min(Requests("weighted", *none).served(900).values()) > 230


def test_a_weight_of_zero_is_only_a_fallback():
    spare = Target(provider("z"), "m", 0)
    requests = Requests("weighted", A, spare)
    assert requests.served(200) == {"a": 200}
    assert requests.order() == "az"


def test_round_robin_takes_turns_and_the_rest_follow():
    requests = Requests("round_robin")
    assert [requests.order() for _ in range(4)] == ["abc", "bca", "cab", "abc"]


def test_a_rehearsal_takes_nobody_s_turn():
    requests = Requests("round_robin", is_rehearsal=True)
    assert [requests.order() for _ in range(2)] == ["abc", "abc"]


def test_random_is_uniform():
    assert min(Requests("random").served(900).values()) > 230


def test_least_used_evens_out():
    requests = Requests("least_used")
    requests.load.chosen(A)
    requests.load.chosen(A)
    assert requests.served(7) == {"a": 1, "b": 3, "c": 3}


def test_old_uses_fade():
    now = [0.0]
    requests = Requests("least_used", A, B, clock=lambda: now[0])
    for _ in range(4):
        requests.load.chosen(A)
    now[0] = 1500
    requests.load.chosen(B)
    assert requests.order() == "ab"


def test_cost_optimized_goes_by_price_and_unknown_ones_come_last():
    prices = {"a": None, "b": Decimal(3), "c": Decimal(1)}
    assert Requests("cost_optimized", price=lambda target: prices[target.provider.id]).order() == "cba"


def test_fastest_tries_the_unknown_and_then_the_quickest():
    now = [0.0]
    requests = Requests("fastest", clock=lambda: now[0])
    for target, seconds in ((A, 0.9), (B, 0.2)):
        requests.load.took(target, seconds, stream=False)
    assert requests.order() == "cba"
    requests.load.took(C, 0.5, stream=False)
    assert requests.order() == "bca"
    requests.load.took(C, 0.01, stream=True)  # streams say nothing about whole answers
    assert requests.order() == "bca"
    now[0] = 700
    assert requests.order() == "abc"  # nothing recent is known of anybody


def test_a_nested_combo_is_one_choice():
    inner = Branch(ComboConfig("inner", "priority", ()), (B, C), weight=1)
    requests = Requests("round_robin", A, inner)
    assert [requests.order() for _ in range(2)] == ["ai", "ia"]
    prices = {"a": Decimal(2), "b": Decimal(9), "c": Decimal(1)}
    cheap = Requests("cost_optimized", A, inner, price=lambda target: prices[target.provider.id])
    assert cheap.order() == "ia"


def test_what_is_slow_is_known_after_a_few_answers():
    load = TargetLoad(lambda: 0.0)
    for seconds in (1, 1, 1, 9):
        load.took(A, seconds, stream=True)
    assert load.slow_s(A, stream=True) is None
    load.took(A, 1, stream=True)
    assert load.slow_s(A, stream=True) == 9


def test_answers_elsewhere_that_took_equally_long_are_all_heard_of():
    load = TargetLoad(lambda: 0.0)
    load.hear(5, "took", A.name, True, 0.002)
    assert load.slow_s(A, stream=True) == 0.002


def test_names_that_clients_make_up_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("combos.load.MAX_TARGETS", 3)
    load = TargetLoad(lambda: 0.0)
    for number in range(10):
        target = Target(A.provider, f"made-up-{number}")
        load.chosen(target)
        load.took(target, 1, stream=True)
    assert (load.uses(target), load.first_token_s(target, stream=True)) == (1, 1)
    assert (len(load._counts), len(load._times)) == (3, 3)
