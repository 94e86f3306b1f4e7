"""Management API of the audit log, and what puts the API's own calls into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from billing.models import ApiKey
from omniroute import audit
from omniroute.models import AuditEntry
from omniroute.schema import CamelModel

router = Router(tags=["System"], by_alias=True)

MAX_ENTRIES = 1000
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
    """A user's name, or `API key` and the key's."""
    ip_address: str
    action: str
    target: str
    details: str
    """Which fields were sent or changed, never their values."""


@router.get("/compliance/audit-log", response=list[Entry])
def get_audit_log(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = 100,
    before: int | None = None,
    actor: str = "",
    action: str = "",
) -> list[Entry]:
    """Logins, what was saved in the admin and every call of this API that changed something, the newest first.
    `before` goes on from an entry's `id`; `actor` and `action` look for a part of either."""
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
                details=_fields(request),
                request=request,
            )
        return response

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]
    return wrapped


def _fields(request: HttpRequest) -> str:
    """The names of what was sent."""
    names = list(request.GET)
    if request.content_type == "application/json" and request.body:
        sent = json.loads(request.body)
        names += sent if isinstance(sent, dict) else []
    return ", ".join(map(str, names))
