"""List prices of vendors that transcribe, which the price data set does not know. USD for an hour of sound.

Deepgram: fact sheet on providers with API keys (pay as you go, recordings). AssemblyAI: as quoted by third parties in
2026; its own page was not at hand. What neither tells is not here, and counts as unpriced.
"""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase

from billing.rates import PriceRow, Rate

_HOUR = 3600
_BY_PROVIDER: dict[str, tuple[tuple[str, str], ...]] = {
    "deepgram": (("nova-*", "0.258"),),
    "assemblyai": (("universal-3*", "0.21"), ("universal-2", "0.15")),
}


def price_of(provider: str, model: str) -> PriceRow | None:
    """None where nothing is known."""
    for pattern, usd in _BY_PROVIDER.get(provider, ()):
        if fnmatchcase(model, pattern):
            return PriceRow((Rate("audio_seconds", Decimal(usd) / _HOUR),))
    return None
