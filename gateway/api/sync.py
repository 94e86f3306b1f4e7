"""Management API of the cloud sync, in the shapes that OmniRoute's clients know."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.conf import settings as django_settings
from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from gateway.models import SyncRun, SyncSettings
from gateway.sync import control
from gateway.sync.flow import address
from omniroute.jobs import schedule_all
from omniroute.schema import CamelModel, Line, Secret, StrictModel

router = Router(tags=["Cloud sync"], by_alias=True)

GroupId = Literal["accounts", "providers", "combos", "routing", "settings", "prices", "proxies", "keys"]
SHOWN_RUNS = 10


class Device(CamelModel):
    id: str
    name: str
    seen_at: datetime
    """Updated twice a day, and with every change that the device sends."""
    is_this: bool


class Refused(CamelModel):
    name: str
    reason: str


class Run(CamelModel):
    started_at: datetime
    cause: str
    """`schedule`, `change`, `now`, `enable` or `token`."""
    took_ms: int
    version: int
    error: str
    sent: list[str]
    taken: list[str]
    refused: list[Refused]


class SyncOut(CamelModel):
    enabled: bool
    url: str
    url_from_environment: bool
    space: str
    device_name: str
    groups: list[str]
    interval_minutes: int
    version: int
    last_sync_at: datetime | None
    next_try_at: datetime | None
    """Set after a failure: no earlier by itself."""
    error: str
    error_code: str
    devices: list[Device]
    runs: list[Run]


class SyncAction(StrictModel):
    action: Literal["test", "enable", "sync", "disable"]
    url: Line = ""
    """Of the OmniRoute that keeps the sealed copy. CLOUD_URL of the environment wins."""
    api_key: Secret = ""
    """A key of that OmniRoute, of scope `sync` or `manage`."""
    passphrase: Annotated[str, Field(max_length=1000)] = ""
    """Never leaves this machine. Every device needs the same one."""
    space: Annotated[Line, Field(max_length=60)] = ""
    device_name: Annotated[Line, Field(max_length=100)] = ""
    groups: list[GroupId] = []
    """What is shared; all, unless told otherwise."""
    interval_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    delete_remote: bool = False
    """With `disable`: delete the copy at the peer, which ends the sync of all devices."""
    accept_older: bool = False
    """With `sync`: go on although the peer's copy is older than, or another than, the one that was seen last."""


class SyncAnswer(CamelModel):
    success: Literal[True] = True
    message: str
    version: int
    sent: list[str] = []
    taken: list[str] = []
    refused: list[Refused] = []


class Initialized(CamelModel):
    success: Literal[True] = True
    enabled: bool
    interval_minutes: int


@router.get("/sync/cloud", response=SyncOut, summary="How the cloud sync is doing")
def get_cloud_sync(request: HttpRequest) -> SyncOut:
    """Neither the passphrase nor the peer's API key is shown."""
    row = SyncSettings.load()
    return SyncOut(
        enabled=row.is_enabled,
        url=address(row),
        url_from_environment=bool(django_settings.CLOUD_URL),
        space=row.space,
        device_name=row.device_name,
        groups=row.groups,
        interval_minutes=row.interval_minutes,
        version=row.version,
        last_sync_at=row.synced_at,
        next_try_at=row.next_try_at,
        error=row.error,
        error_code=row.error_code,
        devices=[Device(**each) for each in control.devices(row)],
        runs=[Run.model_validate(run, from_attributes=True) for run in SyncRun.objects.all()[:SHOWN_RUNS]],
    )


@router.post("/sync/cloud", response=SyncAnswer, summary="Test, enable, sync now, or disable")
def act_on_cloud_sync(request: HttpRequest, body: SyncAction) -> SyncAnswer:
    """502 where the peer cannot be used: what is here stays as it is, and in use. 400 for a wrong passphrase."""
    if body.action == "disable":
        control.disable(delete_remote=body.delete_remote)
        return SyncAnswer(message="Cloud sync is off. The configuration stays here.", version=0)
    if body.action == "sync":
        return _answer(control.sync_now(accept_older=body.accept_older))
    wish = control.Wish(
        url=body.url,
        api_key=body.api_key,
        passphrase=body.passphrase,
        space=body.space,
        device_name=body.device_name,
        groups=tuple(body.groups),
        interval_minutes=body.interval_minutes,
    )
    if body.action == "enable":
        return _answer(control.enable(wish))
    version = control.test(wish)
    found = f"version {version} of the copy is there" if version else "there is no copy yet"
    return SyncAnswer(message=f"The peer can be used: {found}.", version=version)


@router.post("/sync/initialize", response=Initialized, summary="See that the periodic sync is scheduled")
def initialize_cloud_sync(request: HttpRequest) -> Initialized:
    """It is, from the first start on; this brings back a schedule that was deleted."""
    schedule_all()
    row = SyncSettings.load()
    return Initialized(enabled=row.is_enabled, interval_minutes=row.interval_minutes)


def _answer(run: SyncRun) -> SyncAnswer:
    return SyncAnswer(
        message=f"Sent {len(run.sent)}, took {len(run.taken)}.",
        version=run.version,
        sent=run.sent,
        taken=run.taken,
        refused=[Refused(**each) for each in run.refused],
    )
