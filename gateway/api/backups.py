"""Management API of backups, and of where the data is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router
from pydantic import Field, StrictBool, StrictInt

from billing.models import UsageSettings
from gateway.backups import shelf, taking, transfer
from gateway.backups.archive import write_archive
from gateway.backups.models import BackupSettings
from gateway.backups.shelf import Backup
from gateway.backups.taking import Outcome
from gateway.backups.writing import database_bytes, write_backup
from omniroute.schema import CamelModel, Line, StrictModel

router = Router(tags=["Backups"], by_alias=True)

Keep = Annotated[StrictInt, Field(ge=1, le=1000)]
Days = Annotated[StrictInt, Field(ge=1, le=36_500)]


class BackupOut(CamelModel):
    id: str
    filename: str
    size: int
    """Bytes."""
    created_at: datetime
    reason: str
    connection_count: int


class BackupList(CamelModel):
    backups: list[BackupOut]


class BackupMade(CamelModel):
    created: bool
    message: str
    backup: BackupOut | None = None


class RestoreIn(StrictModel):
    backup_id: Line
    keep_history: StrictBool = False
    """Leave the requests that are here, whatever the backup holds of them."""


class Taken(CamelModel):
    filename: str
    connection_count: int
    node_count: int
    combo_count: int
    api_key_count: int
    notes: list[str]
    """What could not be taken over, and what there is to do."""
    previous: str = ""
    """The backup of what was there before."""


class Restored(Taken):
    restored: bool = True


class Imported(Taken):
    imported: bool = True
    """False for a mere look at the file."""


class Cleaning(StrictModel):
    keep_latest: Keep | None = None
    retention_days: Days | None = None


class Cleaned(CamelModel):
    cleaned: bool = True
    deleted: list[str]
    remaining: int


class Retention(CamelModel):
    max_files: int
    days: int | None


class StorageHealth(CamelModel):
    driver: str
    db_path: str
    """Without a password, and with `~` for the home folder."""
    size_bytes: int
    last_backup_at: datetime | None
    backup_count: int
    retention_days: int | None
    """How long requests are kept."""
    table_max_rows: int | None
    """How many request logs are kept."""
    backup_retention: Retention
    data_dir: str


class BackupSettingsBody(StrictModel):
    daily: StrictBool | None = None
    history: StrictBool | None = None
    max_files: Keep | None = None
    days: Days | None = None
    """Null: for ever."""


_BINARY = {"type": "string", "format": "binary"}
_UPLOAD = {
    "requestBody": {
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _BINARY}}},
            "application/octet-stream": {"schema": _BINARY},
        }
    }
}
_FIELDS = {
    "daily": "backup_daily",
    "history": "backup_history",
    "max_files": "keep_backups",
    "days": "keep_backups_days",
}


@router.get("/db-backups", response=BackupList)
def list_backups(request: HttpRequest) -> BackupList:
    """Those in `DATA_DIR/db_backups`, the newest first."""
    return BackupList(backups=[_shown(backup) for backup in shelf.backups()])


@router.put("/db-backups", response=BackupMade)
def create_backup(request: HttpRequest, history: bool = True) -> BackupMade:
    """Make one now; at most one a minute. `?history=false`: the configuration alone."""
    if (wait := shelf.wait_s()) > 0:
        return BackupMade(created=False, message=f"The last backup is just made. Try again in {wait:.0f} s")
    made = shelf.make("manual", history=history)
    assert made is not None
    shelf.prune()
    return BackupMade(created=True, message="The backup is made", backup=_shown(made))


@router.post("/db-backups", response=Restored)
def restore_backup(request: HttpRequest, body: RestoreIn) -> Restored:
    """Replace what the database holds by a backup. What is there is backed up before."""
    backup = shelf.find(body.backup_id)
    return Restored(**_counts(backup.id, taking.restore(backup, history=not body.keep_history)))


@router.delete("/db-backups", response=Cleaned)
def clean_backups(request: HttpRequest, body: Cleaning | None = None) -> Cleaned:
    """Delete all but the latest, or the old ones; without a body what the settings do not keep. The last one stays."""
    wanted = body or Cleaning()
    deleted = shelf.prune(wanted.keep_latest, wanted.retention_days)
    return Cleaned(deleted=deleted, remaining=len(shelf.backups()))


@router.get("/db-backups/export", url_name="export_database")
def export_database(request: HttpRequest, history: bool = True) -> StreamingHttpResponse:
    """The database as an SQLite file. Credentials are in it, encrypted under keys that are not."""
    with transfer.temporary() as folder:
        path = folder / "export.sqlite"
        write_backup(path, history=history)
        return transfer.download(path, f"omniroute-backup-{_now()}.sqlite", "application/octet-stream")


@router.get("/db-backups/exportAll", url_name="export_all")
def export_everything(request: HttpRequest, history: bool = True) -> StreamingHttpResponse:
    """A .tar.gz of database, settings, combos, providers and API keys, without any credential."""
    with transfer.temporary() as folder:
        path = folder / "export.tar.gz"
        write_archive(path, history=history)
        return transfer.download(path, f"omniroute-full-backup-{_now()}.tar.gz", "application/gzip")


@router.post("/db-backups/import", response=Imported, openapi_extra=_UPLOAD)
def import_database(
    request: HttpRequest, filename: Line = "", keep_history: bool = False, preview: bool = False
) -> Imported:
    """Replace what the database holds by a file: an export, a full archive, or the older OmniRoute's `storage.sqlite`;
    100 MB at most. Send it as the multipart field `file`, or as the body with `?filename=`. What is there is backed up
    before. `?preview=true` only looks. How one logs in is never taken over."""
    with transfer.temporary() as folder:
        path, name = transfer.receive(request, folder, filename)
        with taking.opened(path, name) as found:
            if preview:
                return Imported(imported=False, **_shown_counts(name, found.counts), notes=list(found.notes))
            return Imported(**_counts(name, taking.take(found, history=not keep_history)))


@router.get("/storage/health", response=StorageHealth)
def get_storage(request: HttpRequest) -> StorageHealth:
    """Where the database is, how large it is, and how it is backed up."""
    kept, usage, backups = BackupSettings.load(), UsageSettings.load(), shelf.backups()
    return StorageHealth(
        driver=connection.vendor,
        db_path=database_place(),
        size_bytes=database_bytes(),
        last_backup_at=backups[0].created_at if backups else None,
        backup_count=len(backups),
        retention_days=usage.keep_requests_days,
        table_max_rows=usage.keep_logs_rows,
        backup_retention=Retention(max_files=kept.keep_backups, days=kept.keep_backups_days),
        data_dir=_short(str(settings.DATA_DIR)),
    )


@router.get("/settings/backups", response=BackupSettingsBody)
def get_backup_settings(request: HttpRequest) -> BackupSettingsBody:
    """Whether a backup is made every day, and how many are kept."""
    row = BackupSettings.load()
    return BackupSettingsBody(**{name: getattr(row, column) for name, column in _FIELDS.items()})


@router.put("/settings/backups", response=BackupSettingsBody)
def put_backup_settings(request: HttpRequest, body: BackupSettingsBody) -> BackupSettingsBody:
    """Only the fields that are present change."""
    row = BackupSettings.load()
    for name, value in body.model_dump(exclude_unset=True).items():
        if value is not None or name == "days":
            setattr(row, _FIELDS[name], value)
    row.full_clean()
    row.save()
    return get_backup_settings(request)


def database_place() -> str:
    """Where the database is, for people: no password, and no name that says where home is."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return _short(str(database["NAME"]))
    host = f"{database['HOST'] or 'localhost'}:{database['PORT'] or 5432}"
    return f"{host}/{database['NAME']}"


def _short(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")


def _shown(backup: Backup) -> BackupOut:
    return BackupOut(
        id=backup.id,
        filename=backup.id,
        size=backup.size,
        created_at=backup.created_at,
        reason=backup.reason,
        connection_count=shelf.accounts_in(backup),
    )


def _shown_counts(name: str, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "filename": name[:200],
        "connection_count": counts["accounts"],
        "node_count": counts["custom providers"],
        "combo_count": counts["combos"],
        "api_key_count": counts["API keys"],
    }


def _counts(name: str, outcome: Outcome) -> dict[str, Any]:
    return {
        **_shown_counts(name, outcome.counts),
        "notes": list(outcome.notes),
        "previous": outcome.saved.id,
    }
