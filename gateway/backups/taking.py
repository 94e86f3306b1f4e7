"""The flow of every import and restore: examine the file, keep what was there, replace, tell what came of it."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway import snapshot
from gateway.affinity.sessions import sessions
from gateway.backups import shelf
from gateway.backups.archive import unpacked
from gateway.backups.checking import ARCHIVES, MAX_BYTES, Found, examine
from gateway.backups.older import taking as older
from gateway.backups.restoring import brought_up_to_date, replace_rows
from gateway.backups.shelf import Backup
from gateway.replay.entries import Selection
from gateway.replay.store import store
from providers import quota
from resilience.reset import reset_all

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    counts: dict[str, int]
    """Rows that are in the database now, by what people call them."""
    notes: tuple[str, ...]
    saved: Backup
    """What was there before."""


@contextmanager
def opened(path: Path, name: str = "", *, limit: int | None = MAX_BYTES) -> Iterator[Found]:
    """The database in a file, or in a full archive (`name` tells), with today's tables. Raise as `examine` does."""
    with tempfile.TemporaryDirectory(dir=shelf.folder(), prefix=".taking-") as work:
        if (name or path.name).lower().endswith(ARCHIVES):
            path = unpacked(path, Path(work), limit)
        yield brought_up_to_date(examine(path, limit=limit), Path(work))


def take(found: Found, *, history: bool = True, reason: str = "pre-import") -> Outcome:
    """Replace what the database holds. Raise `InvalidRequest`; everything is as it was then.

    Where the history stays, the backup that is made before is one without it.
    """
    with_history = found.is_ours and found.has_history and history
    saved = shelf.make(reason, history=with_history)
    assert saved is not None
    if found.is_ours:
        replace_rows(found, history=with_history)
        counts, notes = found.counts, found.notes
        if not with_history:
            counts = {name: count for name, count in counts.items() if name != "requests"}
    else:
        taken = older.take_over(found)
        counts, notes = taken.counts, (*found.notes, *taken.left_out)
    forget_what_was()
    logger.info("Taken over from %s; what was there is in %s", found.path.name, saved.id)
    return Outcome(counts, notes, saved)


def restore(backup: Backup, *, history: bool = True) -> Outcome:
    """One of the shelf's."""
    with opened(backup.path, limit=None) as found:
        return take(found, history=history, reason="pre-restore")


def forget_leftovers() -> None:
    """Of processes that were killed in the middle."""
    for path in shelf.folder().glob(".taking-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in shelf.folder().glob(".*.part*"):
        path.unlink(missing_ok=True)


def forget_what_was() -> None:
    """In this process, and what all share: it is about keys and accounts whose ids may mean others now. Blocking."""
    store().forget(Selection())
    reset_all()
    sessions.forget()
    quota.store.forget()
    snapshot.refresh()
