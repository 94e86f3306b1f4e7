"""The prices of a model as the API and the admin name them. USD: tokens by the million, the rest by the piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.models import Price
from billing.pricing.rates import PriceRow

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PriceField:
    """`unit` is that of `billing.pricing.rates`; `per` says of how many the price is."""

    column: str
    api: str
    unit: str
    per: Decimal
    spellings: tuple[str, ...] = ()
    is_long: bool = False


def _tokens(column: str, api: str, unit: str, *spellings: str, is_long: bool = False) -> PriceField:
    return PriceField(column, api, unit, MILLION, spellings, is_long)


FIELDS = (
    _tokens("input", "input", "input_tokens"),
    _tokens("output", "output", "output_tokens"),
    _tokens("cache_read", "cached", "cache_read_tokens", "cache_read", "cacheRead"),
    _tokens("cache_write", "cache_creation", "cache_write_tokens", "cacheCreation", "cache_write", "cacheWrite"),
    _tokens("cache_write_1h", "cache_creation_1h", "cache_write_1h_tokens", "cacheCreation1h", "cacheWrite1h"),
    _tokens("reasoning", "reasoning", "output_reasoning_tokens"),
    _tokens("input_audio", "input_audio", "input_audio_tokens", "inputAudio"),
    _tokens("output_audio", "output_audio", "output_audio_tokens", "outputAudio"),
    PriceField("request", "request", "requests", Decimal(1)),
    PriceField("audio_minute", "audio_minute", "audio_seconds", Decimal(60), ("audioMinute",)),
    PriceField("image", "image", "output_images", Decimal(1)),
    _tokens("long_input", "long_input", "input_tokens", "longInput", is_long=True),
    _tokens("long_output", "long_output", "output_tokens", "longOutput", is_long=True),
    _tokens("long_cache_read", "long_cached", "cache_read_tokens", "longCached", is_long=True),
    _tokens("long_cache_write", "long_cache_creation", "cache_write_tokens", "longCacheCreation", is_long=True),
)  # fmt: skip
LONG_START = "long_context_above"
SPELLINGS: Mapping[str, PriceField] = {
    name: field for field in FIELDS for name in (field.api, *field.spellings)
}


def columns_of(row: PriceRow) -> dict[str, Decimal]:
    """The data set's price in the columns of `Price`; of several tiers the first. What has no column is left out."""
    columns = {}
    long = {rate.unit: rate.price for rate in row.tiers[0][1]} if row.tiers else {}
    for field in FIELDS:
        price = long.get(field.unit) if field.is_long else row.price(field.unit)
        if price is not None:
            columns[field.column] = (price * field.per).quantize(Decimal("0.000001")).normalize() + 0
    if row.tiers:
        columns["long_start"] = Decimal(row.tiers[0][0])
    return columns


def columns_of_override(price: Price) -> dict[str, Decimal]:
    columns = {field.column: value for field in FIELDS if (value := getattr(price, field.column)) is not None}
    return columns | ({"long_start": Decimal(price.long_start)} if price.long_start is not None else {})


def as_json(columns: Mapping[str, Decimal]) -> dict[str, float | int]:
    """What has no price of its own is left out."""
    shown: dict[str, float | int] = {
        field.api: float(columns[field.column]) for field in FIELDS if field.column in columns
    }
    if "long_start" in columns:
        shown[LONG_START] = int(columns["long_start"])
    return shown
