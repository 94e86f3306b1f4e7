"""What the project does in the background."""

from __future__ import annotations

from omniroute import audit
from omniroute.jobs import job


@job("Delete old audit entries", minutes=60)
def prune_audit_log() -> int:
    return audit.prune()
