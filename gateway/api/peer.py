"""The sync protocol for other gateways, put together. Served by Django's own handler, beside the management API."""

from __future__ import annotations

from gateway.api.errors import StrictParser, install
from gateway.api.root import ManagementAPI
from gateway.sync.serving import router, verification
from omniroute import __version__

peer_api = ManagementAPI(
    title="OmniRoute sync",
    version=__version__,
    urls_namespace="sync",
    docs_url=None,
    openapi_url=None,
    parser=StrictParser(),
)
install(peer_api)
peer_api.add_router("", router)
verify_api = ManagementAPI(
    title="OmniRoute sync",
    version=__version__,
    urls_namespace="sync_verify",
    docs_url=None,
    openapi_url=None,
    parser=StrictParser(),
)
install(verify_api)
verify_api.add_router("", verification)
verify_pattern = verify_api._get_urls()[0]
"""Alone: its address begins with the name of a space, and everything else there is somebody else's."""
