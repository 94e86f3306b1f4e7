"""How patient the gateway is with a provider: profiles by the kind of its accounts (docs/resilience.md). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from resilience.backoff import LONGEST_S
from resilience.classify import Backoff, Verdict

OAUTH, API_KEY, LOCAL = "oauth", "apikey", "local"


@dataclass(frozen=True, slots=True)
class Profile:
    """Times in seconds."""

    name: str
    transient_cooldown_s: float
    """How long an account is asked last after a passing failure."""
    rate_limit_cooldown_s: float
    """The first wait after a rate limit that names none; it doubles with each further one. 0: begin with a second."""
    max_backoff_level: int
    """How often it doubles, at most."""
    breaker_failures: int
    """That many failures of the provider in a row open its circuit."""
    breaker_reset_s: float
    """After that long an open circuit lets one trial through."""
    throttle_below: float = 0.1
    """The share of a rate limit that is left when a protected account slows down by itself."""

    def fit(self, verdict: Verdict) -> Verdict:
        """The verdict with this profile's times."""
        if verdict.backs_off:
            base = self.rate_limit_cooldown_s or 1.0
            return replace(verdict, backoff=Backoff(base, max(LONGEST_S, base), self.max_backoff_level))
        if verdict.is_passing:
            return replace(verdict, cooldown_s=self.transient_cooldown_s)
        return verdict


PROFILES: Mapping[str, Profile] = {
    OAUTH: Profile(OAUTH, 5, 60, 8, 3, 60),
    API_KEY: Profile(API_KEY, 3, 0, 5, 5, 30),
    LOCAL: Profile(LOCAL, 2, 5, 3, 2, 15),
}
"""The defaults."""
