"""What a request needs from outside of itself before it can be written for its provider."""

from __future__ import annotations

from gateway import media_fetch
from gateway.passage import Passage
from gateway.signatures import signatures
from gateway.snapshot import Snapshot
from gateway.translate import OtherFormat
from providers.proxies import Proxy


async def prepare(passage: Passage, snapshot: Snapshot, proxy: Proxy | None) -> None:
    """Signatures that the client dropped, and images that the provider cannot fetch.

    Only for translated requests to Gemini; what goes on as bytes is the client's own business. Raise `InvalidRequest`
    for an image that is not to be had.
    """
    if not isinstance(passage, OtherFormat) or not passage.signs_calls:
        return
    if await signatures().complete(passage.request):
        passage.adapt()
    await media_fetch.inline(passage.adapted, snapshot.fetch_private_addresses, proxy)
