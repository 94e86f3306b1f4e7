"""List prices that the price data set lacks, or has without a figure. USD.

Deepgram: pay as you go, for recordings. AssemblyAI: as quoted by third parties in 2026; its own page was not at hand.
Cohere's rankers: by search (a query with up to 100 documents), as its price list said for version 3 and as OpenRouter
passes on for version 4. OpenAI's moderation and Google's Gemma are free of charge by their vendors' word, which the
data set quotes without a figure. What none of them tells is not here, and counts as unpriced.
"""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase

from billing.pricing.rates import PriceRow, Rate

_HOUR = 3600
_FREE = PriceRow((Rate("requests", Decimal(0)),))


def _sound(usd_an_hour: str) -> PriceRow:
    return PriceRow((Rate("audio_seconds", Decimal(usd_an_hour) / _HOUR),))


def _searches(usd_a_thousand: str) -> PriceRow:
    return PriceRow((Rate("rerank_searches", Decimal(usd_a_thousand) / 1000),))


_BY_PROVIDER: dict[str, tuple[tuple[str, PriceRow], ...]] = {
    "assemblyai": (("universal-3*", _sound("0.21")), ("universal-2", _sound("0.15"))),
    "cohere": (
        ("rerank-v4.0-pro", _searches("2.5")),
        ("rerank-v4.0-fast", _searches("2")),
        ("rerank-*v3.*", _searches("2")),
    ),
    "deepgram": (("nova-*", _sound("0.258")),),
    "google": (("gemma-[34]*", _FREE),),
    "openai": (("*moderation*", _FREE),),
}


def price_of(provider: str, model: str) -> PriceRow | None:
    """By the data set's id of the provider, else by its own. None where nothing is known."""
    for pattern, row in _BY_PROVIDER.get(provider, ()):
        if fnmatchcase(model, pattern):
            return row
    return None
