"""What an answer cost, in USD. Decimal throughout; an unknown price is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from omniroute.types import Usage

if TYPE_CHECKING:
    from billing.config import BillingConfig

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """USD per million tokens. Without a price of its own, cached input costs what fresh input does.

    From `tier_start` input tokens on, `tier` is the price of the whole request.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    tier_start: int | None = None
    tier: PriceRow | None = None

    def cost(self, usage: Usage) -> Decimal:
        if self.tier is not None and self.tier_start is not None and usage.input_tokens > self.tier_start:
            return self.tier.cost(usage)
        fresh = max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens)
        total = self.input * fresh + self.output * usage.output_tokens
        if usage.cache_read_tokens:
            total += (self.input if self.cache_read is None else self.cache_read) * usage.cache_read_tokens
        if usage.cache_write_tokens:
            total += (self.input if self.cache_write is None else self.cache_write) * usage.cache_write_tokens
        return total / _MILLION


@dataclass(frozen=True, slots=True)
class Cost:
    """`amount` in USD, None where no price is known. `source` is a value of `UsageRecord.CostSource`. `saved` is what
    would have been paid at list prices and was not."""

    amount: Decimal | None
    source: str
    saved: Decimal = Decimal(0)


UNPRICED = Cost(None, "")


def cost_of(
    usage: Usage,
    provider: str,
    pricing_id: str,
    model: str,
    config: BillingConfig,
    *,
    flat: bool = False,
) -> Cost:
    """The provider's own figure, else the administrator's price, else the price data set, else none.

    Under a `flat` rate (a subscription) a request costs nothing, and saves what it would have cost.
    """
    cost = _list_price(usage, provider, pricing_id, model, config)
    return Cost(Decimal(0), "subscription", cost.amount or Decimal(0)) if flat else cost


def _list_price(usage: Usage, provider: str, pricing_id: str, model: str, config: BillingConfig) -> Cost:
    if usage.cost is not None:
        return Cost(usage.cost, "reported")
    for pattern, row in config.prices.get(provider, ()):
        if pattern.match(model):
            return Cost(row.cost(usage), "override")
    default = dataset_price(pricing_id, model)
    return Cost(default.cost(usage), "dataset") if default else UNPRICED


@lru_cache(maxsize=4096)
def dataset_price(provider: str, model: str) -> PriceRow | None:
    """The price of a provider's model in genai-prices, or None. Works offline.

    Only that provider's own entries count: another vendor's price for a model of the same name is not this one's.
    """
    from genai_prices.data_snapshot import get_snapshot  # 40 ms and 5 MB, so not at start

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    price = _current(found)
    return _row(price) if price is not None else None


def _current(model: Any) -> Any:
    """The model's price today, where the data set has several."""
    from datetime import UTC, datetime

    return model.get_prices(datetime.now(UTC))


def _row(price: Any) -> PriceRow | None:
    names = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    values = {name: getattr(price, name, None) for name in names}
    if values["input_mtok"] is None and values["output_mtok"] is None:
        return None
    start = _tier_start(values.values())
    return PriceRow(
        *_at(values, 0),
        tier_start=start,
        tier=PriceRow(*_at(values, start + 1)) if start is not None else None,
    )


def _tier_start(values: Any) -> int | None:
    starts = [tier.start for value in values for tier in getattr(value, "tiers", ())]
    return min(starts) if starts else None


def _at(values: dict[str, Any], tokens: int) -> tuple[Decimal, Decimal, Decimal | None, Decimal | None]:
    """The four prices of a request with that many input tokens."""

    def pick(value: Any) -> Decimal | None:
        for tier in reversed(getattr(value, "tiers", ())):
            if tokens >= tier.start:
                return Decimal(tier.price)
        base = getattr(value, "base", value)
        return None if base is None else Decimal(base)

    return (
        pick(values["input_mtok"]) or Decimal(0),
        pick(values["output_mtok"]) or Decimal(0),
        pick(values["cache_read_mtok"]),
        pick(values["cache_write_mtok"]),
    )
