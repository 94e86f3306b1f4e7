"""The attempts of one request, lazily: targets by the combo's strategy, accounts by the account strategy, without
those that a gate holds back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from combos.attempt import Attempt, Gate, Obstacle, Skip, cooling
from combos.ordering import Ordering, Turn
from combos.resolve import Route, Target
from omniroute.errors import GatewayError, NoTargetAvailable, UpstreamError
from resilience.classify import BAD_REQUEST, Next, Scope, Verdict, classify
from resilience.cooldown import Cooldown, Cooldowns
from resilience.profiles import Profile

MAX_SKIPS = 50
"""What is remembered of the attempts that were passed over: a request's row tells of them."""
_TELLING = {
    reason: rank
    for rank, reason in enumerate(("context_length", "bad_request", "rate_limited", "billing", "overloaded"))
}
_LIMITS = frozenset({"rate_limited", "billing", "budget_spent", "quota_exhausted"})
_SPOKEN = {
    "auth": "the provider refused the credential",
    "breaker_half_open": "the provider failed repeatedly",
    "breaker_open": "the provider failed repeatedly",
    "billing": "out of credit or quota",
    "blocked_for_key": "this API key may not use it",
    "queue_full": "busy",
    "queue_timeout": "busy",
    "budget_spent": "the account's budget is spent",
    "model_unavailable": "the provider does not have the model",
    "permission": "the provider refused permission",
    "quota_exhausted": "nothing is left of the plan",
    "rate_limited": "rate limited",
}
_UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))
_RETRY_STATUSES = (429, 503, 529)


@dataclass(slots=True)
class Plan:
    """Iterate to get attempts; report each failure with `fail` before asking for the next one. Where processes take
    turns together, go by `steps` instead.

    A candidate with a hard obstacle is passed over. One that is held back by a guess of the gateway's (`soft`) comes
    last, instead of never: a provider that failed a second ago is a better answer than none. No account is tried twice.
    """

    route: Route
    ordering: Ordering
    cooldowns: Cooldowns
    gates: tuple[Gate, ...] = ()
    """Beside that of the cooldowns."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """By provider: how long its accounts are put aside."""
    skipped: list[Skip] = field(default_factory=list)
    """The first `MAX_SKIPS` of the attempts that were passed over, or put off (`soft`)."""
    waits: list[float] = field(default_factory=list)
    """Seconds until the accounts that were passed over are free again."""
    reasons: set[str] = field(default_factory=set)
    """Why they were."""
    _left: set[Target] = field(default_factory=set)
    """Targets that need no further account."""
    _slow: set[Target] = field(default_factory=set)
    """Targets that let their request wait: others go first."""
    _is_over: bool = False

    def __post_init__(self) -> None:
        self.gates = (cooling(self.cooldowns), *self.gates)

    def __iter__(self) -> Iterator[Attempt]:
        return (step for step in self.steps() if isinstance(step, Attempt))

    def steps(self) -> Iterator[Attempt | Turn]:
        """The attempts; and before them, what has to be agreed upon with other processes."""
        postponed: list[Attempt] = []
        for step in self._candidates():
            if self._is_over:
                return
            if isinstance(step, Turn):
                yield step
                continue
            if step.target in self._left:
                continue
            obstacle = self.obstacle(step)
            if step.target in self._slow and (obstacle is None or obstacle.soft):
                postponed.append(step)
            elif obstacle is None:
                self.ordering.chosen(step)
                yield step
            elif obstacle.soft:
                postponed.append(step)
                self._remember(step, obstacle)
            else:
                self.pass_over(step, obstacle)
        for attempt in postponed:
            if attempt.target not in self._left and not self._is_over:
                self.ordering.chosen(attempt)
                yield attempt

    def fail(self, attempt: Attempt, verdict: Verdict, hint: float | None) -> Cooldown | None:
        """Take note of a failure: put the account aside as the verdict says, and leave the target where it says so."""
        if verdict.next is Next.TARGET:
            self._left.add(attempt.target)
        if verdict.reason == BAD_REQUEST.reason and self.route.combo is None:
            self._is_over = True  # outside of a combo, what the client did wrong is not tried elsewhere
        if verdict.scope is Scope.NONE:
            return None
        if profile := self.profiles.get(attempt.target.provider.id):
            verdict = profile.fit(verdict)
        key = attempt.account.key if verdict.scope is Scope.ACCOUNT else attempt.model_key
        cooldown = self.cooldowns.apply(key, verdict, hint)
        self.waits.append(self.cooldowns.remaining(key))
        return cooldown

    def succeed(self, attempt: Attempt, began: float | None = None) -> None:
        """`began`: when its request was sent (epoch, seconds). What was put aside since then stays so."""
        self.cooldowns.succeed(attempt.account.key, began)
        self.cooldowns.succeed(attempt.model_key, began)

    def postpone(self, target: Target) -> None:
        """Try other targets before this one's further accounts."""
        self._slow.add(target)

    def leave(self, attempt: Attempt, obstacle: Obstacle) -> None:
        """Ask none of the target's accounts: it is busy, or cannot be asked this."""
        self._left.add(attempt.target)
        self.pass_over(attempt, obstacle)

    def failure(self, errors: Sequence[UpstreamError]) -> GatewayError:
        """What to tell the client when no attempt is left: the failure that it can act upon, the first of equals.

        Its Retry-After is the time until the first account is free again.
        """
        if not errors:
            return self._no_attempt()
        telling = min(errors, key=lambda error: _TELLING.get(classify(error).reason, len(_TELLING)))
        if telling.status in _RETRY_STATUSES and self.waits:
            telling.retry_after = min(self.waits)
        return telling

    def _no_attempt(self) -> NoTargetAvailable:
        if not (self.route.targets or self.route.fallbacks):
            return NoTargetAvailable(
                f"The combo {self.route.requested!r} has no usable target{self._left_out()}"
            )
        if self.waits:
            wait = min(self.waits)
            limited = not self.reasons.isdisjoint(_LIMITS)
            why = ", ".join(_SPOKEN.get(reason, reason) for reason in sorted(self.reasons))
            return NoTargetAvailable(
                f"Every account for {self.route.requested!r} is cooling down ({why}); reset after {_spoken(wait)}",
                status=429 if limited else 503,
                code="rate_limit_exceeded" if limited else "all_accounts_cooling",
                retry_after=wait,
            )
        if self.reasons:
            why = ", ".join(dict.fromkeys(_SPOKEN.get(reason, reason) for reason in sorted(self.reasons)))
            return NoTargetAvailable(
                f"No target of {self.route.requested!r} can be asked: {why}",
                status=403 if self.reasons == {"blocked_for_key"} else 503,
            )
        asked = {target.provider.id: target.provider.name for target in self.route.targets}
        idle = self.ordering.providers.idle
        if out := [f"of {name} {idle[id]}" for id, name in asked.items() if id in idle]:
            return NoTargetAvailable(
                f"Every account {', and every account '.join(out)}. See the dashboard under Accounts.",
                code="no_account",
            )
        names = ", ".join(asked.values())
        return NoTargetAvailable(
            f"No account is connected for {names}. Add one in the dashboard under Providers.",
            status=404,  # a client that tries again would wait in vain
            code="no_account",
        )

    def _left_out(self) -> str:
        """Why, of the first few."""
        reasons = [f"{each.name}: {each.reason.partition('. ')[0]}" for each in self.route.left_out[:3]]
        return f" ({'; '.join(reasons)})" if reasons else ""

    def _candidates(self) -> Iterator[Attempt | Turn]:
        seen: set[tuple[str, str]] = set()
        for target in self.ordering.targets(self.route):
            if isinstance(target, Turn):
                yield target
                continue
            if target in self._left:
                continue
            if (turn := self.ordering.turn_of(target)) is not None:
                yield turn
            for account in self.ordering.accounts(target):
                identity = (account.key, target.model)
                if identity not in seen:
                    seen.add(identity)
                    yield Attempt(target, account)

    def obstacle(self, attempt: Attempt) -> Obstacle | None:
        """The first hard one, else the first soft one."""
        found: Obstacle | None = None
        for gate in self.gates:
            obstacle = gate(attempt)
            if obstacle is not None and not obstacle.soft:
                return obstacle
            found = found or obstacle
        return found

    def pass_over(self, attempt: Attempt, obstacle: Obstacle) -> None:
        self.reasons.add(obstacle.reason)
        if obstacle.wait_s is not None:
            self.waits.append(obstacle.wait_s)
        self._remember(attempt, obstacle)

    def _remember(self, attempt: Attempt, obstacle: Obstacle) -> None:
        if len(self.skipped) < MAX_SKIPS:
            self.skipped.append(Skip(attempt, obstacle))


def _spoken(seconds: float) -> str:
    whole = max(1, round(seconds))
    for size, unit, finer_size, finer in _UNITS:
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // finer_size}{finer}"
    return f"{whole}s"
