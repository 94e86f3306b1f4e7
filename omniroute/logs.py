"""What the log leaves out."""

from __future__ import annotations

import logging


class RefusedSockets(logging.Filter):
    """uvicorn reports a refused WebSocket as an application's fault, though it was answered: with the 426 that makes
    Codex fall back to HTTP at once."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "without completing handshake" not in record.getMessage()


class Refusals(logging.Filter):
    """Of a request that Django refuses before any view a line is enough: anybody can send as many as he likes."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
        return True
