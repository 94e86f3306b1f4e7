"""Between the objects of a sync and the rows of this database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from gateway.models import SyncObject
from gateway.sync.groups import kinds_of, shown
from gateway.sync.merging import Objects, Row, Shadow, Stamped, digest, kind_of
from gateway.sync.muting import muted
from omniroute import portable
from omniroute.types import JSONDict
from providers.models import Account


class ChangedMeanwhile(Exception):
    """Somebody edited what was about to be written: look again."""


def read_rows(groups: Collection[str], offset_ms: int) -> dict[str, Row]:
    """By id, with the times of changes on the peer's clock."""
    return {
        f"{kind}:{key}": Row(fields, _changed_at(kind, row, offset_ms), portable.is_readable(row, kind))
        for kind in kinds_of(groups)
        for key, fields, row in portable.read(kind)
    }


def _changed_at(kind: str, row: models.Model, offset_ms: int) -> int:
    """A token is as new as its renewal, whatever else of the row was saved since."""
    moment = getattr(row, "updated_at", None)
    if kind == "credential" and isinstance(row, Account) and row.last_refresh_at:
        moment = row.last_refresh_at
    return round(moment.timestamp() * 1000) + offset_ms if isinstance(moment, datetime) else 0


def read_shadows(groups: Collection[str], offset_ms: int) -> dict[str, Shadow]:
    return {
        str(row): Shadow(row.at, row.device, row.digest, row.edited_at and row.edited_at + offset_ms)
        for row in SyncObject.objects.filter(kind__in=kinds_of(groups))
    }


def adopt_alike(remote: Objects, rows: dict[str, Row]) -> bool:
    """An account that another device shares and this one had before, too, is one account: it takes the shared name.
    True if there was one."""
    known = {id.partition(":")[2] for id in remote if kind_of(id) == "account"}
    if not known:
        return False
    shared = set(SyncObject.objects.filter(kind="account", at__gt=0).values_list("key", flat=True))
    own = {row.uid: row for row in Account.objects.exclude(uid__in=known | shared)}
    found = False
    for uid in sorted(known):
        theirs = remote[f"account:{uid}"].fields
        credential = remote.get(f"credential:{uid}")
        if not own or theirs is None or f"account:{uid}" in rows:
            continue
        keys = credential.fields if credential and credential.fields else {}
        alike = next((row for row in own.values() if _is_alike(row, theirs, keys)), None)
        if alike is not None:
            Account.objects.filter(pk=alike.pk).update(uid=uid)
            SyncObject.objects.filter(kind__in=("account", "credential"), key=alike.uid).delete()
            del own[alike.uid]
            found = True
    return found


def _is_alike(row: Account, account: JSONDict, credential: JSONDict) -> bool:
    if row.provider != account.get("provider") or row.base_url != account.get("base_url", ""):
        return False
    if row.auth_type != credential.get("auth_type"):
        return False
    if row.auth_type == Account.AuthType.OAUTH:
        who = (row.email, row.external_id)
        return any(who) and who == (account.get("email"), account.get("external_id"))
    if row.auth_type == Account.AuthType.NONE:
        return row.name == account.get("name")
    return bool(row.api_key) and row.api_key == credential.get("api_key")


def apply(wanted: Objects, rows: dict[str, Row]) -> tuple[list[str], dict[str, str]]:
    """Write what others changed. Return the ids that are in place, and those that do not fit here with the reason.

    Within the caller's transaction. Raise `ChangedMeanwhile` where a row is not what `rows` says.
    """
    order = {kind: place for place, kind in enumerate(portable.kinds())}
    waiting = sorted(wanted, key=lambda id: (wanted[id].fields is not None, order[kind_of(id)], id))
    done: list[str] = []
    reasons: dict[str, str] = {}
    _check_unchanged(wanted, rows)
    with muted():
        while waiting:
            left: list[str] = []
            for id in waiting:
                try:
                    with transaction.atomic():
                        _put(id, wanted[id])
                    done.append(id)
                    reasons.pop(id, None)
                except (ValidationError, IntegrityError, TypeError, ValueError) as error:
                    left.append(id)
                    reasons[id] = _words(error)
            if len(left) == len(waiting):
                break
            waiting = left  # what is written by now may be what these waited for
    return done, reasons


def _check_unchanged(wanted: Objects, rows: dict[str, Row]) -> None:
    """Before the first write: what is written may change other rows. Locks the rows."""
    for id in wanted:
        kind, _, key = id.partition(":")
        row = portable.find(kind, key)
        if row is not None:
            row = type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
        now = portable.fields_of(row, kind) if row is not None else None
        if digest(now) != digest(rows[id].fields if id in rows else None):
            raise ChangedMeanwhile(id)


def _put(id: str, state: Stamped) -> None:
    kind, _, key = id.partition(":")
    if state.fields is None:
        portable.delete(kind, key)
    else:
        portable.write(kind, key, state.fields)


def remember(
    merged: Objects, groups: Collection[str], skipped: Collection[str], shadows: dict[str, Shadow]
) -> None:
    """The state after the merge, so that the next sync sees what changed since. What was `skipped` stays unknown."""
    kinds = kinds_of(groups)
    rows = read_rows(groups, 0)
    for id, each in merged.items():
        if kind_of(id) not in kinds or id in skipped:
            continue
        held = rows.get(id)
        shadow = Shadow(each.at, each.device, digest(held.fields) if held and each.fields is not None else "")
        if shadows.get(id) != shadow:
            kind, _, key = id.partition(":")
            values = {"at": shadow.at, "device": shadow.device, "digest": shadow.digest, "edited_at": 0}
            SyncObject.objects.update_or_create(kind=kind, key=key, defaults=values)
    gone = [id for id in shadows if id not in merged and id not in rows]
    for id in gone:
        kind, _, key = id.partition(":")
        SyncObject.objects.filter(kind=kind, key=key).delete()


def forget() -> None:
    """As if nothing had ever been synced."""
    SyncObject.objects.all().delete()


def forget_others(groups: Collection[str]) -> None:
    """What is shared no more: if it is shared again later, both sides are brought together anew."""
    SyncObject.objects.exclude(kind__in=kinds_of(groups)).delete()


def name_of(id: str, objects: Objects, rows: dict[str, Row]) -> str:
    state = objects.get(id)
    row = rows.get(id)
    name = shown(id, (state.fields if state else None) or (row.fields if row else None))
    return f"{name} (deleted)" if state and state.fields is None else name


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)[:300]
    if isinstance(error, IntegrityError):
        return "Something else here has the same name"
    return f"It is not of the shape that this version knows: {error}"[:300]
