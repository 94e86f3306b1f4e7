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
def money(price: Decimal | None) -> str:
    """All digits, and cents at least: 2.50, 0.0375."""
    text = plain(price)
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest:0<2}" if text else ""


@register.filter
def per_thousand(price: Decimal | None) -> str:
    return "" if price is None else plain(price / 1000)


@register.filter
def price_label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())
