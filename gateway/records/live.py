"""Finished requests, told to the pages that are open. Nobody waits for it, and an answer does not depend on it.

While nobody watches, it costs the recorder one look per page and batch. While somebody does, the newest rows go out
together, a few times a second at most, however many requests there are.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any

from channels.layers import get_channel_layer
from django.core.cache import cache

from gateway.records.usage_row import UsageRow

logger = logging.getLogger(__name__)

PATH = "/ws/live"
ROWS = 8
"""As many as the page shows; older ones that nobody was told of by then are dropped."""
INTERVAL_S = 0.25
FIELDS = (
    "request_id", "created_at", "status", "error_code", "requested_model", "served_model", "attempt_count",
    "input_tokens", "output_tokens", "priced_apart", "cost", "latency_ms",
)  # fmt: skip
"""What of a `UsageRow` is told; time and cost as text, so that every channel layer can carry them."""

TRANSLATIONS_PATH = "/ws/translations"
TRANSLATIONS_ROWS = 100
TRANSLATION_FIELDS = (
    *FIELDS, "endpoint", "client_format", "provider_format", "stream", "combo", "provider", "account_id",
    "account_name", "error_message", "first_token_ms", "cache_hit", "attempts",
)  # fmt: skip
"""What the translator's live monitor is told. `attempts` are a list; what they left out is in it."""

_FOLLOW_S = 2.0


class Live:
    """What one kind of page is told: one per process, used from its event loop. `rows` is how many it shows, `fields`
    what of each."""

    def __init__(self, group: str, rows: int, fields: tuple[str, ...]) -> None:
        self.group, self.rows, self.fields = group, rows, fields
        self.watched = False
        self._watchers: set[object] = set()
        self._elsewhere = False
        self._pending: deque[UsageRow] = deque(maxlen=rows)
        self._sender: asyncio.Task[None] | None = None

    def watch(self, watcher: object) -> None:
        self._watchers.add(watcher)
        self.watched = True

    def unwatch(self, watcher: object) -> None:
        self._watchers.discard(watcher)
        self.watched = bool(self._watchers) or self._elsewhere

    def publish(self, rows: Iterable[UsageRow]) -> None:
        """Rows that are committed. Returns at once."""
        self._pending.extend(rows)
        sender, loop = self._sender, asyncio.get_running_loop()
        if sender is None or sender.done() or sender.get_loop() is not loop:
            self._sender = loop.create_task(self._send(), name="live requests")

    async def follow(self) -> None:
        """Where several processes serve: learn whether pages are open at another one, until cancelled."""
        key = f"{self.group}-watched"
        while True:
            try:
                if self._watchers:
                    await cache.aset(key, 1, timeout=3 * _FOLLOW_S)
                else:
                    self._elsewhere = await cache.aget(key) is not None
            except Exception as error:  # whatever the cache's client raises
                self._elsewhere = False
                logger.warning("Live requests of other processes are not shown: %s", error)
            self.watched = bool(self._watchers) or self._elsewhere
            await asyncio.sleep(_FOLLOW_S)

    async def _send(self) -> None:
        while self._pending:
            await asyncio.sleep(INTERVAL_S)
            requests = [_told(row, self.fields) for row in self._pending]
            self._pending.clear()
            try:
                await get_channel_layer().group_send(
                    self.group, {"type": "live.requests", "requests": requests}
                )
            except Exception as error:  # whatever the layer's client raises
                logger.warning("Live requests were not sent: %s", error)


live = Live("live", ROWS, FIELDS)
translations = Live("translations", TRANSLATIONS_ROWS, TRANSLATION_FIELDS)
FEEDS = (live, translations)


def _told(row: UsageRow, fields: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in fields}
    cost = row.cost
    if "attempts" in values:
        values["attempts"] = json.loads(row.attempts)
    return {
        **values,
        "created_at": row.created_at.isoformat(),
        "priced_apart": json.loads(row.priced_apart),
        "cost": None if cost is None else str(cost),
    }
