"""What may hold an attempt back beside a cooldown, put together for one request's plan."""

from __future__ import annotations

from combos.attempt import Gate
from gateway import quotas
from gateway.snapshot import Snapshot
from providers import quota


def gates(snapshot: Snapshot) -> tuple[Gate, ...]:
    """In the order in which they are asked. Only those that have something to say under this configuration."""
    return () if quota.store.is_empty else (quotas.gate,)
