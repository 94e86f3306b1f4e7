"""What a request needs from outside of itself before it can be written for its provider."""

from __future__ import annotations

from gateway.passage import Passage
from gateway.snapshot import Snapshot


async def prepare(passage: Passage, snapshot: Snapshot) -> None:
    pass
