"""Statements with hundreds of values, which accounting writes a batch of requests with.

On SQLite its driver executes them itself: Django would look for its own placeholders all through their text, and need
longer than SQLite (50 µs a request).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper


def mark() -> str:
    """What stands for a value."""
    return "?" if connection.vendor == "sqlite" else "%s"


def execute(cursor: CursorWrapper, statement: str, values: Sequence[Any]) -> None:
    """Raise `django.db.DatabaseError`."""
    if connection.vendor == "sqlite":
        with connection.wrap_database_errors:
            cursor.connection.execute(statement, values)
    else:
        cursor.execute(statement, values)
