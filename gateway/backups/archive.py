"""The full archive: everything in one .tar.gz, for the eyes of others, too. It holds no credential whatsoever."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from gateway.backups import shelf
from gateway.backups.checking import reading, too_large
from gateway.backups.writing import write_backup
from omniroute import __version__
from omniroute.errors import InvalidRequest

FORMAT = "omniroute-full-backup-v1"
DATABASE = "storage.sqlite"
_CHUNK = 1 << 20
_README = """A full backup of OmniRoute, without credentials.

storage.sqlite was stripped of the keys and tokens of accounts, the passwords of proxies, the hashes of API keys,
further headers of custom providers, and the logs of requests. After it is imported elsewhere, accounts have to be given
their credentials, and API keys have to be made anew. A backup with (encrypted) credentials is what "Export database"
and `omniroute backup` make.
"""
_SETTINGS = (
    "gateway_gatewaysettings",
    "gateway_cachesettings",
    "combos_routingsettings",
    "combos_providerrouting",
    "billing_usagesettings",
    "resilience_ratelimitsettings",
    "resilience_providerprofile",
    "resilience_iprules",
)
_ACCOUNT = (
    "id, provider, name, auth_type, email, plan, priority, is_active, base_url, default_model, created_at"
)
_KEY = "id, name, hint, scope, is_active, expires_at, allowed_models, created_at"


def write_archive(path: Path, *, history: bool = True) -> None:
    """Make the file, mode 0600."""
    with tempfile.TemporaryDirectory(dir=shelf.folder(), prefix=".taking-") as work:
        database = Path(work) / DATABASE
        write_backup(database, reason="archive", history=history, credentials=False)
        with reading(database) as file:
            documents = _documents(file)
        partial = Path(work) / "archive"
        with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
            archive.add(database, DATABASE)
            for name, content in documents.items():
                _add(archive, name, content)
        partial.chmod(0o600)
        shutil.move(partial, path)


def _documents(file: sqlite3.Connection) -> dict[str, bytes]:
    file.row_factory = sqlite3.Row
    settings = {table: _rows(file, f"SELECT * FROM {table}") for table in _SETTINGS}  # noqa: S608
    combos = [{**row, "data": json.loads(row["data"])} for row in _rows(file, "SELECT * FROM combos")]
    accounts = _rows(file, f"SELECT {_ACCOUNT} FROM providers_account ORDER BY provider, priority")  # noqa: S608
    nodes = _rows(file, "SELECT * FROM provider_nodes")
    keys = _rows(file, f"SELECT {_KEY} FROM billing_apikey ORDER BY id")  # noqa: S608
    metadata = {
        "format": FORMAT,
        "version": __version__,
        "createdAt": datetime.now(UTC).isoformat(),
        "credentials": "removed",
        "counts": {
            "accounts": len(accounts),
            "customProviders": len(nodes),
            "combos": len(combos),
            "apiKeys": len(keys),
        },
    }
    return {
        "settings.json": _json(settings),
        "combos.json": _json(combos),
        "providers.json": _json({"connections": accounts, "nodes": nodes}),
        "api-keys.json": _json(keys),
        "metadata.json": _json(metadata),
        "README.txt": _README.encode(),
    }


def _rows(file: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in file.execute(query)]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(datetime.now(UTC).timestamp())
    archive.addfile(entry, io.BytesIO(content))


def unpacked(path: Path, folder: Path, limit: int | None) -> Path:
    """The database of an archive. Raise `InvalidRequest`; `RequestTooLarge` once more than `limit` bytes came out."""
    target = folder / DATABASE
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.isfile() and member.name.removeprefix("./") == DATABASE:
                    content = archive.extractfile(member)
                    assert content is not None
                    _copy(content, target, limit)
                    return target
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InvalidRequest(
            f"The archive is damaged, or none: {error}", code="damaged", param="file"
        ) from None
    raise InvalidRequest(f"The archive holds no {DATABASE}", code="missing_database", param="file")


def _copy(content: IO[bytes], target: Path, limit: int | None) -> None:
    written = 0
    with target.open("xb") as file:
        target.chmod(0o600)
        while chunk := content.read(_CHUNK):
            written += len(chunk)
            if limit is not None and written > limit:
                raise too_large()
            file.write(chunk)
