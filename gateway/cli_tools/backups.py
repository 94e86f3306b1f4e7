"""Copies of settings files as they were before the gateway wrote them: the last few of each, in `DATA_DIR`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli_tools import files, ledger
from gateway.cli_tools.files import Snapshot
from gateway.cli_tools.places import own_folder
from omniroute.errors import NotFound

KEPT = 10
"""For each settings file."""
_ID = re.compile(r"[\w.-]{1,120}\Z")


@dataclass(frozen=True, slots=True)
class Backup:
    id: str
    tool: str
    path: Path
    created_at: datetime
    text: str
    record: Any = None
    """The ledger's, of that time."""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.text.encode())


def keep(tool: str, snapshot: Snapshot) -> None:
    """Of a file that is not there, nothing."""
    if snapshot.raw is None:
        return
    moment = datetime.now(UTC)
    name = f"{moment:%Y%m%dT%H%M%S.%fZ}-{tool}-{snapshot.path.name.lstrip('.')}"
    raw = {
        "tool": tool,
        "path": str(snapshot.path),
        "created_at": moment.isoformat(),
        "text": snapshot.raw.decode(),
        "record": ledger.load_raw(snapshot.path),
    }
    ledger.write_private(own_folder("backups") / f"{name}.json", json.dumps(raw))
    older = [each for each in everything() if each.path == snapshot.path][KEPT:]
    for backup in older:
        _file(backup.id).unlink(missing_ok=True)


def everything() -> list[Backup]:
    """The newest first."""
    found = (_read(file) for file in own_folder("backups").glob("*.json"))
    return sorted((each for each in found if each), key=lambda backup: backup.id, reverse=True)


def get(id: str) -> Backup:
    """Raise `NotFound`."""
    backup = _read(_file(id)) if _ID.match(id) else None
    if backup is None:
        raise NotFound("Backup not found", param="id")
    return backup


def restore(id: str) -> Backup:
    """Put the file back as it was then; what is there now is backed up first. Raise `NotFound`, `SettingsError`."""
    backup = get(id)
    with files.one_at_a_time():
        now = files.read(backup.path)
        keep(backup.tool, now)
        files.write(now, backup.text.encode())
        ledger.save_raw(backup.path, backup.record)
    return backup


def _file(id: str) -> Path:
    return own_folder("backups") / f"{id}.json"


def _read(file: Path) -> Backup | None:
    try:
        raw = json.loads(file.read_text())
        moment = datetime.fromisoformat(raw["created_at"])
        return Backup(file.stem, raw["tool"], Path(raw["path"]), moment, raw["text"], raw.get("record"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
