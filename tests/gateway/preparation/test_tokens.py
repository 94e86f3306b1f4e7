"""Which refusals are about the token of a sign-in."""

from __future__ import annotations

import pytest

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.preparation import tokens
from gateway.trial import Trial
from omniroute.errors import UpstreamRefused, UpstreamUnreachable
from providers import catalog
from providers.config import AccountConfig
from providers.oauth import renewal


def trial(provider: str, *, signed_in: bool = True) -> Trial:
    account = AccountConfig(id=1, provider=provider, name="a", api_key="old", signed_in=signed_in)
    return Trial(Attempt(Target(catalog.builtin()[provider], "some-model"), account), "openai_chat")


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
    refused = trial(provider)
    other = await tokens.after_refusal(refused, refusal(status, message))
    assert other is not None
    assert other.account.api_key == "new"
    assert (refused.status, refused.ended_at is None) == (status, False)


@pytest.mark.parametrize(
    ("status", "message"), [(403, "Not for you"), (429, "slow down"), (400, "bad"), (500, "")]
)
async def test_others_do_not(status, message):
    refused = trial("claude")
    assert await tokens.after_refusal(refused, refusal(status, message)) is None
    assert refused.ended_at is None


async def test_a_key_is_what_it_is():
    assert await tokens.after_refusal(trial("openai", signed_in=False), refusal(401)) is None


async def test_where_there_is_no_other_token_the_reason_is_told_not_the_refusal(monkeypatch):
    async def fails(account):
        raise UpstreamUnreachable("The vendor is away")

    monkeypatch.setattr(renewal, "renewed", fails)
    refused = trial("claude")
    with pytest.raises(UpstreamUnreachable, match="away"):
        await tokens.after_refusal(refused, refusal(401))
    assert refused.status == 401
