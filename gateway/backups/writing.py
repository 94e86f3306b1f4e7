"""Writes the database into a file. SQLite is copied whole by its own backup API, which waits for nobody and includes
what is still in the write-ahead log; from PostgreSQL, and without the history, rows are copied one by one into a new
SQLite database with the same tables."""

from __future__ import annotations

import hmac
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper

from gateway.backups import older_tables, tables
from gateway.backups.credentials import remove_credentials
from omniroute import __version__
from omniroute.errors import GatewayError

_SPARE_BYTES = 50_000_000
"""What stays free on the disk beside a backup."""


def write_backup(
    path: Path, *, reason: str = "export", history: bool = True, credentials: bool = True, digest: str = ""
) -> None:
    """Make the file, mode 0600. It is there whole or not at all. Raise `GatewayError` (507) for a disk without room."""
    _check_room(path.parent, history)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        # SQLite copies no database that the same connection is changing at the moment: it would wait for ever.
        if history and connection.vendor == "sqlite" and not connection.in_atomic_block:
            _copy_whole(partial)
        else:
            _copy_rows(partial, history)
        with opened(partial) as file:
            if not credentials:
                remove_credentials(file)
            older_tables.write(file)
            _write_meta(file, reason=reason, history=history, credentials=credentials, digest=digest)
        partial.replace(path)
    finally:
        for leftover in path.parent.glob(f"{partial.name}*"):
            leftover.unlink()


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Committed and closed at the end."""
    with closing(sqlite3.connect(path)) as file:
        yield file
        file.commit()


def database_bytes() -> int:
    """On the disk, as the database itself counts."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _check_room(folder: Path, history: bool) -> None:
    needed = _SPARE_BYTES + (database_bytes() if history else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise GatewayError(
            f"There is no room for a backup: it needs up to {needed // 10**6} MB, and {free // 10**6} MB are free",
            status=507,
            code="insufficient_storage",
        )


def _copy_whole(path: Path) -> None:
    connection.ensure_connection()
    with opened(path) as file:
        connection.connection.backup(file)
        file.execute("PRAGMA journal_mode=DELETE")
        file.execute("PRAGMA secure_delete=ON")
        wanted = {model._meta.db_table for model in tables.all_models()} | {"django_migrations"}
        found = file.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        for (name,) in found.fetchall():
            if name not in wanted:
                file.execute(f'DROP TABLE "{name}"')
        for model in tables.models_of("never"):
            file.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608
        marks = ", ".join("?" * len(tables.APPS))
        file.execute(f"DELETE FROM django_migrations WHERE app NOT IN ({marks})", tables.APPS)  # noqa: S608


def _copy_rows(path: Path, history: bool) -> None:
    _make_tables(path)
    with _one_moment(), opened(path) as file:
        for model in tables.models_of("configuration") + (tables.models_of("history") if history else []):
            for batch in tables.stored_rows(model):
                insert(file, model._meta.db_table, tables.columns_of(model), batch)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, app, name, applied FROM django_migrations ORDER BY id")
            rows = [row for row in cursor.fetchall() if row[1] in tables.APPS]
        insert(file, "django_migrations", ["id", "app", "name", "applied"], rows)


def _make_tables(path: Path) -> None:
    """As the models are now, which is what the migrations lead to."""
    options = {
        **connections["default"].settings_dict,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
    }
    made = DatabaseWrapper({**options, "OPTIONS": {}, "CONN_HEALTH_CHECKS": False}, alias="backup")
    try:
        with made.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")  # nobody misses a file that is not finished
        with made.schema_editor(atomic=False) as editor:
            for model in tables.all_models():
                if not model._meta.auto_created:
                    editor.create_model(model)
            editor.execute(
                "CREATE TABLE django_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, "
                "app VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, applied DATETIME NOT NULL)"
            )
    finally:
        made.close()


@contextmanager
def _one_moment() -> Iterator[None]:
    """All tables as they are at the same time."""
    begins = not connection.in_atomic_block
    with transaction.atomic():
        if begins and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def insert(file: sqlite3.Connection, table: str, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
    file.executemany(statement, ([_plain(value) for value in row] for row in rows))


def _plain(value: Any) -> Any:
    """As Django stores it in SQLite."""
    match value:
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat(" ")
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case bool():
            return int(value)
        case memoryview():
            return bytes(value)
        case _:
            return value


def _write_meta(file: sqlite3.Connection, **values: Any) -> None:
    rows = {
        **{name: str(value) for name, value in values.items()},
        "version": __version__,
        "created_at": datetime.now(UTC).isoformat(),
        "database": connection.vendor,
        "key_check": key_check(),
    }
    file.execute(f"CREATE TABLE {tables.META} (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    insert(file, tables.META, ["name", "value"], list(rows.items()))


def key_check() -> str:
    """Tells, without giving it away, whether two installations have the same API_KEY_SECRET."""
    return hmac.digest(settings.API_KEY_SECRET.encode(), b"omniroute backup", "sha256").hex()[:16]
