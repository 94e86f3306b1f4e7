"""Which profile of resilience a provider has."""

from __future__ import annotations

from providers.nodes import is_local
from providers.spec import ProviderSpec
from resilience.profiles import API_KEY, LOCAL, OAUTH


def profile_kind(spec: ProviderSpec) -> str:
    """By how one signs in to it; servers on this machine or network have their own."""
    if spec.oauth is not None:
        return OAUTH
    if spec.tier == "custom" and spec.endpoints and is_local(spec.endpoints[0].base_url):
        return LOCAL
    return API_KEY
