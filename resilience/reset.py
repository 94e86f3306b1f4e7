"""Reset All: when a provider has recovered, everything that holds its accounts back is forgotten."""

from __future__ import annotations

from resilience.breaker import breakers
from resilience.cooldown import cooldowns
from resilience.limits import limiters
from resilience.models import StoredState


def reset_all() -> int:
    """Breakers, cooldowns, and what was learned of rate limits. Returns how many of the first two there were.

    Blocking. A command holds none of them in memory: what a process wrote down is deleted as well.
    """
    limiters.reset()
    count = breakers.clear() + cooldowns.clear()
    StoredState.objects.filter(store__in=(breakers.name, cooldowns.name)).delete()
    return count
