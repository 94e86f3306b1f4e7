"""Puts a backup's rows in place of those in the database: all of them, or none.

Rows are replaced within one transaction, in any database and under the feet of running processes, which keep their
connections: nobody sees half of it, and every process reads the new configuration as after any other change. Meanwhile
accounting waits for the database (`gateway.records.recorder.LOCKED_S`).
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.color import no_style
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Max, Model

from billing.budgets import editing
from billing.models import ApiKey, Budget
from gateway import snapshot
from gateway.backups import tables
from gateway.backups.checking import Found, examine, reading
from gateway.backups.credentials import REMOVED
from omniroute.errors import InvalidRequest

_BATCH = 2000
_MIGRATE_S = 900


def brought_up_to_date(found: Found, folder: Path) -> Found:
    """A copy in `folder` with today's tables, where the file has those of an older version of this product."""
    if not found.missing:
        return found
    copy = folder / "upgraded.sqlite"
    copy.write_bytes(found.path.read_bytes())
    copy.chmod(0o600)
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{copy}",
        "DATA_DIR": str(folder),
        "JWT_SECRET": settings.SECRET_KEY,
        "API_KEY_SECRET": settings.API_KEY_SECRET,
        "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
    }
    # A process of its own: `migrate` takes no other databases than those of the settings.
    done = subprocess.run(
        [sys.executable, "-m", "omniroute", "migrate", "--verbosity", "0"],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=_MIGRATE_S,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InvalidRequest(f"The backup could not be brought up to date: {last[:300]}", code="damaged")
    _leave_write_ahead(copy)
    return examine(copy, limit=None)


def _leave_write_ahead(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA journal_mode=DELETE")
    file.close()


def replace_rows(found: Found, *, history: bool) -> None:
    """Raise `InvalidRequest` for rows that the database does not take; it is untouched then."""
    parts = tables.models_of("configuration") + (tables.models_of("history") if history else [])
    try:
        with transaction.atomic(), reading(found.path) as file:
            managers = list(ApiKey.objects.filter(scope=ApiKey.Scope.MANAGE, is_active=True))
            revision = Budget.objects.aggregate(highest=Max("revision"))["highest"] or 0
            _empty(parts)
            for model in parts:
                _fill(model, file)
            _follow_ids(parts)
            keep_managers(managers)
            highest = Budget.objects.aggregate(highest=Max("revision"))["highest"] or 0
            Budget.objects.update(revision=max(revision, highest))
            editing.work_out_again()
            snapshot.replaced()
            connection.check_constraints()
    except (DatabaseError, sqlite3.Error) as error:
        raise InvalidRequest(
            f"The backup could not be taken over, and nothing was changed: {str(error).strip()[:300]}",
            code="not_restored",
        ) from error


def keep_managers(keys: list[ApiKey]) -> None:
    """Whoever manages the gateway by a key goes on to do so: an import does not lock its own author out. In a file
    without hashes, the key may be there as well; then it gets its own back."""
    known = set(ApiKey.objects.values_list("key_hash", flat=True))
    for key in keys:
        if key.key_hash in known or key.key_hash.startswith(REMOVED):
            continue
        same = ApiKey.objects.filter(name=key.name, hint=key.hint, scope=key.scope)
        key.pk = same.filter(key_hash__startswith=REMOVED).values_list("pk", flat=True).first()
        key.save(force_insert=key.pk is None)


def _empty(parts: list[type[Model]]) -> None:
    replaced = set(parts)
    dependent = [
        model
        for model in tables.models_of("never")
        if any(
            field.remote_field and field.related_model in replaced for field in model._meta.concrete_fields
        )
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            names = ", ".join(f'"{model._meta.db_table}"' for model in [*parts, *dependent])
            cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        for model in [*dependent, *parts]:
            cursor.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608


def _fill(model: type[Model], file: sqlite3.Connection) -> None:
    table, columns = model._meta.db_table, tables.columns_of(model)
    names = ", ".join(f'"{name}"' for name in columns)
    rows = _rows(file, tables.select(model))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for batch in rows:
                    for row in batch:
                        copy.write_row([_without_nul(value) for value in row])
            return
        marks = ", ".join(["%s"] * len(columns))
        statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
        for batch in rows:
            cursor.executemany(statement, batch)


def _rows(file: sqlite3.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = file.execute(query)
    while batch := cursor.fetchmany(_BATCH):
        yield batch


def _without_nul(value: Any) -> Any:
    """PostgreSQL knows no NUL in texts, SQLite does."""
    if isinstance(value, str) and ("\x00" in value or "\\u0000" in value):
        return value.replace("\x00", "").replace("\\u0000", "")
    return value


def _follow_ids(parts: list[type[Model]]) -> None:
    """The next new row gets an id beyond those that came with the file."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), parts):
            cursor.execute(statement)
