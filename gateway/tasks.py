"""What the gateway does in the background."""

from __future__ import annotations

from gateway.sync import background
from gateway.verdicts import counted
from omniroute.jobs import job


@job("Count requests of plans", minutes=1)
def count_requests() -> str:
    """For vendors that do not tell what is left."""
    return f"{counted.count()} accounts counted"


@job("Cloud sync", minutes=1)
def sync_by_schedule() -> str:
    """Every so many minutes as its settings say."""
    return background.by_schedule()


def sync_soon() -> str:
    """Queued when something shared was changed."""
    return background.after_change()
