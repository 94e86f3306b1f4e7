"""Whether a sign-in still holds: asked from the vendor where that has something to ask."""

from __future__ import annotations

from dataclasses import dataclass

from omniroute.errors import UpstreamError, UpstreamRefused
from providers import outgoing
from providers.config import AccountConfig, account_config
from providers.models import Account
from providers.oauth import renewal
from providers.oauth.accounts import tokens_of
from providers.oauth.answers import SignInError
from providers.oauth.model_lists import endpoint_of
from providers.oauth.vendors import vendor_of
from providers.spec import ProviderSpec


@dataclass(frozen=True, slots=True)
class Checked:
    """`valid`: None where it could not be found out."""

    valid: bool | None
    message: str = ""


async def check(account: Account, spec: ProviderSpec) -> Checked:
    """Renews a token that has ended or is not accepted any more. Never raises for what the vendor does."""
    if account.needs_sign_in:
        return Checked(False, f"Needs to be signed in again: {account.sign_in_reason}")
    config = account_config(account)
    if renewal.is_stale(config):
        return await _renewed(config)
    if spec.oauth is None:
        return Checked(None, f"{spec.name} knows no sign-in")
    async with outgoing.client(provider=spec.id, account_id=account.pk or 0) as http:
        asking = renewal.asking_for(spec.oauth, http, account)
        try:
            await vendor_of(spec.id).probe(asking, tokens_of(account), endpoint_of(spec, account))
        except SignInError as error:
            expired = any(said in error.message.lower() for said in spec.oauth.expired_messages)
            if (error.status == 401 or expired) and account.refresh_token:
                return await _renewed(config)
            refused = error.fatal or error.status in (401, 403)
            return Checked(False if refused else None, error.message)
    return Checked(True)


async def _renewed(config: AccountConfig) -> Checked:
    try:
        await renewal.renewed(config)
    except UpstreamError as error:
        return Checked(False if isinstance(error, UpstreamRefused) else None, error.message)
    return Checked(True)
