"""Which refusals are about the token of a sign-in."""

from __future__ import annotations

import pytest

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.preparation import tokens
from omniroute.errors import UpstreamRefused, UpstreamUnreachable
from providers import catalog
from providers.config import AccountConfig
from providers.oauth import renewal


def attempt(provider: str, *, signed_in: bool = True) -> Attempt:
    account = AccountConfig(id=1, provider=provider, name="a", api_key="old", signed_in=signed_in)
    return Attempt(Target(catalog.builtin()[provider], "some-model"), account)


def refusal(status: int, message: str = "no") -> UpstreamRefused:
    return UpstreamRefused(message, status=status)


@pytest.fixture(autouse=True)
def _vendor(monkeypatch):
    async def renewed(account):
        return AccountConfig(id=1, provider=account.provider, name="a", api_key="new", signed_in=True)

    monkeypatch.setattr(renewal, "renewed", renewed)


@pytest.mark.parametrize(
    ("provider", "status", "message"),
    [
        ("codex", 401, "no"),
        ("claude", 403, "OAuth token has been revoked. Please obtain a new token."),
        ("kiro", 403, "The bearer token included in the request is invalid."),
    ],
)
async def test_they_get_another_token(provider, status, message):
    other = await tokens.after_refusal(attempt(provider), refusal(status, message))
    assert other is not None
    assert other.account.api_key == "new"


@pytest.mark.parametrize(
    ("status", "message"), [(403, "Not for you"), (429, "slow down"), (400, "bad"), (500, "")]
)
async def test_others_do_not(status, message):
    assert await tokens.after_refusal(attempt("claude"), refusal(status, message)) is None


async def test_a_key_is_what_it_is():
    assert await tokens.after_refusal(attempt("openai", signed_in=False), refusal(401)) is None


async def test_where_there_is_no_other_token_the_refusal_stands(monkeypatch):
    async def fails(account):
        raise UpstreamUnreachable("no")

    monkeypatch.setattr(renewal, "renewed", fails)
    assert await tokens.after_refusal(attempt("claude"), refusal(401)) is None
