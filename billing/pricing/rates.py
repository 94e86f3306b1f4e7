"""A model's prices, ready to be multiplied. Every token is paid once, at the most specific price there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.models import Price

_MILLION = Decimal(1_000_000)
PARTS: Mapping[str, tuple[str, ...]] = {
    "cache_read_tokens": ("input_tokens",),
    "cache_write_tokens": ("input_tokens",),
    "cache_write_1h_tokens": ("cache_write_tokens", "input_tokens"),
    "input_audio_tokens": ("input_tokens",),
    "output_audio_tokens": ("output_tokens",),
    "output_reasoning_tokens": ("output_tokens",),
}
"""What an administrator's price knows: a quantity and what it is part of."""


@dataclass(frozen=True, slots=True)
class Rate:
    """USD for one of something. What the rates at `parts` (earlier in the row) take is not paid here again."""

    unit: str
    price: Decimal
    parts: tuple[int, ...] = ()
    least: int = 0
    """The quantity that is paid for at least, where there is any."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """`tiers` are (input tokens, rates), ascending: a request of more input tokens pays those rates for everything."""

    rates: tuple[Rate, ...]
    tiers: tuple[tuple[int, tuple[Rate, ...]], ...] = ()

    def cost(self, quantities: Mapping[str, int | float], input_tokens: int) -> Decimal:
        rates = self.rates
        for start, dearer in self.tiers:
            if input_tokens > start:
                rates = dearer
        total = Decimal(0)
        taken: list[int | float] = []
        for rate in rates:
            quantity = quantities.get(rate.unit, 0)
            if quantity and rate.parts:
                for part in rate.parts:
                    quantity -= taken[part]
                quantity = max(quantity, 0)
            taken.append(quantity)
            if quantity:
                quantity = max(quantity, rate.least)
                total += rate.price * (quantity if type(quantity) is int else Decimal(str(quantity)))
        return total

    def price(self, unit: str) -> Decimal | None:
        """USD for one, without any tier."""
        return next((rate.price for rate in self.rates if rate.unit == unit), None)


def rates_of(
    prices: Mapping[str, Decimal], parts_of: Mapping[str, Iterable[str]] = PARTS
) -> tuple[Rate, ...]:
    """Of USD for one by quantity. The more something is part of, the earlier it comes."""
    order = sorted(prices, key=lambda unit: -len(tuple(parts_of.get(unit, ()))))
    rates: list[Rate] = []
    for unit in order:
        parts = (
            place
            for place, rate in enumerate(rates)
            if unit in parts_of.get(rate.unit, ()) and rate.unit != unit
        )
        rates.append(Rate(unit, prices[unit], tuple(parts)))
    return tuple(rates)


def of_override(price: Price) -> PriceRow:
    """Of an administrator's row."""
    base = {
        "input_tokens": price.input,
        "output_tokens": price.output,
        "cache_read_tokens": price.cache_read,
        "cache_write_tokens": price.cache_write,
        "cache_write_1h_tokens": price.cache_write_1h,
        "output_reasoning_tokens": price.reasoning,
        "input_audio_tokens": price.input_audio,
        "output_audio_tokens": price.output_audio,
    }
    single = {
        "requests": price.request,
        "audio_seconds": None if price.audio_minute is None else price.audio_minute / 60,
        "output_images": price.image,
    }
    rates = _row(base, single)
    if price.long_start is None:
        return PriceRow(rates)
    long = {
        "input_tokens": price.long_input,
        "output_tokens": price.long_output,
        "cache_read_tokens": price.long_cache_read,
        "cache_write_tokens": price.long_cache_write,
    }
    dearer = base | {unit: value for unit, value in long.items() if value is not None}
    return PriceRow(rates, ((price.long_start, _row(dearer, single)),))


def _row(per_million: Mapping[str, Decimal | None], single: Mapping[str, Decimal | None]) -> tuple[Rate, ...]:
    prices = {unit: value / _MILLION for unit, value in per_million.items() if value is not None}
    prices |= {unit: value for unit, value in single.items() if value is not None}
    return rates_of(prices)
