"""genai-prices: list prices of most providers' models, by date and time of day, tier and modality. Works offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from billing.pricing import supplement
from billing.pricing.rates import PriceRow, Rate, rates_of


def price_of(
    pricing_id: str, base_url: str, model: str, moment: datetime, service_tier: str = ""
) -> PriceRow | None:
    """The price at that moment, or None.

    Only that provider's own entries count, and those of the vendors that it resells by the data set's word: another
    vendor's price for a model of the same name is not this one's. A provider that the data set does not know by its id
    is looked for by its address.
    """
    row, found = None, _model(pricing_id, base_url, model)
    if found is not None:
        variants = _variants(found, moment, service_tier) if service_tier else ()
        row = _row(pricing_id, base_url, model, _which(found, moment), variants)
    return row or supplement.price_of(provider_id(pricing_id, base_url) or pricing_id, model)


def provider_id(pricing_id: str, base_url: str = "") -> str:
    """The data set's own id of the provider, or "" where it has none."""
    provider = _provider(pricing_id, base_url)
    return str(provider.id) if provider is not None else ""


def today(pricing_id: str, base_url: str, model: str) -> PriceRow | None:
    return price_of(pricing_id, base_url, model, datetime.now(UTC))


def models(pricing_id: str, base_url: str = "") -> Iterator[tuple[str, PriceRow]]:
    """(model id, today's price) of everything that the provider sells."""
    provider = _provider(pricing_id, base_url)
    for model in provider.models if provider is not None else ():
        price = today(pricing_id, base_url, model.id)
        if price is not None:
            yield model.id, price


def _snapshot() -> Any:
    from genai_prices.data_snapshot import get_snapshot  # 40 ms and 5 MB, so not at start

    return get_snapshot()


@lru_cache(maxsize=512)
def _provider(pricing_id: str, base_url: str) -> Any:
    from genai_prices.data_snapshot import find_provider_by_id

    snapshot = _snapshot()
    exact = next((each for each in snapshot.providers if each.id == pricing_id), None)
    if exact is not None or not base_url:
        return exact or find_provider_by_id(snapshot.providers, pricing_id)
    try:
        return snapshot.find_provider(None, None, base_url)
    except LookupError:
        return None


@lru_cache(maxsize=4096)
def _model(pricing_id: str, base_url: str, model: str) -> Any:
    provider = _provider(pricing_id, base_url)
    if provider is None:
        return None
    return provider.find_model(model, all_providers=_snapshot().providers)


def _which(model: Any, moment: datetime) -> int:
    """The place of the prices in force, -1 for a model that never had others."""
    if not isinstance(model.prices, list):
        return -1
    active = (
        place
        for place in range(len(model.prices) - 1, -1, -1)
        if model.prices[place].constraint is None or model.prices[place].constraint.active(moment)
    )
    return next(active, 0)


def _variants(model: Any, moment: datetime, service_tier: str) -> tuple[int, ...]:
    """The places of the prices that a service tier changes; Anthropic calls its one a speed."""
    context = {"service_tier": service_tier, "speed": service_tier}
    return tuple(
        place
        for place, variant in enumerate(model.price_variants or ())
        if (variant.constraint is None or variant.constraint.active(moment))
        and all(context.get(key) == value for key, value in variant.when.items())
    )


@lru_cache(maxsize=8192)
def _row(
    pricing_id: str, base_url: str, model: str, which: int, variants: tuple[int, ...]
) -> PriceRow | None:
    found = _model(pricing_id, base_url, model)
    price = found.prices if which < 0 else found.prices[which].prices
    values = _values(price)
    for place in reversed(variants):
        values |= _values(found.price_variants[place].prices)
    starts = sorted({tier.start for value in values.values() for tier in getattr(value, "tiers", ())})
    if not values:
        return None
    row = PriceRow(_rates(values, 0), tuple((start, _rates(values, start + 1)) for start in starts))
    return _with_least(row) if provider_id(pricing_id, base_url) == "groq" else row


def _with_least(row: PriceRow) -> PriceRow:
    """Groq bills ten seconds of audio at least (https://groq.com/pricing)."""
    seconds = ("audio_seconds", "input_audio_seconds")
    return replace(
        row, rates=tuple(replace(rate, least=10) if rate.unit in seconds else rate for rate in row.rates)
    )


def _values(price: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(price).items() if value is not None and not key.startswith("_")}


def _rates(values: Mapping[str, Any], input_tokens: int) -> tuple[Rate, ...]:
    units = _units()
    prices = {
        units[key].usage_key: _at(value, input_tokens) / units[key].per
        for key, value in values.items()
        if key in units
    }
    return rates_of(prices, _parts())


def _at(value: Any, input_tokens: int) -> Decimal:
    for tier in reversed(getattr(value, "tiers", ())):
        if input_tokens > tier.start:
            return Decimal(tier.price)
    return Decimal(getattr(value, "base", value))


@lru_cache(maxsize=1)
def _units() -> Mapping[str, Any]:
    from genai_prices.data_units import unit_data
    from genai_prices.units import UnitRegistry

    return {unit.price_key: unit for unit in UnitRegistry(unit_data).units.values()}


@lru_cache(maxsize=1)
def _parts() -> Mapping[str, tuple[str, ...]]:
    """What each quantity is part of: 1 h cache writes of cache writes, and both of the input."""
    units = list(_units().values())
    return {
        unit.usage_key: tuple(
            other.usage_key
            for other in units
            if other is not unit and other.dimensions.items() <= unit.dimensions.items()
        )
        for unit in units
    }
