"""`omniroute restore FILE|ID`: back to a backup."""

from __future__ import annotations

from pathlib import Path

from gateway.backups import shelf
from gateway.backups.commands import TakingCommand


class Command(TakingCommand):
    help = "Replace the database by a file, or by one of DATA_DIR/db_backups by its name. A backup is made first."
    reason = "pre-restore"

    def find(self, file: str) -> Path:
        if "/" not in file and not Path(file).exists():
            return shelf.find(file).path
        return super().find(file)
