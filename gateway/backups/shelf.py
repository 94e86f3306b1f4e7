"""The backups in `DATA_DIR/db_backups`: made, listed, and deleted when there are too many. Each is a file; its name
says when and why it was made. Whatever else is in the folder is left alone."""

from __future__ import annotations

import re
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from gateway.backups import tables
from gateway.backups.checking import reading
from gateway.backups.models import BackupSettings
from gateway.backups.writing import write_backup
from omniroute.errors import NotFound

REASONS = {
    "manual": "Made by hand",
    "scheduled": "Daily",
    "pre-import": "Before an import",
    "pre-restore": "Before a restore",
}
THROTTLE_S = 60.0
"""Backups asked for by hand are this far apart."""
_NAME = re.compile(r"db_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z)_([a-z-]{1,40})\.sqlite")
_MOMENT = "%Y-%m-%dT%H-%M-%S-%f"


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path
    created_at: datetime
    reason: str
    size: int

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def why(self) -> str:
        return REASONS.get(self.reason, self.reason.replace("-", " ").capitalize())


def folder() -> Path:
    path = Path(settings.DATA_DIR) / "db_backups"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def backups() -> list[Backup]:
    """The newest first."""
    found = [backup for path in folder().glob("db_*.sqlite") if (backup := _backup_of(path))]
    return sorted(found, key=lambda backup: backup.id, reverse=True)


def find(id: str) -> Backup:
    """Raise `NotFound`. An id is a file's name, and nothing that leads out of the folder."""
    backup = _backup_of(folder() / id) if _NAME.fullmatch(id) else None
    if backup is None:
        raise NotFound("There is no such backup", param="backupId")
    return backup


def make(reason: str, *, history: bool = True, only_if_changed: bool = False) -> Backup | None:
    """None where nothing has changed since the last backup, and one was wanted only then."""
    digest = tables.digest()
    if only_if_changed and any(meta(backup).get("digest") == digest for backup in backups()[:1]):
        return None
    moment = datetime.now(UTC)
    while True:
        path = folder() / f"db_{moment.strftime(_MOMENT)[:-3]}Z_{reason}.sqlite"
        if not path.exists():
            break
        moment += timedelta(milliseconds=1)
    write_backup(path, reason=reason, history=history, digest=digest)
    made = _backup_of(path)
    assert made is not None
    return made


def wait_s() -> float:
    """How long until one may be made by hand again: one at a time, and not in a loop."""
    newest = next(iter(backups()), None)
    if newest is None or newest.reason != "manual":
        return 0.0
    return max(0.0, THROTTLE_S - (time.time() - newest.created_at.timestamp()))


def prune(keep: int | None = None, days: int | None = None) -> list[str]:
    """Delete what the settings, or these, do not keep; never the newest. Returns the names of what is gone."""
    if keep is None and days is None:
        kept = BackupSettings.load()
        keep, days = kept.keep_backups, kept.keep_backups_days
    oldest = datetime.now(UTC) - timedelta(days=days) if days is not None else None
    gone = []
    for place, backup in enumerate(backups()):
        too_many = keep is not None and place >= max(keep, 1)
        too_old = oldest is not None and backup.created_at < oldest
        if place and (too_many or too_old):
            backup.path.unlink(missing_ok=True)
            gone.append(backup.id)
    return gone


def meta(backup: Backup) -> dict[str, str]:
    """What the file says of itself; {} where it is none of this product, or cannot be read."""
    try:
        with reading(backup.path) as file:
            return dict(file.execute(f"SELECT name, value FROM {tables.META}"))  # noqa: S608
    except sqlite3.Error:
        return {}


def accounts_in(backup: Backup) -> int:
    try:
        with reading(backup.path) as file:
            return int(file.execute("SELECT count(*) FROM provider_connections").fetchone()[0])
    except sqlite3.Error:
        return 0


def _backup_of(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    try:
        size = path.stat().st_size
        moment = datetime.strptime(match[1].rstrip("Z") + "000", _MOMENT) if match else None
    except (OSError, ValueError):
        return None
    if match is None or moment is None or path.is_symlink():
        return None
    return Backup(path, moment.replace(tzinfo=UTC), match[2], size)
