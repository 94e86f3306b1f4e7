from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.config import BillingConfig, _pattern
from billing.models import Price
from billing.pricing import dataset
from billing.pricing.costs import Cost, Offer, cost_of, quantities
from billing.pricing.rates import PriceRow, of_override
from omniroute.types import Usage

ROW = of_override(
    Price(input=Decimal(2), output=Decimal(10), cache_read=Decimal("0.5"), cache_write=Decimal(3))
)
NO_OVERRIDES = BillingConfig({}, {})
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def priced(row: PriceRow, usage: Usage) -> Decimal:
    return row.cost(quantities(usage), usage.input_tokens)


def override(**prices: object) -> PriceRow:
    given = {"input": 2, "output": 10, **prices}
    return of_override(
        Price(
            **{name: value if name == "long_start" else Decimal(str(value)) for name, value in given.items()}
        )
    )


def listed(usage: Usage, provider: str, model: str, moment: datetime = NOW) -> Cost:
    return cost_of(usage, Offer(provider, model), NO_OVERRIDES, moment)


def test_every_token_is_priced_once():
    usage = Usage(
        input_tokens=1000,
        output_tokens=100,
        cache_read_tokens=400,
        cache_write_tokens=100,
        reasoning_tokens=50,
    )
    assert priced(ROW, usage) == Decimal("0.0025")  # 500 fresh, 400 read, 100 written, 100 out


def test_cached_tokens_without_a_price_of_their_own_cost_what_fresh_ones_do():
    assert priced(override(), Usage(1000, 0, 400)) == Decimal("0.002")


def test_more_cached_than_input_never_costs_less_than_nothing():
    assert priced(ROW, Usage(input_tokens=293, output_tokens=0, cache_read_tokens=387)) == Decimal(
        "0.0001935"
    )


def test_reasoning_is_part_of_the_output_unless_it_has_a_price_of_its_own():
    usage = Usage(0, 100, reasoning_tokens=60)
    assert priced(override(), usage) == Decimal("0.001")
    assert priced(override(reasoning=20), usage) == Decimal("0.0016")


def test_what_the_cache_keeps_for_an_hour_is_paid_at_its_own_price_and_not_twice():
    usage = Usage(1000, 0, 0, 600, priced_apart=(("cache_write_1h_tokens", 400),))
    row = override(cache_write=3, cache_write_1h=4)
    assert priced(row, usage) == (400 * Decimal(2) + 200 * Decimal(3) + 400 * Decimal(4)) / 1_000_000


def test_audio_requests_minutes_and_images_have_prices():
    row = override(input_audio=40, output_audio=80, request="0.005", audio_minute="0.006", image="0.04")
    apart = (
        ("input_audio_tokens", 500),
        ("output_audio_tokens", 50),
        ("audio_seconds", 90),
        ("output_images", 2),
    )
    usage = Usage(1000, 100, priced_apart=apart)
    tokens = (500 * Decimal(2) + 500 * Decimal(40) + 50 * Decimal(10) + 50 * Decimal(80)) / 1_000_000
    assert priced(row, usage) == tokens + Decimal("0.005") + Decimal("0.009") + Decimal("0.08")


def test_beyond_the_threshold_the_long_price_is_that_of_all_tokens():
    row = override(input=1, output=1, cache_read="0.1", long_start=200_000, long_input=2)
    assert priced(row, Usage(200_000, 0)) == Decimal("0.2")
    assert priced(row, Usage(200_001, 0)) == Decimal("0.400002")
    assert priced(row, Usage(200_001, 10, 1)) == Decimal("0.4000101")  # what has no long price keeps its own


def test_the_provider_s_own_figure_comes_first():
    assert listed(Usage(1000, 100, cost=Decimal("0.7")), "openai", "gpt-4o") == Cost(
        Decimal("0.7"), "reported"
    )


def test_the_administrator_s_price_overrides_the_data_set():
    config = BillingConfig({}, {"openai": ((_pattern("gpt-4*"), ROW),)})
    assert cost_of(Usage(1_000_000, 0), Offer("openai", "gpt-4o"), config) == Cost(Decimal(2), "override")


def test_the_data_set_knows_the_rest():
    assert listed(Usage(1_000_000, 0), "openai", "gpt-4o") == Cost(Decimal("2.5"), "dataset")


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "never-heard-of"), ("nobody", "gpt-4o"), ("", "gpt-4o")]
)
def test_an_unknown_price_is_none_and_never_zero(provider: str, model: str):
    assert listed(Usage(1000, 100), provider, model) == Cost(None, "")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "omni-moderation-latest"), ("openai", "text-moderation-007"), ("google", "gemma-3-27b-it")],
)
def test_what_its_vendor_gives_away_costs_nothing_and_is_not_unpriced(provider: str, model: str):
    assert listed(Usage(300, 20), provider, model) == Cost(Decimal(0), "dataset")


@pytest.mark.parametrize(
    ("model", "usd"),
    [("rerank-v3.5", "0.006"), ("rerank-multilingual-v3.0", "0.006"), ("rerank-v4.0-pro", "0.0075")],
)
def test_rankers_are_paid_by_the_search(model: str, usd: str):
    usage = Usage(priced_apart=(("rerank_searches", 3),))
    assert listed(usage, "cohere", model) == Cost(Decimal(usd), "dataset")


def test_another_vendor_s_price_for_a_model_of_the_same_name_does_not_count():
    assert dataset.price_of("anthropic", "", "gpt-4o", NOW) is None


def test_tiers_of_the_data_set_are_kept():
    assert listed(Usage(200_000, 0), "google", "gemini-2.5-pro").amount == Decimal("0.25")
    assert listed(Usage(200_001, 0), "google", "gemini-2.5-pro").amount == Decimal("0.5000025")


def test_a_request_of_a_subscription_costs_nothing_and_saves_its_list_price():
    cost = cost_of(Usage(1_000_000, 0), Offer("openai", "gpt-4o", flat=True), NO_OVERRIDES)
    assert cost == Cost(Decimal(0), "subscription", Decimal("2.5"))


@pytest.mark.parametrize(
    ("provider", "model", "known"),
    [
        ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("openrouter", "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("aws", "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("azure", "gpt-4o-2024-11-20", "gpt-4o"),
    ],
)
def test_dated_ids_and_those_of_resellers_are_found(provider: str, model: str, known: str):
    cost = listed(Usage(1_000_000, 0), provider, model)
    assert cost.source == "dataset"
    assert cost.amount == listed(Usage(1_000_000, 0), provider, known).amount


def test_a_custom_provider_is_known_by_its_address():
    offer = Offer("my-router", "anthropic/claude-sonnet-4.5", base_url="https://openrouter.ai/api/v1")
    known = Offer("openrouter", "anthropic/claude-sonnet-4.5")
    usage = Usage(1000, 10)
    assert cost_of(usage, offer, NO_OVERRIDES) == cost_of(usage, known, NO_OVERRIDES)
    assert cost_of(usage, offer, NO_OVERRIDES).source == "dataset"


def test_prices_change_with_the_time_of_day():
    """DeepSeek's off-peak prices began at 16:30 UTC."""
    usage = Usage(1_000_000, 0)
    noon = listed(usage, "deepseek", "deepseek-reasoner", datetime(2025, 6, 1, 12, tzinfo=UTC))
    night = listed(usage, "deepseek", "deepseek-reasoner", datetime(2025, 6, 1, 20, tzinfo=UTC))
    assert (noon.amount, night.amount) == (Decimal("0.55"), Decimal("0.135"))


def test_a_service_tier_has_its_own_price():
    usual = listed(Usage(1_000_000, 0), "openai", "gpt-5")
    flex = listed(Usage(1_000_000, 0, service_tier="flex"), "openai", "gpt-5")
    assert flex.amount == Decimal("0.625")
    assert usual.amount == Decimal("1.25")
    assert listed(Usage(1_000_000, 0, service_tier="unheard"), "openai", "gpt-5") == usual


def test_searches_and_audio_of_the_data_set_are_priced():
    searches = Usage(0, 0, priced_apart=(("web_searches", 3),))
    assert listed(searches, "anthropic", "claude-opus-4-5").amount == Decimal("0.03")
    plain = listed(Usage(1_000_000, 0), "google", "gemini-2.5-flash").amount
    audio = listed(
        Usage(1_000_000, 0, priced_apart=(("input_audio_tokens", 1_000_000),)), "google", "gemini-2.5-flash"
    )
    assert (plain, audio.amount) == (Decimal("0.3"), Decimal(1))


def test_perplexity_s_reasoning_and_citations_are_priced_apart():
    usage = Usage(
        33, 101_176, reasoning_tokens=73_997,
        priced_apart=(("output_citation_tokens", 20_016), ("web_searches", 18)),
    )  # fmt: skip
    expected = (33 * 2 + (101_176 - 73_997 - 20_016) * 8 + 73_997 * 3 + 20_016 * 2) / Decimal(
        1_000_000
    ) + 18 * Decimal("0.005")
    assert listed(usage, "perplexity", "sonar-deep-research").amount == expected


def test_groq_bills_ten_seconds_of_audio_at_least():
    short, long = (Usage(priced_apart=(("audio_seconds", seconds),)) for seconds in (2, 36))
    ten = Usage(priced_apart=(("audio_seconds", 10),))
    model = "whisper-large-v3"
    assert listed(short, "groq", model) == listed(ten, "groq", model)
    assert listed(long, "groq", model).amount > listed(ten, "groq", model).amount  # type: ignore[operator]
