"""`omniroute import_db FILE`: the configuration of another installation, also of the older OmniRoute."""

from __future__ import annotations

from gateway.backups.checking import MAX_BYTES
from gateway.backups.commands import TakingCommand


class Command(TakingCommand):
    help = "Replace the database by a .sqlite file of at most 100 MB (`restore`: of any size). A backup is made first."
    limit = MAX_BYTES
