"""The place where others sync: sealed envelopes, by the API key that brings them and a name. Nothing here reads them.

GET    /sync/{space}?have=3     the envelope and its version, unless it is 3
POST   /sync/{space}            {protocol, base, device, envelope}: replaces version `base`, or 409
DELETE /sync/{space}
POST   /sync/{space}/lease      {name, device, seconds}: one device at a time
GET    /{space}/v1/verify       whether the key may sync
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Annotated, Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.security import HttpBearer
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from billing.models import ApiKey
from gateway.api.management_auth import usable_key
from gateway.models import SyncLease, SyncSpace
from gateway.sync.peer import MAX_ENVELOPE_BYTES, PROTOCOL
from omniroute.errors import ClientError, Forbidden, InvalidRequest, NotFound, RequestTooLarge
from omniroute.types import JSONDict

MAX_SPACES = 20
"""For one key."""
MAX_LEASE_S = 300
Name = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+=*$")]


class SyncKey(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        key = usable_key(token, request.META.get("REMOTE_ADDR", ""))
        if key.scope not in (ApiKey.Scope.SYNC, ApiKey.Scope.MANAGE):
            raise Forbidden("This API key may not sync: it needs the scope 'sync' or 'manage'")
        return key


class Kdf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    n: StrictInt
    r: StrictInt
    p: StrictInt
    salt: Annotated[Base64, Field(max_length=100)]


class Envelope(BaseModel):
    """Only what is sealed is taken: a client that sends its configuration in clear is refused."""

    model_config = ConfigDict(extra="forbid")

    v: StrictInt
    kdf: Kdf
    check: Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]+$")]
    nonce: Annotated[Base64, Field(max_length=64)]
    data: Base64


class Push(BaseModel):
    model_config = ConfigDict(extra="forbid")

    protocol: StrictInt
    base: Annotated[StrictInt, Field(ge=0)]
    """The version that this one replaces; 0: there is none."""
    device: Annotated[Name, Field(max_length=32)]
    envelope: Envelope


class Lease(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    device: Annotated[Name, Field(max_length=32)]
    seconds: Annotated[float, Field(ge=0, le=MAX_LEASE_S)]
    """0: it is done."""


class Held(BaseModel):
    success: Literal[True] = True
    protocol: int = PROTOCOL
    version: int
    """0: nothing is kept under this name."""
    now: int
    """This machine's clock in Unix milliseconds: what all devices order their changes by."""
    envelope: dict[str, Any] | None = None


class Granted(BaseModel):
    protocol: int = PROTOCOL
    granted: bool


class Conflicting(ClientError):
    status = 409
    code = "version_conflict"


router = Router(tags=["Sync"], auth=SyncKey())
verification = Router(tags=["Sync"], auth=SyncKey())


def _held(request: HttpRequest, space: str, have: int | None = None) -> Held:
    row = _find(request, space)
    version = row.version if row else 0
    envelope: JSONDict | None = (
        json.loads(row.envelope) if row and have is not None and version != have else None
    )
    return Held(version=version, now=round(time.time() * 1000), envelope=envelope)


def _find(request: HttpRequest, space: str) -> SyncSpace | None:
    return SyncSpace.objects.filter(owner=_key(request), name=space).first()


def _key(request: HttpRequest) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # `SyncKey` put it there
    return key


@verification.get("/{space}/v1/verify", response=Held, summary="Whether this key may sync here")
def verify(request: HttpRequest, space: str) -> Held:
    return _held(request, space)


@router.get("/{space}", response=Held, summary="The sealed copy")
def fetch(request: HttpRequest, space: str, have: int = 0) -> Held:
    """Without the envelope where its version is the one that the caller has."""
    return _held(request, space, have)


@router.post("/{space}", response=Held, summary="Replace the sealed copy")
def push(request: HttpRequest, space: str, body: Push) -> Held:
    """409 where `base` is not the version that is kept: fetch, merge, and try again."""
    if body.protocol != PROTOCOL:
        raise InvalidRequest(
            f"This gateway speaks version {PROTOCOL} of the sync protocol, not {body.protocol}",
            code="unknown_protocol",
        )
    if len(body.envelope.data) > MAX_ENVELOPE_BYTES:
        raise RequestTooLarge(f"A copy may have {MAX_ENVELOPE_BYTES // 2**20} MB")
    envelope = json.dumps(body.envelope.model_dump(), separators=(",", ":"))
    values = {"envelope": envelope, "device": body.device, "updated_at": timezone.now()}
    rows = SyncSpace.objects.filter(owner=_key(request), name=space, version=body.base)
    is_in_place = bool(rows.update(version=F("version") + 1, **values))
    if not is_in_place and (body.base or not _create(request, space, values)):
        raise Conflicting(f"Version {body.base} is not the newest one")
    return Held(version=body.base + 1, now=round(time.time() * 1000))


def _create(request: HttpRequest, space: str, values: JSONDict) -> bool:
    row = SyncSpace(owner=_key(request), name=space, **values)
    row.clean_fields()
    if SyncSpace.objects.filter(owner=row.owner).count() >= MAX_SPACES:
        raise Forbidden(f"One API key may have {MAX_SPACES} spaces")
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


@router.delete("/{space}", response=Held, summary="Delete the sealed copy")
def delete(request: HttpRequest, space: str) -> Held:
    """Also where there is none."""
    SyncSpace.objects.filter(owner=_key(request), name=space).delete()
    return Held(version=0, now=round(time.time() * 1000))


@router.post("/{space}/lease", response=Granted, summary="One device at a time")
def lease(request: HttpRequest, space: str, body: Lease) -> Granted:
    """Whether the device may do now what the name stands for, which only the devices know."""
    row, now = _find(request, space), timezone.now()
    if row is None:
        raise NotFound(f"There is no space {space!r} for this key")
    SyncLease.objects.filter(space=row, until__lt=now).delete()
    held = SyncLease.objects.filter(space=row, name=body.name)
    if not body.seconds:
        held.filter(device=body.device).delete()
        return Granted(granted=True)
    until = now + timedelta(seconds=body.seconds)
    if held.filter(Q(device=body.device)).update(until=until):
        return Granted(granted=True)
    try:
        with transaction.atomic():
            SyncLease.objects.create(space=row, name=body.name, device=body.device, until=until)
    except IntegrityError:
        return Granted(granted=False)
    return Granted(granted=True)
