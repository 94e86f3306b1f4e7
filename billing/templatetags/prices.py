"""Prices as people read them."""

from __future__ import annotations

from decimal import Decimal

from django import template

register = template.Library()
_LABELS = {"cached": "Cached input", "cache_creation": "Cache write"}


@register.filter
def plain(price: Decimal | None) -> str:
    """All digits, without exponent and trailing zeros."""
    return "" if price is None else f"{price.normalize():f}"


@register.filter
def per_thousand(price: Decimal | None) -> str:
    return "" if price is None else plain(price / 1000)


@register.filter
def price_label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())
