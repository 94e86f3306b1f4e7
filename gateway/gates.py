"""What may hold an attempt back beside a cooldown, put together for one request's plan."""

from __future__ import annotations

from combos.attempt import Gate
from gateway import admission
from gateway.snapshot import Snapshot


def gates(snapshot: Snapshot) -> tuple[Gate, ...]:
    """In the order in which they are asked. Only those that have something to say under this configuration."""
    found = (admission.gate(snapshot),)
    return tuple(gate for gate in found if gate is not None)
