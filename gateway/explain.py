"""Which attempts a request would make now, and why others are out. Nothing is sent, counted or kept.

By the state of this process, and what it knows of the others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from combos.attempt import Attempt, Obstacle, Skip
from combos.resolve import LeftOut, Route
from gateway.affinity.sessions import sessions
from gateway.opening import route_of
from gateway.planning import rehearsal
from gateway.snapshot import Snapshot
from omniroute.errors import AmbiguousModel, ClientError, GatewayError

MAX_STEPS = 100


@dataclass(frozen=True, slots=True)
class Step:
    """`obstacle` is a soft one: the attempt is made when nothing better is left."""

    attempt: Attempt
    obstacle: Obstacle | None
    is_fallback: bool
    """A fallback chain names it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    model: str
    route: Route | None = None
    steps: Sequence[Step] = ()
    skipped: Sequence[Skip] = ()
    left_out: Sequence[LeftOut] = ()
    error: GatewayError | None = None
    """What a client would be told right away."""

    @property
    def candidates(self) -> tuple[str, ...]:
        """The providers of an ambiguous name."""
        return self.error.candidates if isinstance(self.error, AmbiguousModel) else ()


def explain(
    model: str, snapshot: Snapshot, *, stream: bool = False, api_key: int = 0, session: str = ""
) -> Explanation:
    """`session` is an id as in `GET /api/sessions`."""
    key = next((each for each in snapshot.billing.keys.values() if each.id == api_key), None)
    if key is not None and not key.allows(model):
        return Explanation(model, error=GatewayError("This API key may not use the model", status=403))
    try:
        route = route_of(model, snapshot)
    except ClientError as error:
        return Explanation(model, error=error)
    known = sessions.find(api_key, session, snapshot.combos.affinity_s) if session else None
    plan = rehearsal(route, snapshot, stream=stream, kept=dict(known.kept) if known else None, key=key)
    steps = [
        Step(attempt, plan.obstacle(attempt), attempt.target in route.fallbacks)
        for attempt in islice(plan, MAX_STEPS)
    ]
    failure = None if steps else plan.failure([])
    skipped = [skip for skip in plan.skipped if not skip.obstacle.soft]  # the others are among the steps
    return Explanation(model, route, steps, skipped, route.left_out, failure)
