"""What the log leaves out."""

from __future__ import annotations

import logging


class RefusedSockets(logging.Filter):
    """uvicorn reports a refused WebSocket as an application's fault, though it was answered: with the 426 that makes
    Codex fall back to HTTP at once."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "without completing handshake" not in record.getMessage()
