from __future__ import annotations

import re
from decimal import Decimal

import pytest

from billing.config import BillingConfig
from billing.pricing.costs import UNPRICED, Offer, cost_of
from billing.pricing.rates import PriceRow, Rate
from gateway.pricing.belief import MAX_COUNT, believable
from omniroute.types import Usage


def test_what_can_be_is_left_alone():
    usage = Usage(10, 5, 4, 1, 2, cost=Decimal("0.1"), priced_apart=(("audio_seconds", 1.5),))
    assert believable(usage) is usage


@pytest.mark.parametrize("cost", ["-1", "10001", "1e400", "NaN", "Infinity"])
def test_a_cost_that_cannot_be_is_worked_out_from_prices_instead(cost: str):
    assert believable(Usage(10, 5, cost=Decimal(cost))) == Usage(10, 5)


def test_counts_are_brought_within_bounds():
    assert believable(Usage(-3, 10**12, 1, -1, 2)) == Usage(0, MAX_COUNT, 1, 0, 2)


@pytest.mark.parametrize("quantity", [-5, float("inf"), float("nan"), 10**10])
def test_quantities_that_cannot_be_are_left_out(quantity: float):
    usage = Usage(1, 1, priced_apart=(("web_searches", quantity), ("output_images", 2)))
    assert believable(usage).priced_apart == (("output_images", 2),)


def test_a_cost_that_no_row_can_hold_is_none():
    row = PriceRow((Rate("input_tokens", Decimal(999)),))
    config = BillingConfig({}, {"p": ((re.compile("m"), row),)})
    assert cost_of(Usage(1000, 0), Offer("p", "m"), config).amount == 999_000
    assert cost_of(Usage(1001 * 2, 0), Offer("p", "m"), config) == UNPRICED
