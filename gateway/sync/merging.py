"""Which state of each thing counts. Pure: states in, states out.

Every object carries when it changed last (milliseconds on the peer's clock, which all devices share) and which device
did it. The later change wins, the device's name decides a tie, so all devices come to the same end in any order. A
change that was made on top of another one is later than that by definition, whatever the clocks say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from omniroute.types import JSONDict

TOMBSTONE_MS = 180 * 86_400_000
"""A device that stays away longer brings back what was deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A state of one object. `fields` of None: it was deleted."""

    at: int
    device: str
    fields: JSONDict | None

    @property
    def order(self) -> tuple[int, str, str]:
        return self.at, self.device, digest(self.fields)

    def is_same(self, other: Stamped | None) -> bool:
        return other is not None and self.order == other.order


@dataclass(frozen=True, slots=True)
class Row:
    """What is in the database. `changed_at` in milliseconds, 0 where nobody knows."""

    fields: JSONDict
    changed_at: int = 0
    is_readable: bool = True
    """False: a secret of it cannot be decrypted here. That is no change, and the others' state mends it."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What is remembered of an object between two syncs. `digest` of "": deleted, or never synced (`at` of 0)."""

    at: int
    device: str
    digest: str
    edited_at: int = 0
    """When somebody changed it since, if that was noticed."""


Objects = dict[str, Stamped]
"""By `kind:key`."""


def digest(fields: JSONDict | None) -> str:
    if fields is None:
        return ""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def kind_of(id: str) -> str:
    return id.partition(":")[0]


def present(
    rows: Mapping[str, Row], shadows: Mapping[str, Shadow], parts: Collection[str], *, device: str, now: int
) -> Objects:
    """What this device has to say: its rows and what it deleted, the changes since the last sync stamped.

    Kinds among `parts` have no tombstones: they go with what they are part of. An object that was never synced, and of
    which nobody knows when it changed, has `at` of 0.
    """
    found: Objects = {}
    for id, row in rows.items():
        if not row.is_readable:
            continue
        shadow = shadows.get(id)
        if shadow and shadow.digest == digest(row.fields):
            found[id] = Stamped(shadow.at, shadow.device, row.fields)
            continue
        changed = (shadow.edited_at if shadow else 0) or row.changed_at
        if shadow and shadow.at:
            found[id] = Stamped(max(min(changed or now, now), shadow.at + 1), device, row.fields)
        else:
            found[id] = Stamped(min(changed, now), device, row.fields)
    for id, shadow in shadows.items():
        if id in rows or not shadow.at or kind_of(id) in parts:
            continue
        at = max(min(shadow.edited_at or now, now), shadow.at + 1) if shadow.digest else shadow.at
        found[id] = Stamped(at, device if shadow.digest else shadow.device, None)
    return found


def merge(local: Objects, remote: Objects, parts: Mapping[str, str], *, now: int) -> Objects:
    """The later state of each. `parts`: kind to the kind that it is part of, by the same key."""
    merged = dict(remote)
    for id, mine in local.items():
        theirs = remote.get(id)
        if theirs is None:
            merged[id] = mine if mine.at else replace(mine, at=now)
        elif mine.order > theirs.order:
            merged[id] = mine
    return {id: each for id, each in merged.items() if _stays(id, each, merged, parts, now)}


def _stays(id: str, each: Stamped, merged: Objects, parts: Mapping[str, str], now: int) -> bool:
    if each.fields is None:
        return each.at > now - TOMBSTONE_MS
    kind, _, key = id.partition(":")
    if kind not in parts:
        return True
    whole = merged.get(f"{parts[kind]}:{key}")
    return whole is not None and whole.fields is not None


def to_json(objects: Objects) -> JSONDict:
    return {
        id: {"at": each.at, "by": each.device, "fields": each.fields} for id, each in sorted(objects.items())
    }


def from_json(found: JSONDict) -> Objects:
    """Raise `KeyError`, `TypeError` or `ValueError` for another shape."""
    objects: Objects = {}
    for id, each in found.items():
        fields = each["fields"]
        if fields is not None and not isinstance(fields, dict):
            raise TypeError(f"{id} has no fields")
        objects[id] = Stamped(int(each["at"]), str(each["by"]), fields)
    return objects
