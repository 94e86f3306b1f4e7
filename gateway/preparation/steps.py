"""What a request needs from outside of itself before it can be written for its provider."""

from __future__ import annotations

from dataclasses import replace

from combos.attempt import Attempt
from gateway.passage.base import Passage
from gateway.passage.other_format import OtherFormat
from gateway.preparation import media_fetch
from gateway.preparation.signatures import signatures
from gateway.snapshot import Snapshot
from gateway.verdicts.judging import judge
from omniroute.errors import UpstreamError, UpstreamRefused
from omniroute.types import UpstreamRequest
from providers.adapters import adapter_of
from providers.proxies import Proxy
from providers.spec import Endpoint


async def ready(attempt: Attempt) -> Attempt:
    """The attempt with whatever its provider's adapter must know of the account first. Raise `UpstreamError`."""
    adapter = adapter_of(attempt.target.provider.adapter)
    if adapter is None:
        return attempt
    try:
        account = await adapter.ready(attempt.account, attempt.target.provider)
    except UpstreamRefused as error:
        judge(error, attempt)
        raise
    return attempt if account is attempt.account else replace(attempt, account=account)


def goes_elsewhere(
    attempt: Attempt, endpoint: Endpoint, request: UpstreamRequest, error: UpstreamError
) -> bool:
    """Whether the failed request is worth making again, to the endpoint's own host instead of the preferred one."""
    if not endpoint.preferred_url or not request.url.startswith(endpoint.preferred_url):
        return False
    adapter = adapter_of(attempt.target.provider.adapter)
    return adapter is not None and adapter.leaves(attempt.account, error)


async def prepare(passage: Passage, snapshot: Snapshot, proxy: Proxy | None) -> None:
    """Signatures that the client dropped, and images that the provider cannot fetch.

    Only for translated requests to Gemini; what goes on as bytes is the client's own business. Raise `InvalidRequest`
    for an image that is not to be had.
    """
    if not isinstance(passage, OtherFormat) or not passage.inlines_media:
        return
    if passage.signs_calls and await signatures().complete(passage.request):
        passage.adapt()
    await media_fetch.inline(passage.adapted, snapshot.fetch_private_addresses, proxy)
