"""Reset All: when a provider has recovered, everything that holds its accounts back is forgotten."""

from __future__ import annotations

from resilience.breaker import breakers
from resilience.cooldown import cooldowns
from resilience.limits import limiters


def reset_all() -> int:
    """Breakers, cooldowns, and what was learned of rate limits. Returns how many of the first two there were."""
    limiters.reset()
    return breakers.clear() + cooldowns.clear()
