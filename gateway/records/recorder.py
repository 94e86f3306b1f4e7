"""Accounting by group commit: whatever requests completed meanwhile is one transaction.

A request's last byte is sent after its row is committed, so an answer that a client saw complete is on disk, at the
price of one commit per batch instead of one per request. Raw SQL, because building model instances costs more CPU
than everything else here (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import DatabaseError, DataError, IntegrityError, close_old_connections, connection, transaction
from django.db.backends.utils import CursorWrapper

from billing.budgets import spending
from billing.budgets.bills import Bill, Totals, settle
from billing.models import ApiKey, UsageRecord
from billing.usage import kept_answers, rollups
from billing.usage.kept_answers import Kept
from billing.usage.statements import execute, mark
from gateway.records import late
from gateway.records.counting import amounts_of, attempts_of, place_of, tries_of
from gateway.records.live import FEEDS
from gateway.records.usage_row import UsageRow

logger = logging.getLogger(__name__)

TRIES = 3
LOCKED_S = 900.0
"""While SQLite is locked it fails at nothing, it waits for its turn: so long, such as behind a restored backup."""
MAX_BATCH = 256
"""Rows in one transaction: below every database's limit of parameters in a statement."""
LAST_USED_INTERVAL_S = 60.0
"""A key's last use is written this often at most."""


@lru_cache(maxsize=2 * MAX_BATCH)
def _insert_sql(rows: int, mark: str) -> str:
    """All rows by one statement. SQLite gives up the interpreter lock at every step of a statement and has to wait for
    it again behind the event loop, so row by row a batch would take as many waits as it has rows."""
    columns = ", ".join(f'"{name}"' for name in UsageRow._fields)
    marks = f"({', '.join([mark] * len(UsageRow._fields))})"
    return f'INSERT INTO "{UsageRecord._meta.db_table}" ({columns}) VALUES {", ".join([marks] * rows)}'  # noqa: S608


class Entry(NamedTuple):
    row: UsageRow | None
    bill: Bill | None
    done: asyncio.Future[None]
    kept: Kept | None = None
    """To be found again by its id."""
    settles: str = ""
    """Digest of the kept answer whose use the row tells: it counts for the first who tells it."""


class Recorder:
    """One per process. `record` from the event loop; a thread of its own writes."""

    def __init__(self) -> None:
        self._pending: list[Entry] = []
        self._busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._key_used: dict[int, float] = {}

    def record(
        self, row: UsageRow | None, bill: Bill | None = None, kept: Kept | None = None, settles: str = ""
    ) -> asyncio.Future[None]:
        """Resolved when the row is committed, or when it was given up (which is logged with the whole row)."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append(Entry(row, bill, done, kept, settles))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next_batch, loop)
        return done

    async def flush(self) -> None:
        """Return when everything recorded so far is committed."""
        waiting = [entry.done for entry in self._pending]
        if waiting:
            await asyncio.wait(waiting)
        elif self._busy:
            await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)

    def close(self) -> None:
        self._thread.shutdown()

    def _next_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._pending = self._pending[:MAX_BATCH], self._pending[MAX_BATCH:]
        written = self._thread.submit(self._write, batch)
        written.add_done_callback(lambda future: self._report(loop, batch, future))

    def _report(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[Entry],
        written: Future[Totals | None],
    ) -> None:
        totals = written.result() if not written.exception() else None
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._settle, loop, batch, totals)

    def _settle(self, loop: asyncio.AbstractEventLoop, batch: list[Entry], totals: Totals | None) -> None:
        if bills := [entry.bill for entry in batch if entry.bill is not None]:
            settle(bills, totals)
        for entry in batch:
            if not entry.done.done():
                entry.done.set_result(None)
        if self._pending:
            self._next_batch(loop)
        else:
            self._busy = False
        for feed in FEEDS:
            if feed.watched:
                feed.publish(entry.row for entry in batch if entry.row and not entry.row.is_extra)

    def _write(self, batch: Sequence[Entry]) -> Totals | None:
        """The new totals of budgets; None if the batch was given up."""
        attempt, until = 1, time.monotonic() + LOCKED_S
        while attempt <= TRIES:
            try:
                return self._commit(batch)
            except (DataError, IntegrityError) as error:
                logger.warning("Usage was not written: %s", error)
                return self._write_each(batch)
            except DatabaseError as error:
                if _is_locked(error) and time.monotonic() < until:
                    logger.warning("Usage waits for the database, which is locked")
                    time.sleep(0.1)  # SQLite does not wait for every kind of lock
                    continue
                logger.warning("Usage was not written (try %d of %d): %s", attempt, TRIES, error)
                close_old_connections()
                connection.close()
                time.sleep(0.1 * attempt)
                attempt += 1
            except Exception:  # such as a number that SQLite's driver refuses
                logger.exception("Usage was not written")
                return self._write_each(batch)
        _give_up(batch)
        return None

    def _write_each(self, batch: Sequence[Entry]) -> Totals | None:
        """What the database does not take of one request must not cost the others their rows."""
        if len(batch) == 1:
            _give_up(batch)
            return None
        known = [totals for entry in batch if (totals := self._write([entry])) is not None]
        return {key: spent for totals in known for key, spent in totals.items()}

    def _commit(self, batch: Sequence[Entry]) -> Totals:
        totals: Totals = {}
        with transaction.atomic(), connection.cursor() as cursor:
            if kept := [entry.kept for entry in batch if entry.kept is not None]:
                kept_answers.write(cursor, kept)
            counted = [entry for entry in batch if not entry.settles or kept_answers.claim(entry.settles)]
            if bills := [entry.bill for entry in counted if entry.bill is not None]:
                charges = ((charge, bill.spent) for bill in bills for charge in bill.charges)
                totals = spending.add(cursor, charges)
            rows = [entry.row for entry in counted if entry.row is not None and not entry.settles]
            settled = [entry.row for entry in counted if entry.row is not None and entry.settles]
            _insert(cursor, rows)
            _insert(cursor, [row for row in settled if not late.put_in_place(row)])
            self._add_up(cursor, [*rows, *settled])
            for key, moment in self._uses(rows).items():
                ApiKey.objects.filter(pk=key).update(last_used_at=moment)
        return totals

    def _add_up(self, cursor: CursorWrapper, rows: Sequence[UsageRow]) -> None:
        tried = [(row, attempts_of(row)) for row in rows]
        rollups.add(cursor, [(place_of(row), amounts_of(row, attempts)) for row, attempts in tried])
        tries = [
            each
            for row, attempts in tried
            if row.combo and not row.is_extra
            for each in tries_of(row, attempts)
        ]
        if tries:
            rollups.add_tries(cursor, tries)

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


def _insert(cursor: CursorWrapper, rows: Sequence[UsageRow]) -> None:
    if rows:
        values = [value for row in _adapted(rows) for value in row]
        execute(cursor, _insert_sql(len(rows), mark()), values)


def _give_up(batch: Sequence[Entry]) -> None:
    for entry in batch:
        if entry.row is not None:
            logger.critical("Usage row lost: %s", entry.row._asdict())
        elif entry.kept is not None:
            logger.critical("Kept answer lost: %s", entry.kept._asdict())


def _is_locked(error: DatabaseError) -> bool:
    """Whether another connection to SQLite kept writing for as long as this one may wait."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _adapted(rows: Sequence[UsageRow]) -> Iterable[tuple[Any, ...]]:
    """Values as the database wants them: SQLite takes datetimes and decimals as text."""
    return map(_as_text, rows) if connection.vendor == "sqlite" else rows


def _as_text(row: UsageRow) -> tuple[Any, ...]:
    cost, at = row.cost, row.created_at.astimezone(UTC).replace(tzinfo=None)
    return row._replace(
        created_at=at.isoformat(" ", "microseconds"),  # type: ignore[arg-type]
        cost=None if cost is None else format(cost, "f"),  # type: ignore[arg-type]
        saved=format(row.saved, "f"),  # type: ignore[arg-type]
    )
