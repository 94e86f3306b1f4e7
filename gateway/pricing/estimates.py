"""What a request may cost, before anybody has answered it: as much as is reserved of its budgets."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

import msgspec

from billing.budgets.spending import TICKS, Spent
from billing.config import BillingConfig
from billing.pricing.costs import price_of
from billing.pricing.rates import PriceRow
from combos.resolve import Target
from gateway.pricing.offers import offer_of
from gateway.wire.transcription import audio
from omniroute.types import InboundRequest
from providers.config import AccountConfig

CHARACTERS_PER_TOKEN = 4
MOST_INPUT = 200_000
"""A body of megabytes is pictures, which are fewer tokens than letters."""
USUAL_OUTPUT = 1000
"""Tokens, of a model that nobody has used yet and a request that sets no limit."""
MOST_IMAGES = 10
"""What vendors make at once."""
TOKENS_PER_SECOND = 10
"""Of sound, where that is counted in tokens (OpenAI's transcribing models)."""
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_WEIGHT = 0.1
_MODELS = 2000
_usual: dict[str, float] = {}
"""Output tokens of each model's answers, an average that moves."""


class Price(NamedTuple):
    """Ticks for one of each."""

    input_token: int = 0
    output_token: int = 0
    request: int = 0
    image: int = 0
    second: int = 0
    """Of sound."""
    is_known: bool = True
    """False: nobody knows it, and the rest is 0."""


NOBODY = AccountConfig(id=0, provider="", name="")


def price_for(target: Target, account: AccountConfig, billing: BillingConfig) -> Price:
    """What the target takes at most by today's prices, remembered as long as the configuration stands."""
    key = target, account.base_url
    known: Price | None = billing.expected.get(key)
    if known is None:
        offer = offer_of(target, account)
        row = None if offer.flat else price_of(offer, billing)[0]
        known = billing.expected[key] = _highest(row) if row else Price(is_known=offer.flat)
    return known


def _highest(row: PriceRow) -> Price:
    return Price(
        input_token=_ticks(max(row.price("input_tokens") or 0, row.price("input_audio_tokens") or 0)),
        output_token=_ticks(max(row.price("output_tokens") or 0, row.price("output_reasoning_tokens") or 0)),
        request=_ticks(row.price("requests")),
        image=_ticks(row.price("output_images")),
        second=_ticks(row.price("audio_seconds")),
    )


def _ticks(usd: Decimal | int | None) -> int:
    return -int(-(usd or 0) * TICKS // 1)


def estimate(inbound: InboundRequest, prices: list[Price]) -> Spent:
    """At the dearest target: which one answers is not known yet."""
    if inbound.upload is not None:
        return _estimate_sound(audio.seconds(inbound.upload), prices)
    read = min(len(inbound.body) // CHARACTERS_PER_TOKEN, MOST_INPUT)
    written = _expected_output(inbound) if inbound.operation == "generate" else 0
    images = _expected_images(inbound) if inbound.operation == "image" else 0
    usd = max(
        (
            price.input_token * read + price.output_token * written + price.request + price.image * images
            for price in prices
        ),
        default=0,
    )
    return Spent(usd, read + written, 1)


def _estimate_sound(seconds: float, prices: list[Price]) -> Spent:
    tokens = round(seconds * TOKENS_PER_SECOND)
    usd = max(
        (price.second * math.ceil(seconds) + price.input_token * tokens + price.request for price in prices),
        default=0,
    )
    return Spent(usd, tokens if any(price.input_token for price in prices) else 0, 1)


def _expected_images(inbound: InboundRequest) -> int:
    raw = inbound.fields.get("n")
    return min(_int(bytes(raw)), MOST_IMAGES) or 1 if raw is not None else 1


def _expected_output(inbound: InboundRequest) -> int:
    for name in _LIMITS:
        if (raw := inbound.fields.get(name)) is not None and (limit := _int(bytes(raw))):
            return limit
    config = inbound.fields.get("generationConfig") or inbound.fields.get("generation_config")
    if config is not None and (limit := _gemini_limit(bytes(config))):
        return limit
    model = inbound.model.rpartition("/")[2]
    return round(_usual.get(model, USUAL_OUTPUT))


def _int(raw: bytes) -> int:
    return int(raw) if raw.isdigit() and len(raw) < 9 else 0


class _Config(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None


_decode_config = msgspec.json.Decoder(_Config).decode


def _gemini_limit(raw: bytes) -> int:
    try:
        return _decode_config(raw).max_output_tokens or 0
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0


def note_output(model: str, tokens: int) -> None:
    known = _usual.get(model)
    if known is None and len(_usual) >= _MODELS:
        return
    _usual[model] = tokens if known is None else known + _WEIGHT * (tokens - known)
