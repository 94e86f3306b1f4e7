"""What an attempt buys, as `billing` knows it."""

from __future__ import annotations

from billing.pricing import Offer
from combos.resolve import Target
from providers.config import AccountConfig


def offer_of(target: Target, account: AccountConfig) -> Offer:
    """Subscriptions have a flat rate, whatever is used."""
    provider = target.provider
    endpoints = provider.endpoints
    return Offer(
        provider=provider.id,
        model=target.model,
        pricing_id=provider.pricing_id,
        base_url=account.base_url or (endpoints[0].base_url if endpoints else ""),
        flat=provider.tier == "subscription",
    )
