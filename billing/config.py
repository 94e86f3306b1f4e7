"""The billing part of the snapshot: client keys by hash, price overrides by provider."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from billing import budgets
from billing.budgets import Budgets
from billing.models import ApiKey, Price
from billing.pricing.rates import PriceRow, of_override


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """A client's key as the hot path sees it. `expires_at` in Unix seconds."""

    id: int
    name: str
    scope: str
    is_active: bool
    expires_at: float | None
    allowed_models: tuple[re.Pattern[str], ...]
    blocked_models: tuple[re.Pattern[str], ...] = ()
    """Those of the list that begin with `!`."""
    cache: str = "own"
    """A value of `ApiKey.Cache`."""
    similar_answers: bool = False
    identity: str = ""
    """Whose key it is, whichever row it stands in: after a restored backup, an id may be another key's."""

    @property
    def is_usable(self) -> bool:
        return self.is_active and (self.expires_at is None or self.expires_at > time.time())

    def allows(self, model: str) -> bool:
        if self.blocked_models and self.blocks(model):
            return False
        return not self.allowed_models or any(pattern.match(model) for pattern in self.allowed_models)

    def blocks(self, *names: str) -> bool:
        """Whether the key may not be served by a model of one of these names, even as a combo's target."""
        return any(pattern.match(name) for pattern in self.blocked_models for name in names)


@dataclass(frozen=True, slots=True)
class BillingConfig:
    keys: Mapping[str, KeyConfig]
    """By `billing.keys.hash_key`."""
    prices: Mapping[str, tuple[tuple[re.Pattern[str], PriceRow], ...]]
    """Overrides by provider, the most specific pattern first."""
    budgets: Budgets = field(default_factory=Budgets)
    expected: dict[Any, Any] = field(default_factory=dict)
    """What requests are expected to cost under this configuration, kept by whoever estimates it."""


def load() -> BillingConfig:
    keys = {
        row.key_hash: KeyConfig(
            id=row.pk,
            name=row.name,
            scope=row.scope,
            is_active=row.is_active,
            expires_at=row.expires_at.timestamp() if row.expires_at else None,
            allowed_models=_patterns(row.allowed_models, blocking=False),
            blocked_models=_patterns(row.allowed_models, blocking=True),
            cache=row.cache,
            similar_answers=row.similar_answers,
            identity=row.key_hash[:32],
        )
        for row in ApiKey.objects.all()
    }
    prices: dict[str, list[tuple[re.Pattern[str], PriceRow]]] = {}
    for price in sorted(Price.objects.all(), key=lambda price: ("*" in price.model, -len(price.model))):
        prices.setdefault(price.provider, []).append((_pattern(price.model), of_override(price)))
    return BillingConfig(keys, {provider: tuple(rows) for provider, rows in prices.items()}, budgets.load())


def _patterns(lines: Iterable[object] | None, *, blocking: bool) -> tuple[re.Pattern[str], ...]:
    texts = map(str, lines or ())
    return tuple(_pattern(text.lstrip("!").strip()) for text in texts if text.startswith("!") is blocking)


def _pattern(text: str) -> re.Pattern[str]:
    """`*` is any run of characters, `?` one; everything else is itself."""
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(rf"{escaped}\Z", re.IGNORECASE | re.DOTALL)
