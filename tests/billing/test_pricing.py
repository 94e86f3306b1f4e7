from __future__ import annotations

from decimal import Decimal

import pytest

from billing.config import BillingConfig, _pattern
from billing.pricing import PriceRow, cost_of, dataset_price
from omniroute.types import Usage

ROW = PriceRow(Decimal(2), Decimal(10), Decimal("0.5"), Decimal(3))
NO_OVERRIDES = BillingConfig({}, {})


def test_every_token_is_priced_once():
    usage = Usage(
        input_tokens=1000,
        output_tokens=100,
        cache_read_tokens=400,
        cache_write_tokens=100,
        reasoning_tokens=50,
    )
    assert ROW.cost(usage) == Decimal("0.0025")  # 500 fresh, 400 read, 100 written, 100 out


def test_cached_tokens_without_a_price_of_their_own_cost_what_fresh_ones_do():
    assert PriceRow(Decimal(2), Decimal(10)).cost(Usage(1000, 0, 400)) == Decimal("0.002")


def test_more_cached_than_input_never_costs_less_than_nothing():
    assert ROW.cost(Usage(input_tokens=293, output_tokens=0, cache_read_tokens=387)) == Decimal("0.0001935")


def test_beyond_the_threshold_the_higher_tier_is_the_price_of_all_tokens():
    row = PriceRow(Decimal(1), Decimal(1), tier_start=200_000, tier=PriceRow(Decimal(2), Decimal(2)))
    assert row.cost(Usage(200_000, 0)) == Decimal("0.2")
    assert row.cost(Usage(200_001, 0)) == Decimal("0.400002")


def test_the_provider_s_own_figure_comes_first():
    cost = cost_of(Usage(1000, 100, cost=Decimal("0.7")), "openai", "openai", "gpt-4o", NO_OVERRIDES)
    assert (cost.amount, cost.source) == (Decimal("0.7"), "reported")


def test_the_administrator_s_price_overrides_the_data_set():
    config = BillingConfig({}, {"openai": ((_pattern("gpt-4*"), ROW),)})
    cost = cost_of(Usage(1_000_000, 0), "openai", "openai", "gpt-4o", config)
    assert (cost.amount, cost.source) == (Decimal(2), "override")


def test_the_data_set_knows_the_rest():
    cost = cost_of(Usage(1_000_000, 0), "openai", "openai", "gpt-4o", NO_OVERRIDES)
    assert (cost.amount, cost.source) == (Decimal("2.5"), "dataset")


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "never-heard-of"), ("nobody", "gpt-4o"), ("", "gpt-4o")]
)
def test_an_unknown_price_is_none_and_never_zero(provider: str, model: str):
    cost = cost_of(Usage(1000, 100), provider, provider, model, NO_OVERRIDES)
    assert (cost.amount, cost.source) == (None, "")


def test_another_vendor_s_price_for_a_model_of_the_same_name_does_not_count():
    assert dataset_price("anthropic", "gpt-4o") is None


def test_tiers_of_the_data_set_are_kept():
    row = dataset_price("google", "gemini-2.5-pro")
    assert row
    assert row.tier
    assert (row.tier_start, row.input, row.tier.input) == (200_000, Decimal("1.25"), Decimal("2.5"))


def test_a_request_of_a_subscription_costs_nothing_and_saves_its_list_price():
    cost = cost_of(Usage(1_000_000, 0), "openai", "openai", "gpt-4o", NO_OVERRIDES, flat=True)
    assert (cost.amount, cost.source, cost.saved) == (Decimal(0), "subscription", Decimal("2.5"))
