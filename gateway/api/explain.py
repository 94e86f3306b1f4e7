"""Management API of routing as it happens: what a request would do now, and where conversations are kept."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict, StrictBool

from billing.usage.queries import key_names
from combos.attempt import Attempt
from gateway import snapshot as snapshots
from gateway.affinity.sessions import Session, sessions
from gateway.explain import Explanation, explain
from omniroute.errors import GatewayError, InvalidRequest
from omniroute.schema import CamelModel, Line, ModelName, row_id

router = Router(tags=["Routing"], by_alias=True)


class ExplainIn(CamelModel):
    """The body of a chat request will do: what is not listed here is not looked at."""

    model_config = ConfigDict(extra="ignore")

    model: ModelName
    stream: StrictBool = False
    api_key_id: Line = ""
    session_id: Line = ""


class Candidate(CamelModel):
    target: str
    """As `prefix/model`."""
    provider: str
    model: str
    connection_id: str | None
    account: str


class AttemptOut(Candidate):
    position: int
    is_fallback: bool
    """A fallback chain names it; it comes when everything that was asked for has failed."""
    held_back: str | None
    """Why it comes late: a guess of the gateway's that is no reason never to ask."""


class Skipped(Candidate):
    reason: str
    wait_ms: int | None
    """Until it is over; null: it does not end by itself, or nobody knows when."""


class Absent(CamelModel):
    name: str
    reason: str


class RouteError(CamelModel):
    error_type: str
    status: int
    message: str
    candidate_providers: list[str]


class ExplainOut(CamelModel):
    model: str
    combo: str | None
    strategy: str | None
    via: list[str]
    """The aliases that were followed."""
    attempts: list[AttemptOut]
    skipped: list[Skipped]
    left_out: list[Absent]
    """What the combo or the chains name and what can be no target."""
    error: RouteError | None
    """What a client would be told right away."""


class SessionOut(CamelModel):
    session_id: str
    created_at: datetime
    last_active: datetime
    request_count: int
    connection_id: str | None
    age_ms: int
    api_key: str
    kept: dict[str, str]


class SessionList(CamelModel):
    count: int
    sessions: list[SessionOut]
    by_api_key: dict[str, int]


@router.post("/route/explain", response=ExplainOut)
def explain_route(request: HttpRequest, body: ExplainIn) -> ExplainOut:
    """Which attempts a request would make now, in order, and why others are out. Nothing is sent or counted."""
    api_key = row_id(body.api_key_id) if body.api_key_id else 0
    if api_key < 0:
        raise InvalidRequest("There is no such API key", param="apiKeyId")
    found = explain(
        body.model,
        snapshots.refresh(),
        stream=body.stream,
        api_key=api_key,
        session=body.session_id,
    )
    return _shown(found)


@router.get("/sessions", response=SessionList)
def list_sessions(request: HttpRequest) -> SessionList:
    """Conversations that are kept on their account, the most recent first."""
    names = key_names()
    found = [_session(each, names) for each in sessions.active(snapshots.refresh().combos.affinity_s)]
    return SessionList(
        count=len(found), sessions=found[:500], by_api_key=dict(Counter(each.api_key for each in found))
    )


def _shown(found: Explanation) -> ExplainOut:
    combo = found.route.combo if found.route else None
    return ExplainOut(
        model=found.model,
        combo=combo.name if combo else None,
        strategy=combo.strategy.replace("_", "-") if combo else None,
        via=list(found.route.via) if found.route else [],
        attempts=[
            AttemptOut(
                position=place,
                is_fallback=step.is_fallback,
                held_back=step.obstacle.reason if step.obstacle else None,
                **_candidate(step.attempt),
            )
            for place, step in enumerate(found.steps, 1)
        ],
        skipped=[
            Skipped(
                reason=skip.obstacle.reason,
                wait_ms=None if skip.obstacle.wait_s is None else round(skip.obstacle.wait_s * 1000),
                **_candidate(skip.attempt),
            )
            for skip in found.skipped
        ],
        left_out=[Absent(name=each.name, reason=each.reason) for each in found.left_out],
        error=_refused(found.error, found) if found.error else None,
    )


def _refused(error: GatewayError, found: Explanation) -> RouteError:
    return RouteError(
        error_type=error.code,
        status=error.status,
        message=error.message,
        candidate_providers=list(found.candidates),
    )


def _candidate(attempt: Attempt) -> dict[str, Any]:
    account, target = attempt.account, attempt.target
    return {
        "target": target.name,
        "provider": target.provider.id,
        "model": target.model,
        "connection_id": str(account.id) if account.id else None,
        "account": account.name,
    }


def _session(session: Session, names: dict[int, str]) -> SessionOut:
    kind, _, number = session.account.partition(":")
    return SessionOut(
        session_id=session.id,
        created_at=datetime.fromtimestamp(session.created_at, UTC),
        last_active=datetime.fromtimestamp(session.last_active, UTC),
        request_count=session.requests,
        connection_id=number if kind == "account" else None,
        age_ms=round((time.time() - session.created_at) * 1000),
        api_key=names.get(session.api_key, "") if session.api_key else "",
        kept=session.kept,
    )
