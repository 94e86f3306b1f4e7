"""Management API of the audit log, and what puts the API's own calls into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from ninja import Query, Router

from billing.models import ApiKey
from omniroute import audit
from omniroute.models import AuditEntry
from omniroute.schema import CamelModel

router = Router(tags=["System"], by_alias=True)

MAX_ENTRIES = 1000
CREATED = 201
_OWN = frozenset({"/api/auth/login", "/api/auth/logout"})
"""Noted by Django's signals."""
_QUESTIONS = frozenset(
    {f"/api/translator/{name}" for name in ("detect", "translate", "inspect")} | {"/api/route/explain"}
)
"""What is asked by POST and changes nothing."""


class Entry(CamelModel):
    id: int
    timestamp: datetime
    actor: str
    """A user's name; `API key` and the key's; `command line` and the system's user; `cloud sync`."""
    ip_address: str
    action: str
    target: str
    details: str
    """The id of what was made, and which fields were sent or changed, never their values."""


@router.get("/compliance/audit-log", response=list[Entry])
def get_audit_log(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = 100,
    before: int | None = None,
    actor: str = "",
    action: str = "",
) -> list[Entry]:
    """Logins, what was saved in the admin, every call of this API and every command that changed something, and what
    cloud sync took over, the newest first.

    `before` goes on from an entry's `id`; `actor` and `action` look for a part of either.
    """
    rows = AuditEntry.objects.filter(actor__icontains=actor, action__icontains=action)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [
        Entry(
            id=row.pk,
            timestamp=row.created_at,
            actor=row.actor,
            ip_address=row.address,
            action=row.action,
            target=row.target,
            details=row.details,
        )
        for row in rows[:limit]
    ]


def audited(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Note every call that was not refused and may have changed something."""

    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        who = getattr(request, "auth", None)
        if (
            request.method not in audit.READING
            and response.status_code < 400
            and request.path not in _OWN | _QUESTIONS
            and who
        ):
            name = f"API key {who.name}" if isinstance(who, ApiKey) else who.get_username()
            audit.note(
                str(request.method),
                actor=name,
                target=request.path,
                details=", ".join([*_made(response), *_fields(request)]),
                request=request,
            )
        return response

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]
    return wrapped


def _made(response: HttpResponse) -> list[str]:
    """The id of a new object: all that tells it from others once its name has changed."""
    if response.status_code != CREATED:
        return []
    answer = json.loads(response.content)
    objects = [answer, *(each for each in answer.values() if isinstance(each, dict))]
    return [f"id {each['id']}" for each in objects if "id" in each][:1]


def _fields(request: HttpRequest) -> list[str]:
    """The names of what was sent. A body is JSON whatever its client calls it, or a file."""
    names = list(request.GET)
    try:
        body = request.body
    except RawPostDataException:  # was read as a file
        return names
    sent = json.loads(body) if body.lstrip()[:1] == b"{" else {}
    return [*names, *sent]
