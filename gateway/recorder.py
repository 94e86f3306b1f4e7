"""Accounting by group commit: whatever requests completed meanwhile is one transaction.

A request's last byte is sent after its row is committed, so an answer that a client saw complete is on disk, at the
price of one commit per batch instead of one per request. Raw SQL, because building model instances costs more CPU
than everything else here (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import DatabaseError, close_old_connections, connection, transaction

from billing.models import ApiKey, DailyUsage, UsageRecord
from gateway.live import live

logger = logging.getLogger(__name__)

TRIES = 3
MAX_BATCH = 256
"""Rows in one transaction: below every database's limit of parameters in a statement."""
LAST_USED_INTERVAL_S = 60.0
"""A key's last use is written this often at most."""


class UsageRow(NamedTuple):
    """One `UsageRecord`, its fields in the model's order."""

    request_id: str
    created_at: datetime
    api_key_id: int | None
    api_key_name: str
    endpoint: str
    client_format: str
    provider_format: str
    stream: bool
    requested_model: str
    served_model: str
    combo: str
    provider: str
    account_id: int | None
    account_name: str
    status: int
    error_code: str
    error_message: str
    attempts: str
    """JSON."""
    attempt_count: int
    latency_ms: int
    first_token_ms: int | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_estimated: bool
    priced_apart: str
    """JSON."""
    service_tier: str
    cost: Decimal | None
    cost_source: str
    saved: Decimal
    cache_hit: bool
    client_address: str
    user_agent: str


_SUMS = (
    "requests", "errors", "fallbacks", "unpriced", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "cost", "saved", "cache_hits", "latency_ms",
)  # fmt: skip
_MONEY = (_SUMS.index("cost"), _SUMS.index("saved"))
_KEYS = ("day", "provider", "model", "account_id", "api_key_id", "combo")


@lru_cache(maxsize=2 * MAX_BATCH)
def _insert_sql(rows: int) -> str:
    """All rows by one statement. SQLite gives up the interpreter lock at every step of a statement and has to wait for
    it again behind the event loop, so row by row a batch would take as many waits as it has rows."""
    columns = ", ".join(f'"{name}"' for name in UsageRow._fields)
    return (
        f'INSERT INTO "{UsageRecord._meta.db_table}" ({columns}) VALUES {_marks(len(UsageRow._fields), rows)}'  # noqa: S608
    )


@lru_cache(maxsize=2 * MAX_BATCH)
def _upsert_sql(rows: int) -> str:
    table = DailyUsage._meta.db_table
    columns = ", ".join(f'"{name}"' for name in (*_KEYS, *_SUMS))
    keys = ", ".join(f'"{name}"' for name in _KEYS)
    adds = ", ".join(f'"{name}" = "{table}"."{name}" + excluded."{name}"' for name in _SUMS)
    marks = _marks(len(_KEYS) + len(_SUMS), rows)
    return f'INSERT INTO "{table}" ({columns}) VALUES {marks} ON CONFLICT ({keys}) DO UPDATE SET {adds}'  # noqa: S608


def _marks(columns: int, rows: int) -> str:
    return ", ".join([f"({', '.join(['%s'] * columns)})"] * rows)


class Recorder:
    """One per process. `record` from the event loop; a thread of its own writes."""

    def __init__(self) -> None:
        self._pending: list[tuple[UsageRow, asyncio.Future[None]]] = []
        self._busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._key_used: dict[int, float] = {}

    def record(self, row: UsageRow) -> asyncio.Future[None]:
        """Resolved when the row is committed, or when it was given up (which is logged with the whole row)."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append((row, done))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next_batch, loop)
        return done

    async def flush(self) -> None:
        """Return when everything recorded so far is committed."""
        waiting = [done for _, done in self._pending]
        if waiting:
            await asyncio.wait(waiting)
        elif self._busy:
            await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)

    def close(self) -> None:
        self._thread.shutdown()

    def _next_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._pending = self._pending[:MAX_BATCH], self._pending[MAX_BATCH:]
        written = self._thread.submit(self._write, [row for row, _ in batch])
        written.add_done_callback(lambda future: self._report(loop, batch, future))

    def _report(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[UsageRow, asyncio.Future[None]]],
        written: Future[None],
    ) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._settle, loop, batch)

    def _settle(
        self, loop: asyncio.AbstractEventLoop, batch: list[tuple[UsageRow, asyncio.Future[None]]]
    ) -> None:
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        if self._pending:
            self._next_batch(loop)
        else:
            self._busy = False
        if live.watched:
            live.publish(row for row, _ in batch)

    def _write(self, rows: Sequence[UsageRow]) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                self._commit(rows)
                return
            except DatabaseError as error:
                logger.warning("Usage was not written (try %d of %d): %s", attempt, TRIES, error)
                close_old_connections()
                connection.close()
                time.sleep(0.1 * attempt)
        for row in rows:
            logger.critical("Usage row lost: %s", row._asdict())

    def _commit(self, rows: Sequence[UsageRow]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_insert_sql(len(rows)), [value for row in rows for value in _adapted(row)])
            sums = _daily(rows)
            cursor.execute(_upsert_sql(len(sums)), [value for row in sums for value in row])
            for key, moment in self._uses(rows).items():
                ApiKey.objects.filter(pk=key).update(last_used_at=moment)

    def _uses(self, rows: Sequence[UsageRow]) -> dict[int, datetime]:
        now = time.monotonic()
        uses: dict[int, datetime] = {}
        for row in rows:
            if row.api_key_id and now - self._key_used.get(row.api_key_id, -1e9) > LAST_USED_INTERVAL_S:
                uses[row.api_key_id] = row.created_at
        self._key_used.update(dict.fromkeys(uses, now))
        return uses


@cache
def recorder() -> Recorder:
    """The process's own."""
    return Recorder()


def _adapted(row: UsageRow) -> tuple[Any, ...]:
    """Values as the database wants them: SQLite takes datetimes and decimals as text."""
    if connection.vendor != "sqlite":
        return row
    cost = row.cost
    return row._replace(
        created_at=row.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),  # type: ignore[arg-type]
        cost=None if cost is None else format(cost, "f"),  # type: ignore[arg-type]
        saved=format(row.saved, "f"),  # type: ignore[arg-type]
    )


def _fell_back(row: UsageRow) -> bool:
    """Was another account or target asked? A request that was repeated to the same one did not fall back."""
    asked = {(each["provider"], each["model"], each["account"]) for each in json.loads(row.attempts)}
    return len(asked) > 1


def _daily(rows: Sequence[UsageRow]) -> list[tuple[Any, ...]]:
    """The batch, added up by day, provider, model, account, key and combo."""
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        key = (
            row.created_at.date().isoformat(),
            row.provider,
            row.served_model or row.requested_model,
            row.account_id or 0,
            row.api_key_id or 0,
            row.combo,
        )
        values = (
            1,
            int(row.status >= 400),
            int(row.attempt_count > 1 and _fell_back(row)),
            int(row.cost is None and bool(row.input_tokens or row.output_tokens)),
            row.input_tokens,
            row.output_tokens,
            row.cache_read_tokens,
            row.cache_write_tokens,
            row.reasoning_tokens,
            row.cost or Decimal(0),
            row.saved,
            int(row.cache_hit),
            row.latency_ms,
        )
        known = sums.get(key)
        sums[key] = list(values) if known is None else [a + b for a, b in zip(known, values, strict=True)]
    if connection.vendor == "sqlite":
        for row_sums in sums.values():
            for money in _MONEY:
                row_sums[money] = float(row_sums[money])
    return [(*key, *row_sums) for key, row_sums in sums.items()]
