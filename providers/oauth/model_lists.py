"""The models that a vendor lists for an account that somebody signed in to."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from omniroute.errors import UpstreamRefused, UpstreamUnreachable
from providers import outgoing
from providers.config import account_config
from providers.endpoints import choose_endpoint
from providers.listing import model_of
from providers.models import Account
from providers.oauth import renewal
from providers.oauth.accounts import tokens_of
from providers.oauth.answers import SignInError
from providers.oauth.vendors import vendor_of
from providers.spec import Endpoint, ModelSpec, ProviderSpec


async def list_signed_in(account: Account, spec: ProviderSpec) -> list[ModelSpec]:
    """The live list; the catalog's own for a vendor without one. Raise `UpstreamError`."""
    vendor = vendor_of(spec.id)
    if spec.oauth is None or not vendor.lists_models:
        return list(spec.models)
    if renewal.is_stale(config := account_config(account)):
        await renewal.ready(config)
        account = await Account.objects.aget(pk=account.pk)
    try:
        async with outgoing.client(provider=spec.id, account_id=account.pk or 0) as http:
            asking = await sync_to_async(renewal.asking_for)(spec.oauth, http, account)
            entries = await vendor.list_models(asking, tokens_of(account), endpoint_of(spec, account))
    except SignInError as error:
        message = f"The list of models is not to be had. {error.message}"
        if error.status:
            raise UpstreamRefused(message, status=error.status) from None
        raise UpstreamUnreachable(message) from None
    return [model for model in map(model_of, entries) if model is not None]


def endpoint_of(spec: ProviderSpec, account: Account) -> Endpoint:
    return choose_endpoint(spec, variant=account.variant, region=account.region, base_url=account.base_url)
