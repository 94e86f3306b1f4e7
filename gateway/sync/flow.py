"""One sync, from beginning to end: fetch, open, merge, write, send.

What others changed is written in one transaction, together with what is remembered of it, before anything is sent: a
sync that is cut off anywhere leaves a state that the next one goes on from. One sync at a time, by a lease in the row.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from gateway.models import SyncRun, SyncSettings
from gateway.sync import local, merging
from gateway.sync import peer as peers
from gateway.sync.envelope import Keys, digest, keys_for, new_keys, seal, unseal
from gateway.sync.errors import SyncError
from gateway.sync.groups import kinds_of, parts
from gateway.sync.merging import Objects, from_json, kind_of
from gateway.sync.peer import Conflict, Copy, Peer
from omniroute import audit
from omniroute.types import JSONDict

TRIES = 6
"""How often another device may be faster, before this one gives up until the next time."""
LONGEST_S = 45.0
"""No further try after this time."""
LEASE_S = 90
"""Longer than the last try takes, so that no other process begins beside it."""
SEEN_STEP = timedelta(hours=12)
"""How often a device that has nothing to say shows that it is there."""
KEPT_RUNS = 50


@dataclass(slots=True)
class Outcome:
    version: int = 0
    sent: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    refused: list[JSONDict] = field(default_factory=list)


def address(row: SyncSettings) -> str:
    """The environment wins: it is the operator's word."""
    return (django_settings.CLOUD_URL or row.url).strip().rstrip("/")


def peer_of(row: SyncSettings) -> Peer:
    return Peer(address(row), row.api_key, row.space, row.device)


def synchronise(cause: str, *, accept_older: bool = False) -> SyncRun:
    """Raise `SyncError`; what went wrong is remembered, too."""
    row, started = SyncSettings.load(), time.monotonic()
    if not row.is_enabled:
        raise SyncError("Cloud sync is not enabled", status=400, code="sync_disabled")
    owner = _take_lease()
    run = SyncRun(cause=cause, version=row.version)
    try:
        outcome = _attempts(row, accept_older)
    except SyncError as error:
        _note_failure(error)
        run.error = error.message[:500]
        raise
    else:
        _note_success()
        run.version, run.sent = outcome.version, outcome.sent
        run.taken, run.refused = outcome.taken, outcome.refused
    finally:
        run.took_ms = round((time.monotonic() - started) * 1000)
        _keep(run)
        SyncSettings.objects.filter(lease=owner).update(lease="", lease_until=None)
    return run


def _attempts(row: SyncSettings, accept_older: bool) -> Outcome:
    outcome, deadline = Outcome(row.version), time.monotonic() + LONGEST_S
    for _ in range(TRIES):
        if time.monotonic() > deadline:
            break
        row = SyncSettings.load()
        try:
            if _once(row, outcome, accept_older):
                return outcome
        except (Conflict, local.ChangedMeanwhile):
            continue
    raise SyncError(
        "Other devices are changing the copy all the time: the next sync tries again", code="busy"
    )


def _once(row: SyncSettings, outcome: Outcome, accept_older: bool) -> bool:
    """Raise `Conflict` or `ChangedMeanwhile` where it has to be done again. True: done."""
    peer = peer_of(row)
    copy = peers.fetch(peer, have=row.version)
    is_known = copy.version == row.version and copy.envelope is None
    if is_known and not _has_news(row, copy.offset_ms):
        outcome.version = copy.version
        return True
    if is_known and copy.version:
        copy = peers.fetch(peer)
    if not accept_older:
        refuse_rollback(row, copy)
    keys, remote, devices = open_copy(row, copy)
    merged, to_send = _merge(row, copy, remote, outcome)
    SyncSettings.objects.filter(pk=1).update(kdf=keys.kdf)
    outcome.version = copy.version
    devices, is_due = _with_this(row, devices)
    if to_send or is_due or not copy.version:
        _send(row, copy, keys, merged, devices)
        outcome.version = copy.version + 1
        outcome.sent = list(dict.fromkeys([*outcome.sent, *to_send]))
    SyncSettings.objects.filter(pk=1).update(is_pending=False, devices=devices)
    return True


def open_copy(row: SyncSettings, copy: Copy) -> tuple[Keys, Objects, JSONDict]:
    """The keys, and what the copy holds: objects and devices. Raise `SyncError`."""
    if not row.passphrase:
        raise SyncError("The passphrase cannot be read any more: enable the sync anew", code="no_passphrase")
    if copy.envelope is None:
        return new_keys(row.passphrase), {}, {}
    keys = keys_for(copy.envelope, row.passphrase)
    document = unseal(copy.envelope, keys, space=row.space, version=copy.version)
    try:
        devices = document.get("devices")
        return keys, from_json(document["objects"]), devices if isinstance(devices, dict) else {}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SyncError(
            "The copy at the peer is of a shape that this version does not know: update OmniRoute",
            code="unknown_format",
        ) from None


def refuse_rollback(row: SyncSettings, copy: Copy) -> None:
    if copy.version == 0 and row.version:
        raise SyncError(
            f"The copy is gone from the peer (version {row.version} was there). If that was meant, disable the sync "
            "here or send this device's state anew",
            code="copy_gone",
        )
    if copy.version < row.version:
        raise SyncError(
            f"The peer holds an older copy (version {copy.version}) than was seen here ({row.version}): it was "
            "restored from a backup, or somebody replays it. Nothing was changed",
            code="older_copy",
        )
    if copy.version == row.version and copy.envelope and digest(copy.envelope) != row.digest:
        raise SyncError(
            f"The peer holds another version {copy.version} than the one that was seen here. Nothing was changed",
            code="other_copy",
        )


def _has_news(row: SyncSettings, offset_ms: int) -> bool:
    """Is there anything that the copy, whose version is known, does not have?"""
    if row.is_pending or not row.version or _with_this(row, row.devices)[1]:
        return True
    rows, shadows = local.read_rows(row.groups, offset_ms), local.read_shadows(row.groups, offset_ms)
    parts_of = parts()
    for id, held in rows.items():
        if not held.is_readable or id not in shadows or shadows[id].digest != merging.digest(held.fields):
            return True
    return any(each.digest and id not in rows and kind_of(id) not in parts_of for id, each in shadows.items())


def _merge(row: SyncSettings, copy: Copy, remote: Objects, outcome: Outcome) -> tuple[Objects, list[str]]:
    """Bring this database and the copy to the same state. Return all objects, and the names of what the copy lacks."""
    groups, now = row.groups, round(time.time() * 1000) + copy.offset_ms
    with transaction.atomic():
        rows = local.read_rows(groups, copy.offset_ms)
        if "accounts" in groups and local.adopt_alike(remote, rows):
            rows = local.read_rows(groups, copy.offset_ms)
        shadows = local.read_shadows(groups, copy.offset_ms)
        mine = merging.present(rows, shadows, parts(), device=row.device, now=now)
        merged = merging.merge(mine, remote, parts(), now=now)
        kinds = kinds_of(groups)
        wanted = {
            id: each
            for id, each in merged.items()
            if kind_of(id) in kinds
            and not each.is_same(mine.get(id))
            and each.is_same(remote.get(id))
            and (id in rows or each.fields is not None)
        }
        done, reasons = local.apply(wanted, rows)
        local.remember(merged, groups, reasons, shadows)
        to_send = [id for id, each in merged.items() if not each.is_same(remote.get(id))]
        SyncSettings.objects.filter(pk=1).update(
            version=copy.version,
            digest=digest(copy.envelope) if copy.envelope else "",
            offset_ms=copy.offset_ms,
            is_pending=bool(to_send),
        )
    names = [local.name_of(id, merged, rows) for id in done]
    if names:
        audit.note("took over", actor="cloud sync", target=", ".join(names))
    outcome.taken = list(dict.fromkeys([*outcome.taken, *names]))
    outcome.refused = [
        {"name": local.name_of(id, merged, rows), "reason": reason} for id, reason in reasons.items()
    ]
    return merged, [local.name_of(id, merged, rows) for id in to_send]


def _send(row: SyncSettings, copy: Copy, keys: Keys, merged: Objects, devices: JSONDict) -> None:
    version = copy.version + 1
    document = {"objects": merging.to_json(merged), "devices": devices}
    envelope = seal(document, keys, space=row.space, version=version)
    if len(envelope["data"]) > peers.MAX_ENVELOPE_BYTES:
        raise SyncError("There is more to share than a copy can hold: share fewer groups", code="too_large")
    peers.push(peer_of(row), envelope, copy.version)
    SyncSettings.objects.filter(pk=1).update(version=version, digest=digest(envelope))


def _with_this(row: SyncSettings, devices: JSONDict) -> tuple[JSONDict, bool]:
    """The devices with this one, and whether that is worth a new version of the copy."""
    now = timezone.now()
    known: Any = devices.get(row.device)
    try:
        is_fresh = (
            known["name"] == row.device_name and now.timestamp() - known["at"] < SEEN_STEP.total_seconds()
        )
    except (TypeError, KeyError):
        is_fresh = False
    if is_fresh:
        return devices, False
    return {**devices, row.device: {"name": row.device_name, "at": round(now.timestamp())}}, True


def _take_lease() -> str:
    """Raise `SyncError` (409) while another process syncs. By the database's clock, which all processes share."""
    owner = secrets.token_hex(8)
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    rows = SyncSettings.objects.filter(free, pk=1)
    if not rows.update(lease=owner, lease_until=Now() + timedelta(seconds=LEASE_S), tried_at=timezone.now()):
        raise SyncError("A sync is under way already", status=409, code="sync_running")
    return owner


def _note_failure(error: SyncError) -> None:
    row = SyncSettings.load()
    wait = min(row.interval_minutes * 2**row.failures, 60)
    SyncSettings.objects.filter(pk=1).update(
        error=error.message[:500],
        error_code=error.code[:40],
        failures=min(row.failures + 1, 10),
        next_try_at=timezone.now() + timedelta(minutes=wait),
    )


def _note_success() -> None:
    SyncSettings.objects.filter(pk=1).update(
        error="", error_code="", failures=0, next_try_at=None, synced_at=timezone.now()
    )


def _keep(run: SyncRun) -> None:
    """Unless it found nothing to do, or nothing but what the one before it told already."""
    last = SyncRun.objects.first()
    is_news = run.refused != (last.refused if last else []) or run.error
    if not (is_news or run.sent or run.taken or run.cause in ("now", "enable")):
        return
    run.save()
    old = SyncRun.objects.order_by("-id").values_list("id", flat=True)[KEPT_RUNS:]
    SyncRun.objects.filter(id__in=list(old)).delete()
