"""What an attempt takes before its request is sent, and gives back when it is over; and what its end says of the
provider: the slot of a protected account, the one trial of a half-open circuit."""

from __future__ import annotations

import time
from collections.abc import Mapping

from gateway.exchange import Exchange
from gateway.snapshot import Snapshot
from gateway.trial import Trial
from omniroute.errors import AccountBusy, UpstreamError, UpstreamRefused
from resilience.breaker import breakers
from resilience.classify import breaks_circuit
from resilience.limits import limiters


async def claim(exchange: Exchange, trial: Trial, snapshot: Snapshot) -> None:
    """Raise `AccountBusy` where there is none to be had in time: the provider was not asked then."""
    provider = trial.attempt.target.provider.id
    known = breakers.get(provider)
    if known is not None and known.opened_at:
        if not await breakers.claim_shared(provider):
            raise AccountBusy(
                "Another request is trying whether the provider works again", code="breaker_half_open"
            )
        trial.on_end(_give_trial_back)
    trial.on_end(lambda over: _judge(exchange, over, snapshot))
    if snapshot.patience.limits:
        await _take_slot(trial, snapshot)


async def _take_slot(trial: Trial, snapshot: Snapshot) -> None:
    key, config = trial.attempt.account.key, snapshot.patience.config
    limits = snapshot.patience.limits.get(key)
    if limits is not None:
        give_back = await limiters.of(key).acquire(limits, config.queue_timeout_s, config.queue_size)
        trial.on_end(lambda over: give_back())


def answered(trial: Trial, headers: Mapping[str, str], snapshot: Snapshot) -> None:
    """The provider answered with a success; its headers may tell what is left of its limits."""
    key = trial.attempt.account.key
    if key in snapshot.patience.limits:
        lower = {name.lower(): value for name, value in headers.items()}
        throttle_below = snapshot.patience.profile(trial.attempt.target.provider.id).throttle_below
        limiters.of(key).learn(lower, throttle_below)


def came_through(trial: Trial) -> None:
    """The attempt came to its commit point: the provider works."""
    provider = trial.attempt.target.provider.id
    if breakers.get(provider) is not None:
        breakers.succeed(provider, began_at(trial))


def began_at(trial: Trial) -> float:
    """Seconds since the epoch."""
    return time.time() - (time.perf_counter() - trial.started)


def _judge(exchange: Exchange, trial: Trial, snapshot: Snapshot) -> None:
    """A failure, before or behind the commit point, counts against the provider's circuit or shows that it works."""
    error = trial.error
    if not isinstance(error, UpstreamError) or isinstance(error, AccountBusy):
        return
    provider = trial.attempt.target.provider.id
    if breaks_circuit(error):
        if not _has_counted(exchange, trial):
            breakers.fail(provider, snapshot.patience.profile(provider))
        return
    came_through(trial)
    if error.status == 429 and trial.attempt.account.key in snapshot.patience.limits:
        limiter = limiters.of(trial.attempt.account.key)
        limiter.pause(error.retry_after)
        if isinstance(error, UpstreamRefused):
            limiter.learn(error.headers, 0.0)


def _has_counted(exchange: Exchange, trial: Trial) -> bool:
    """Whether the request counted against a closed circuit already: a combo that asks three models of one server must
    not open its circuit by itself before it comes to the third."""
    provider = trial.attempt.target.provider.id
    known = breakers.get(provider)
    if known is not None and known.opened_at:
        return False
    return any(
        isinstance(other.error, UpstreamError) and breaks_circuit(other.error)
        for other in exchange.trials
        if other is not trial and other.attempt.target.provider.id == provider
    )


def _give_trial_back(trial: Trial) -> None:
    """Unless its end says something of the provider: then the circuit is closed, or open anew, by that."""
    error = trial.error
    if error is not None and (not isinstance(error, UpstreamError) or isinstance(error, AccountBusy)):
        breakers.release(trial.attempt.target.provider.id)
