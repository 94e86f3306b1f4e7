"""How patient the gateway is with each provider, and what limits it keeps for each account: a part of the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.config import ProvidersConfig
from providers.nodes import is_local
from providers.spec import ProviderSpec
from resilience import config
from resilience.config import ResilienceConfig
from resilience.limits import Limits
from resilience.profiles import API_KEY, LOCAL, OAUTH, PROFILES, Profile


@dataclass(frozen=True, slots=True)
class Patience:
    config: ResilienceConfig = field(default_factory=ResilienceConfig)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """By provider."""
    limits: Mapping[str, Limits] = field(default_factory=dict)
    """By account key; of protected accounts only."""

    def profile(self, provider: str) -> Profile:
        return self.profiles.get(provider) or PROFILES[API_KEY]


def load(providers: ProvidersConfig) -> Patience:
    known = config.load()
    return Patience(
        known,
        {id: known.profile(id, profile_kind(spec)) for id, spec in providers.specs.items()},
        {
            account.key: account.limits.over(known.limits)
            for accounts in providers.accounts.values()
            for account in accounts
            if account.limits is not None
        },
    )


def profile_kind(spec: ProviderSpec) -> str:
    """By how one signs in to it; servers on this machine or network have their own."""
    if spec.oauth is not None:
        return OAUTH
    if spec.tier == "custom" and spec.endpoints and is_local(spec.endpoints[0].base_url):
        return LOCAL
    return API_KEY
