"""The part of the snapshot that says how patient the gateway is, what limits it keeps, and whom it talks to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from resilience.ip_filter import IpFilter, parse_entry
from resilience.limits import Limits
from resilience.models import IpRules, ProviderProfile, RateLimitSettings, TemporaryBan
from resilience.profiles import API_KEY, PROFILES, Profile

DEFAULT_LIMITS = Limits(100, 0.2, 10)


@dataclass(frozen=True, slots=True)
class ResilienceConfig:
    """`profiles` are by kind (`oauth`, `apikey`, `local`), and by provider where one has its own."""

    profiles: Mapping[str, Profile] = field(default_factory=lambda: dict(PROFILES))
    limits: Limits = DEFAULT_LIMITS
    queue_size: int = 100
    queue_timeout_s: float = 30.0
    ip_filter: IpFilter = field(default_factory=IpFilter)

    def profile(self, provider: str, kind: str) -> Profile:
        return self.profiles.get(provider) or self.profiles.get(kind) or PROFILES[API_KEY]


def load() -> ResilienceConfig:
    row = RateLimitSettings.load()
    return ResilienceConfig(
        profiles={**PROFILES, **{each.name: each.as_profile() for each in ProviderProfile.objects.all()}},
        limits=Limits(row.requests_per_minute, row.min_gap_ms / 1000, row.max_concurrent),
        queue_size=row.queue_size,
        queue_timeout_s=row.queue_timeout_s,
        ip_filter=load_ip_filter(IpRules.load()),
    )


def load_ip_filter(rules: IpRules) -> IpFilter:
    """The rules, which need not be saved, with the bans that are in the database."""
    return IpFilter(
        rules.enabled,
        rules.mode,
        tuple(map(parse_entry, rules.blacklist)),
        tuple(map(parse_entry, rules.whitelist)),
        {ban.address: (ban.until.timestamp(), ban.reason) for ban in TemporaryBan.objects.all()},
    )
