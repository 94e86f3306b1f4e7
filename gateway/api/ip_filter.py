"""Management API of access by address, in OmniRoute's shapes (docs/api.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field, StrictBool

from gateway.edge.access import refuse_own_lockout
from omniroute.errors import InvalidRequest
from omniroute.schema import CamelModel, Line, StrictModel
from resilience.config import load_ip_filter
from resilience.models import IpRules, TemporaryBan

router = Router(tags=["Settings"], by_alias=True)

Entries = Annotated[list[Line], Field(max_length=10_000)]


class Ban(CamelModel):
    ip: str
    until: datetime
    reason: str
    remaining_ms: int


class IpFilterOut(CamelModel):
    enabled: bool
    mode: str
    blacklist: list[str]
    whitelist: list[str]
    temp_bans: list[Ban]


class NewBan(StrictModel):
    ip: Line
    duration_ms: Annotated[int, Field(ge=1000, le=365 * 86_400_000)] = 3_600_000
    reason: Annotated[Line, Field(max_length=200)] = ""


class IpFilterChange(StrictModel):
    enabled: StrictBool | None = None
    mode: Literal["blacklist", "whitelist", "whitelist-priority"] | None = None
    blacklist: Entries | None = None
    whitelist: Entries | None = None
    add_blacklist: Line | None = None
    remove_blacklist: Line | None = None
    add_whitelist: Line | None = None
    remove_whitelist: Line | None = None
    temp_ban: NewBan | None = None
    remove_ban: Line | None = None


@router.get("/settings/ip-filter", response=IpFilterOut)
def get_ip_filter(request: HttpRequest) -> IpFilterOut:
    """Which addresses may come, and which are banned for a while."""
    row, now = IpRules.load(), timezone.now()
    bans = TemporaryBan.objects.filter(until__gt=now)
    return IpFilterOut(
        enabled=row.enabled,
        mode=row.mode,
        blacklist=row.blacklist,
        whitelist=row.whitelist,
        temp_bans=[
            Ban(
                ip=ban.address,
                until=ban.until,
                reason=ban.reason,
                remaining_ms=round((ban.until - now).total_seconds() * 1000),
            )
            for ban in bans
        ],
    )


@router.put("/settings/ip-filter", response=IpFilterOut)
def put_ip_filter(request: HttpRequest, body: IpFilterChange) -> IpFilterOut:
    """Only what is present changes. What would lock out the caller is refused, and changes nothing."""
    with transaction.atomic():
        row = IpRules.load()
        changes = body.model_dump(exclude_none=True, exclude={"temp_ban", "remove_ban"})
        if changes:
            _apply(row, changes)
            row.full_clean()
            row.save()
        if body.remove_ban is not None:
            for ban in TemporaryBan.objects.filter(address=body.remove_ban):
                ban.delete()
        if body.temp_ban is not None:
            _ban(body.temp_ban)
        try:
            refuse_own_lockout(request, load_ip_filter(row))
        except ValidationError as error:
            raise InvalidRequest(" ".join(error.messages), code="would_lock_out") from None
    return get_ip_filter(request)


def _apply(row: IpRules, changes: dict[str, Any]) -> None:
    for name in ("enabled", "mode", "blacklist", "whitelist"):
        setattr(row, name, changes.get(name, getattr(row, name)))
    for name in ("blacklist", "whitelist"):
        entries = list(getattr(row, name))
        if (more := changes.get(f"add_{name}")) and more not in entries:
            entries.append(more)
        setattr(row, name, [entry for entry in entries if entry != changes.get(f"remove_{name}")])


def _ban(wanted: NewBan) -> None:
    ban = TemporaryBan(
        address=wanted.ip,
        until=timezone.now() + timedelta(milliseconds=wanted.duration_ms),
        reason=wanted.reason,
    )
    ban.clean()
    for old in TemporaryBan.objects.filter(address=ban.address):
        ban.pk, ban.created_at = old.pk, old.created_at
    ban.save()
