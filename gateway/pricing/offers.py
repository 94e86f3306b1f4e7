"""What an attempt buys, as `billing` knows it."""

from __future__ import annotations

from billing.pricing.costs import Offer
from combos.resolve import Target
from providers.config import AccountConfig
from providers.spec import ProviderSpec


def offer_of(target: Target, account: AccountConfig) -> Offer:
    return offer(target.provider, target.model, base_url=account.base_url, signed_in=account.signed_in)


def offer(provider: ProviderSpec, model: str, *, base_url: str = "", signed_in: bool = False) -> Offer:
    """Subscriptions, and accounts that were connected by signing in, have a flat rate, whatever is used."""
    endpoints = provider.endpoints
    return Offer(
        provider=provider.id,
        model=model,
        pricing_id=provider.pricing_id,
        base_url=base_url or (endpoints[0].base_url if endpoints else ""),
        flat=signed_in or provider.tier == "subscription",
    )
