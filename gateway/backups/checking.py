"""Is a file fit to be taken over, and what is in it? Nothing is written here, and the database is not touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.db.migrations.loader import MigrationLoader

from gateway.backups import tables
from gateway.backups.older_tables import REQUIRED
from gateway.backups.writing import key_check
from omniroute.crypto import EncryptedTextField, UnreadableSecret, decrypt
from omniroute.errors import InvalidRequest, RequestTooLarge
from providers.models import Account

MIN_BYTES = 4096
"""SQLite's smallest database with anything in it."""
MAX_BYTES = 100 * 1024 * 1024
"""Of what comes over the network. Commands, and the files in DATA_DIR, may be larger."""
EXTENSIONS = (".sqlite", ".sqlite3", ".db")
ARCHIVES = (".tar.gz", ".tgz")
_MAGIC = b"SQLite format 3\x00"
_SHOWN = (
    ("accounts", "provider_connections"),
    ("custom providers", "provider_nodes"),
    ("combos", "combos"),
    ("API keys", "api_keys"),
)

Migration = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds."""

    path: Path
    is_ours: bool
    """Written by this product, rather than by the older OmniRoute."""
    counts: dict[str, int]
    """Rows by what people call them."""
    has_history: bool = False
    missing: frozenset[Migration] = frozenset()
    """Migrations that the file is behind by."""
    meta: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What a person should know before taking it over."""


_SINGULAR = {"aliases": "alias"}


def told(counts: dict[str, int]) -> str:
    """What there is of it, in words."""
    named = ((count, _SINGULAR.get(name, name.removesuffix("s")), name) for name, count in counts.items())
    words = [f"{count} {one if count == 1 else many}" for count, one, many in named if count]
    return ", ".join(words) or "nothing"


def check_name(name: str) -> None:
    """Raise `InvalidRequest` for a name that no backup has."""
    if not name.lower().endswith(EXTENSIONS + ARCHIVES):
        raise InvalidRequest(
            f"{name[:100]!r} is no backup by its name: it must end in .sqlite (or .tar.gz for a full archive)",
            code="wrong_extension",
            param="file",
        )


def too_large(size: int = 0) -> RequestTooLarge:
    told = f"The file has {size / 2**20:.0f} MB; " if size else ""
    return RequestTooLarge(
        f"{told}{MAX_BYTES // 2**20} MB is the most that can be uploaded. `omniroute restore FILE` on the gateway's "
        "own machine takes files of any size",
        code="file_too_large",
        param="file",
    )


def examine(path: Path, *, limit: int | None = MAX_BYTES) -> Found:
    """Raise `InvalidRequest` (400) or `RequestTooLarge` (413), in words that tell what is wrong with the file."""
    size = path.stat().st_size
    if limit is not None and size > limit:
        raise too_large(size)
    with path.open("rb") as raw:
        if raw.read(len(_MAGIC)) != _MAGIC:
            raise _refused("The file is not an SQLite database", "not_sqlite")
    if size < MIN_BYTES:
        raise _refused(f"The file has {size} bytes: a database has at least {MIN_BYTES}", "file_too_small")
    try:
        with reading(path) as file:
            _check_integrity(file)
            names = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if missing := [name for name in REQUIRED if name not in names]:
                raise _refused(f"The database lacks the tables {', '.join(missing)}", "missing_tables")
            return _ours(path, file, names) if tables.META in names else _older(path, file)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _refused(f"The database is damaged: {error}", "damaged") from None


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as it is: no journal is made beside it, and nothing that is defined in it is trusted."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as file:
        file.execute("PRAGMA trusted_schema = OFF")
        file.execute("PRAGMA cell_size_check = ON")
        yield file


def _check_integrity(file: sqlite3.Connection) -> None:
    found = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise _refused(f"The database is damaged: {str(found).splitlines()[-1][:200]}", "damaged")


def _older(path: Path, file: sqlite3.Connection) -> Found:
    counts = {shown: _count(file, table) for shown, table in _SHOWN}
    notes = [
        "The older program's administrator password and sign-in secrets are not taken over: "
        "you log in here as before. Neither is its usage history; the history of this gateway stays."
    ]
    return Found(path, False, counts, notes=tuple(notes))


def _ours(path: Path, file: sqlite3.Connection, names: set[str]) -> Found:
    meta = dict(file.execute(f"SELECT name, value FROM {tables.META}"))  # noqa: S608
    missing = _migrations_behind(file, names)
    if not missing:
        _check_tables(file, names)
    if broken := file.execute("PRAGMA foreign_key_check").fetchone():
        raise _refused(
            f"The database is damaged: a row of {broken[0]} belongs to none of {broken[2]}", "damaged"
        )
    counts = {shown: _count(file, table) for shown, table in _SHOWN}
    has_history = meta.get("history") == "True"
    if has_history:
        counts["requests"] = _count(file, "billing_usagerecord")
    return Found(path, True, counts, has_history, missing, meta, tuple(_notes(file, meta)))


def _migrations_behind(file: sqlite3.Connection, names: set[str]) -> frozenset[Migration]:
    """Raise `InvalidRequest` for a file that is ahead."""
    if "django_migrations" not in names:
        raise _refused("The database lacks the tables django_migrations", "missing_tables")
    theirs = set(file.execute("SELECT app, name FROM django_migrations"))
    ours = {key for key in MigrationLoader(None).disk_migrations or () if key[0] in tables.APPS}
    if newer := sorted(key for key in theirs - ours if key[0] in tables.APPS):
        raise _refused(
            f"The backup was made by a newer version of OmniRoute ({'.'.join(newer[-1])}). Update this one first",
            "newer_version",
        )
    return frozenset(ours - theirs)


def _check_tables(file: sqlite3.Connection, names: set[str]) -> None:
    for model in tables.models_of("configuration") + tables.models_of("history"):
        table = model._meta.db_table
        if table not in names:
            raise _refused(f"The database lacks the tables {table}", "missing_tables")
        known = {row[1] for row in file.execute(f'PRAGMA table_info("{table}")')}
        if gone := [name for name in tables.columns_of(model) if name not in known]:
            raise _refused(f"The table {table} lacks the columns {', '.join(gone)}", "missing_columns")


def _notes(file: sqlite3.Connection, meta: dict[str, str]) -> Iterator[str]:
    if meta.get("credentials") == "False":
        yield (
            "This file was made without credentials: accounts have to be given theirs again, and API keys have to be "
            "made anew."
        )
        return
    if unreadable := _unreadable(file):
        yield (
            f"The credentials of {unreadable} account{'' if unreadable == 1 else 's'} were encrypted under another "
            "key. Put the other installation's encryption.key (ENCRYPTION_KEYS) in place, or enter them again."
        )
    if meta.get("key_check") != key_check():
        yield (
            "API keys in this file were made under another API_KEY_SECRET: clients need new ones, unless you put the "
            "other installation's api-key-secret.key in place."
        )


def _unreadable(file: sqlite3.Connection) -> int:
    """How many accounts have something that no key here decrypts."""
    columns = [
        str(field.column) for field in Account._meta.concrete_fields if isinstance(field, EncryptedTextField)
    ]
    rows = file.execute(f"SELECT {', '.join(columns)} FROM {Account._meta.db_table}")  # noqa: S608
    return sum(any(map(_is_unreadable, row)) for row in rows)


def _is_unreadable(token: object) -> bool:
    if not token:
        return False
    try:
        decrypt(str(token))
    except UnreadableSecret:
        return True
    return False


def _count(file: sqlite3.Connection, table: str) -> int:
    return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def _refused(message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, code=code, param="file")
