"""What may hold an attempt back beside a cooldown, put together for one request's plan."""

from __future__ import annotations

import math

from billing.config import KeyConfig
from combos.attempt import Attempt, Gate, Obstacle
from gateway import admission
from gateway.snapshot import Snapshot
from gateway.verdicts import quotas
from providers import quota
from resilience.breaker import State, breakers
from resilience.limits import limiters


def gates(snapshot: Snapshot, key: KeyConfig | None = None) -> tuple[Gate, ...]:
    """In the order in which they are asked. Only those that have something to say under this configuration."""
    found: list[Gate] = [circuit]
    if key is not None and key.blocked_models:
        found.append(blocked_for(key))
    if not quota.store.is_empty:
        found.append(quotas.gate)
    if (budgets := admission.gate(snapshot)) is not None:
        found.append(budgets)
    if snapshot.patience.limits:
        found.append(limits(snapshot))
    return tuple(found)


def blocked_for(key: KeyConfig) -> Gate:
    """A key's own blocked models, also where a combo or a chain leads to them."""

    def gate(attempt: Attempt) -> Obstacle | None:
        target = attempt.target
        names = (target.name, f"{target.provider.id}/{target.model}", target.model)
        return Obstacle("blocked_for_key") if key.blocks(*names) else None

    return gate


def only_account(account: int) -> Gate:
    """All others are out: somebody wants to know of this one."""

    def gate(attempt: Attempt) -> Obstacle | None:
        return None if attempt.account.id == account else Obstacle("not_chosen")

    return gate


def circuit(attempt: Attempt) -> Obstacle | None:
    """Providers that failed again and again: nothing is sent, but for the one trial of a half-open circuit."""
    found = breakers.get(attempt.target.provider.id)
    if found is None or not found.opened_at:
        return None
    now = breakers.clock()
    wait = found.wait(now)
    if wait <= 0:
        return None
    return Obstacle("breaker_open" if found.state(now) is State.OPEN else "breaker_half_open", wait)


def limits(snapshot: Snapshot) -> Gate:
    """Protected accounts that would have to wait come last: then the request waits for its turn."""
    known = snapshot.patience.limits

    def gate(attempt: Attempt) -> Obstacle | None:
        own = known.get(attempt.account.key)
        limiter = limiters.get(attempt.account.key) if own is not None else None
        if own is None or limiter is None:
            return None
        wait = limiter.delay(own)
        if wait <= 0 and not limiter.queued:
            return None
        return Obstacle("throttled", wait if math.isfinite(wait) else None, soft=True)

    return gate
