"""Where request logs lie: in the database, or as files by day. Found by the request's id.

Only what is already redacted comes here (`gateway.records.redaction`).
"""

from __future__ import annotations

import json
import os
import re
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from django.conf import settings as django_settings

from billing.models import RequestLog, UsageSettings
from omniroute.types import JSONDict

FOLDER = "request_logs"
_ID = re.compile(r"req_0[0-9a-f]{27}")
"""As `gateway.edge.inbound` makes them: the time in milliseconds, then chance."""
REREAD_S = 5.0

Entry = tuple[str, JSONDict]
"""Request id, what is logged."""


class LogSettings(NamedTuple):
    place: str
    body_limit: int
    """Bytes."""


_settings: tuple[float, LogSettings] | None = None


def settings() -> LogSettings:
    """Blocking. What is saved in the admin holds within `REREAD_S`."""
    global _settings
    now = time.monotonic()
    if _settings is None or now - _settings[0] > REREAD_S:
        row = UsageSettings.load()
        _settings = (now, LogSettings(row.log_place, row.log_body_kb * 1024))
    return _settings[1]


def save(entries: Sequence[Entry], to: LogSettings) -> None:
    """Raise `DatabaseError` or `OSError`."""
    if to.place == UsageSettings.Place.DISK:
        for entry in entries:
            _write(entry)
        return
    now = datetime.now(UTC)
    RequestLog.objects.bulk_create(
        [RequestLog(request_id=pk, created_at=now, document=_pack(shown)) for pk, shown in entries],
        ignore_conflicts=True,
    )


def load(request_id: str) -> JSONDict | None:
    """What was logged of a request, wherever it lies; None: nothing, or no more."""
    row = RequestLog.objects.filter(request_id=request_id).first()
    if row is not None:
        return _read(zlib.decompress(bytes(row.document)))
    path = _path(request_id)
    try:
        return _read(path.read_bytes()) if path else None
    except (OSError, ValueError):
        return None


def is_on_disk(request_id: str) -> bool:
    path = _path(request_id)
    return path is not None and path.exists()


def folder() -> Path:
    return Path(django_settings.DATA_DIR) / FOLDER


def days() -> list[date]:
    """Of which there are files, oldest first."""
    found = []
    for path in folder().glob("????-??-??"):
        try:
            found.append(date.fromisoformat(path.name))
        except ValueError:
            continue
    return sorted(found)


def _write(entry: Entry) -> None:
    """First elsewhere, then in its place, so that nobody reads half of it. Readable by the owner alone."""
    request_id, document = entry
    path = _path(request_id)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    with open(part, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
    part.rename(path)


def _path(request_id: str) -> Path | None:
    """By the day that the id begins with. None for an id that is no request's."""
    if not _ID.fullmatch(request_id):
        return None
    start = datetime.fromtimestamp(int(request_id[4:16], 16) / 1000, UTC)
    return folder() / f"{start:%Y-%m-%d}" / f"{request_id}.json"


def _pack(document: JSONDict) -> bytes:
    return zlib.compress(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"), 1)


def _read(text: bytes) -> JSONDict:
    document: JSONDict = json.loads(text)
    return document
