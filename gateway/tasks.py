"""What the gateway does in the background."""

from __future__ import annotations

from gateway.verdicts import counted
from omniroute.jobs import job


@job("Count requests of plans", minutes=1)
def count_requests() -> str:
    """For vendors that do not tell what is left."""
    return f"{counted.count()} accounts counted"
