from __future__ import annotations

import pytest

from combos.resolve import Target
from gateway.pricing.offers import offer_of
from providers import catalog
from providers.config import AccountConfig

CATALOG = catalog.load()


@pytest.mark.parametrize(
    ("provider", "signed_in", "flat"),
    [("openai", False, False), ("openai", True, True), ("kimi-coding", False, True)],
)
def test_subscriptions_and_accounts_that_signed_in_have_a_flat_rate(
    provider: str, signed_in: bool, flat: bool
):
    account = AccountConfig(id=1, provider=provider, name="a", signed_in=signed_in)
    assert offer_of(Target(CATALOG[provider], "m"), account).flat is flat


def test_the_address_of_the_account_says_who_sells():
    account = AccountConfig(id=1, provider="openai", name="a", base_url="https://openrouter.ai/api/v1")
    assert offer_of(Target(CATALOG["openai"], "m"), account).base_url == "https://openrouter.ai/api/v1"
