"""What the gateway knows of its providers' health, for the API and the admin: of all processes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.records import processes
from providers.config import load_specs
from providers.models import Account
from resilience.breaker import Circuit, State, breakers
from resilience.cooldown import cooldowns
from resilience.lockout import lockouts


@dataclass(frozen=True, slots=True)
class CircuitStatus:
    provider: str
    name: str
    state: State
    failures: int
    last_failure: float | None
    """Epoch, in seconds."""
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Held:
    """An account, or one model of it, that is put aside."""

    provider: str
    provider_name: str
    account: int | None
    name: str
    model: str
    reason: str
    remaining_s: float
    soft: bool

    @property
    def remaining_ms(self) -> float:
        return self.remaining_s * 1000


@dataclass(frozen=True, slots=True)
class Limited:
    """An account and what its limiter does."""

    account: Account
    queued: int = 0
    running: int = 0
    gap_s: float = 0.0
    paused_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Locked:
    identifier: str
    attempts: int
    remaining_s: float

    @property
    def remaining_ms(self) -> float:
        return self.remaining_s * 1000


def accounts() -> list[Account]:
    """Every one, without its secrets."""
    return list(Account.objects.defer("api_key").order_by("provider", "priority", "id"))


def provider_names() -> dict[str, str]:
    return {id: spec.name for id, spec in load_specs().items()}


def circuits(known: list[Account], names: Mapping[str, str]) -> list[CircuitStatus]:
    """Of every provider that has an account or a circuit; what does not work comes first."""
    now, current = breakers.clock(), breakers.current()
    providers = dict.fromkeys([*current, *(account.provider for account in known)])
    found = [_status(provider, names, current.get(provider) or Circuit(), now) for provider in providers]
    order = {State.OPEN: 0, State.HALF_OPEN: 1, State.CLOSED: 2}
    return sorted(found, key=lambda each: (order[each.state], -each.failures, each.name.lower()))


def _status(provider: str, names: Mapping[str, str], circuit: Circuit, now: float) -> CircuitStatus:
    return CircuitStatus(
        provider,
        names.get(provider, provider),
        circuit.state(now),
        circuit.failures,
        circuit.failed_at or None,
        circuit.wait(now),
    )


def held(known: list[Account], names: Mapping[str, str]) -> list[Held]:
    """The longest first."""
    now, rows = time.time(), {account.pk: account for account in known}
    found = []
    for key, cooldown in cooldowns.active().items():
        kind, rest, model = (*key.split(":", 2), "", "")[:3]
        account = rows.get(int(rest)) if kind == "account" and rest.isdigit() else None
        provider = account.provider if account else rest
        found.append(
            Held(
                provider,
                names.get(provider, provider),
                account.pk if account else None,
                account.name if account else "",
                model,
                cooldown.reason,
                max(0.0, cooldown.until - now),
                cooldown.soft,
            )
        )
    return sorted(found, key=lambda each: -each.remaining_s)


def limited(known: list[Account]) -> list[Limited]:
    """Of the protected accounts, and of those whose limiter still has something to do."""
    found, states = [], processes.limiter_states()
    for account in known:
        if (state := states.get(f"account:{account.pk}")) is not None:
            found.append(
                Limited(
                    account, int(state["queued"]), int(state["running"]), state["gap_s"], state["paused_s"]
                )
            )
        elif account.rate_limit_protection:
            found.append(Limited(account))
    return found


def locked() -> list[Locked]:
    now = lockouts.clock()
    return [
        Locked(identifier, lockout.attempts, lockout.until - now)
        for identifier, lockout in sorted(lockouts.locked().items(), key=lambda item: -item[1].until)
    ]
