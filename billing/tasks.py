"""What billing does in the background."""

from __future__ import annotations

from billing.usage import retention
from omniroute.jobs import job


@job("Delete old usage and request logs", minutes=60)
def prune_history() -> dict[str, int]:
    return retention.prune()
