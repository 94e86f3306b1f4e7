"""What an answer cost, in USD. Decimal throughout; an unknown price is None, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing.config import BillingConfig
from billing.pricing import dataset
from billing.pricing.rates import PriceRow
from omniroute.types import Usage


@dataclass(frozen=True, slots=True)
class Cost:
    """`amount` in USD, None where no price is known. `source` is a value of `UsageRecord.CostSource`. `saved` is what
    would have been paid at list prices and was not."""

    amount: Decimal | None
    source: str
    saved: Decimal = Decimal(0)


UNPRICED = Cost(None, "")
MAX_USD = Decimal(10**6)
"""What no row can hold: somebody mistook the unit of a price."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is bought from whom. `pricing_id` and `base_url` find the seller in the price data set."""

    provider: str
    model: str
    pricing_id: str = ""
    """"" means `provider`."""
    base_url: str = ""
    flat: bool = False
    """Under a subscription: a request costs nothing, and saves what it would have cost."""


def cost_of(usage: Usage, offer: Offer, config: BillingConfig, moment: datetime | None = None) -> Cost:
    """The provider's own figure, else the administrator's price, else the data set's of that moment, else none."""
    cost = _list_price(usage, offer, config, moment)
    return Cost(Decimal(0), "subscription", cost.amount or Decimal(0)) if offer.flat else cost


def _list_price(usage: Usage, offer: Offer, config: BillingConfig, moment: datetime | None) -> Cost:
    if usage.cost is not None:
        return Cost(usage.cost, "reported")
    row, source = price_of(offer, config, moment, usage.service_tier)
    cost = row.cost(quantities(usage), usage.input_tokens) if row else MAX_USD
    return Cost(cost, source) if cost < MAX_USD else UNPRICED


def price_of(
    offer: Offer, config: BillingConfig, moment: datetime | None = None, service_tier: str = ""
) -> tuple[PriceRow | None, str]:
    """The price and its source, whatever the account's rate."""
    for pattern, row in config.prices.get(offer.provider, ()):
        if pattern.match(offer.model):
            return row, "override"
    default = dataset.price_of(
        offer.pricing_id or offer.provider,
        offer.base_url,
        offer.model,
        moment or datetime.now(UTC),
        service_tier,
    )
    return default, "dataset" if default else ""


def quantities(usage: Usage) -> Mapping[str, int | float]:
    """Everything that may have a price, by the data set's names."""
    known: dict[str, int | float] = {
        "requests": 1,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    if usage.priced_apart:
        known.update(usage.priced_apart)
        if "audio_seconds" in known:
            known.setdefault("input_audio_seconds", known["audio_seconds"])
    return known
