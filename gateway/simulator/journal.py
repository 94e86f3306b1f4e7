"""What the simulator received, and how each answer ended."""

from __future__ import annotations

import base64
import time
from collections import deque
from dataclasses import dataclass, field

from gateway.simulator.question import JSONDict

KEPT = 5_000


@dataclass(slots=True)
class Entry:
    """Times are seconds since the epoch."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    key: str
    model: str = ""
    status: int | None = None
    ended: str = ""
    """complete, cut, or client_left; empty while the answer is going on."""
    at: float = field(default_factory=time.time)
    ended_at: float | None = None

    def end(self, how: str) -> None:
        self.ended, self.ended_at = how, time.time()

    def as_json(self) -> JSONDict:
        try:
            body = {"body": self.body.decode()}
        except UnicodeDecodeError:
            body = {"body_base64": base64.b64encode(self.body).decode()}
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "key": self.key,
            "model": self.model,
            "status": self.status,
            "ended": self.ended,
            "at": self.at,
            "ended_at": self.ended_at,
            **body,
        }


class Journal:
    """The last `KEPT` requests, and how many there were."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.total = 0
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, entry: Entry) -> None:
        self.total += 1
        self._entries.append(entry)

    def as_json(self, limit: int | None = None) -> JSONDict:
        """The total, and the last `limit` requests (None: all that are kept), oldest first."""
        entries = list(self._entries)
        shown = entries if limit is None else entries[max(0, len(entries) - limit) :]
        return {"total": self.total, "requests": [entry.as_json() for entry in shown]}
