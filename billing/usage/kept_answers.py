"""Answers that their providers keep: which account has one, and whether what it used has been counted.

Written by accounting, read only when a client names an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.models import KeptAnswer
from billing.usage.statements import execute, mark

KEPT = timedelta(days=30)
"""As long as OpenAI keeps them."""


class Kept(NamedTuple):
    """One `KeptAnswer`, its fields in the model's order."""

    digest: str
    created_at: datetime
    request_id: str
    provider: str
    model: str
    account_id: int
    combo: str
    is_open: bool
    charged_usd: int = 0
    charged_tokens: int = 0


def digest_of(id: str, api_key_id: int) -> str:
    """An answer is known to the key that got it, and to no other. 0: callers without a key."""
    text = f"{api_key_id}:{id}".encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def find(digest: str) -> Kept | None:
    row = KeptAnswer.objects.filter(pk=digest).values_list(*Kept._fields).first()
    return None if row is None else Kept(*row)


def forget(digest: str) -> None:
    KeptAnswer.objects.filter(pk=digest).delete()


def write(cursor: CursorWrapper, rows: Sequence[Kept]) -> None:
    """Within the caller's transaction. An id that was there before is another answer's: some servers count from one."""
    by_digest = {row.digest: row for row in rows}
    columns = ", ".join(f'"{name}"' for name in Kept._fields)
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in Kept._fields[1:])
    marks = ", ".join([f"({', '.join([mark()] * len(Kept._fields))})"] * len(by_digest))
    execute(
        cursor,
        f'INSERT INTO "{KeptAnswer._meta.db_table}" ({columns}) VALUES {marks} '  # noqa: S608
        f'ON CONFLICT ("digest") DO UPDATE SET {changed}',
        [value for key in sorted(by_digest) for value in _adapted(by_digest[key])],
    )


def claim(digest: str) -> bool:
    """Whether it is the caller's transaction that counts what the answer used: of several, one is told so."""
    return KeptAnswer.objects.filter(pk=digest, is_open=True).update(is_open=False) == 1


def _adapted(row: Kept) -> Kept:
    if connection.vendor != "sqlite":
        return row
    at = row.created_at.astimezone(UTC).replace(tzinfo=None)
    return row._replace(created_at=at.isoformat(" ", "microseconds"))  # type: ignore[arg-type]
