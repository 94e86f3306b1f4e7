from __future__ import annotations

import io
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile

from combos.models import Combo, ModelAlias
from gateway.backups import shelf, tables, taking, writing
from gateway.backups.archive import write_archive
from gateway.backups.models import BackupSettings
from gateway.tasks import back_up
from omniroute.errors import InvalidRequest, RequestTooLarge
from providers.models import Account
from tests.gateway.backups import older_database
from tests.management import ManagementClient, api  # noqa: F401

pytestmark = pytest.mark.django_db
PATH = "/api/db-backups"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"
    Account.objects.create(provider="glm", name="before", api_key="sk-secret-1234567890")


@pytest.fixture(scope="module")
def older_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return older_database.write(tmp_path_factory.mktemp("older") / "storage.sqlite")


def upload(api: ManagementClient, name: str, content: bytes, query: str = "") -> tuple[int, dict[str, Any]]:  # noqa: F811
    response = api.client.post(
        f"{PATH}/import{query}", {"file": SimpleUploadedFile(name, content)}, headers=api.headers
    )
    return response.status_code, response.json()


def download(api: ManagementClient, path: str) -> tuple[Any, bytes]:  # noqa: F811
    response: Any = api.client.get(f"{PATH}/{path}", headers=api.headers)

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return response, async_to_sync(read)()


def test_backups_are_made_listed_restored_and_cleaned(api: ManagementClient):  # noqa: F811
    assert api.ok("GET", PATH) == {"backups": []}
    made = api.ok("PUT", PATH)
    assert made["created"] is True
    (listed,) = api.ok("GET", PATH)["backups"]
    assert listed == made["backup"]
    assert (listed["reason"], listed["connectionCount"]) == ("manual", 1)
    assert listed["size"] > 4096
    again = api.ok("PUT", PATH)
    assert again["created"] is False
    assert "Try again in" in again["message"]
    Account.objects.all().delete()
    restored = api.ok("POST", PATH, {"backupId": listed["id"]})
    assert (restored["restored"], restored["connectionCount"], restored["apiKeyCount"]) == (True, 1, 1)
    assert Account.objects.get().api_key == "sk-secret-1234567890"
    assert api.ok("GET", PATH)["backups"][0]["id"] == restored["previous"]
    cleaned = api.ok("DELETE", PATH, {"keepLatest": 1})
    assert cleaned == {"cleaned": True, "deleted": [listed["id"]], "remaining": 1}
    assert api.ok("DELETE", PATH, {"retentionDays": 1})["remaining"] == 1
    assert api.ok("DELETE", PATH)["deleted"] == []


@pytest.mark.parametrize(
    "id",
    ["", "nothing", "../omniroute.sqlite3", "db_2026-01-01T00-00-00-000Z_manual.sqlite", "%00", "x" * 400],
)
def test_an_id_that_is_none_is_a_404(api: ManagementClient, id: str):  # noqa: F811
    assert api.error("POST", PATH, {"backupId": id})[0] == 404


@pytest.mark.parametrize("body", [{"keepLatest": 0}, {"retentionDays": -1}, {"keep": 1}, {"keepLatest": "1"}])
def test_odd_wishes_delete_nothing(api: ManagementClient, body: dict[str, Any]):  # noqa: F811
    shelf.make("manual")
    assert api.error("DELETE", PATH, body)[0] == 400
    assert len(shelf.backups()) == 1


def test_the_export_is_a_database_that_can_be_imported(api: ManagementClient):  # noqa: F811
    response, content = download(api, "export")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith('attachment; filename="omniroute-backup-')
    assert int(response["Content-Length"]) == len(content)
    assert b"sk-secret-1234567890" not in content
    Account.objects.all().delete()
    status, answer = upload(api, "backup.sqlite", content)
    assert (status, answer["imported"], answer["filename"]) == (200, True, "backup.sqlite")
    assert (answer["connectionCount"], answer["nodeCount"], answer["comboCount"]) == (1, 0, 0)
    assert Account.objects.get().api_key == "sk-secret-1234567890"
    assert not list(shelf.folder().glob(".*"))


def test_everything_is_exported_and_imported_without_credentials(api: ManagementClient):  # noqa: F811
    response, content = download(api, "exportAll")
    assert response["Content-Type"] == "application/gzip"
    status, answer = upload(api, "all.tar.gz", content)
    assert status == 200, answer
    assert "made without credentials" in answer["notes"][0]
    assert Account.objects.get().api_key == ""


def test_the_older_programs_database_is_imported_as_the_body_too(api: ManagementClient, older_file: Path):  # noqa: F811
    status, answer = upload(api, "storage.sqlite", older_file.read_bytes(), "?preview=true")
    assert (status, answer["imported"], answer["connectionCount"]) == (200, False, 6)
    assert Account.objects.get().name == "before"
    response = api.client.post(
        f"{PATH}/import?filename=storage.sqlite",
        older_file.read_bytes(),
        content_type="application/octet-stream",
        headers=api.headers,
    )
    answer = response.json()
    assert response.status_code == 200, answer
    assert (answer["connectionCount"], answer["nodeCount"], answer["comboCount"], answer["apiKeyCount"]) == (
        5, 1, 2, 1,
    )  # fmt: skip
    assert "password and sign-in secrets are not taken over" in answer["notes"][0]


def truncated(file: Path, work: Path) -> bytes:
    return file.read_bytes()[: file.stat().st_size // 2]


def corrupt(file: Path, work: Path) -> bytes:
    content = bytearray(file.read_bytes())
    content[8192:8400] = b"\xff" * 208
    return bytes(content)


def without_a_table(file: Path, work: Path) -> bytes:
    return older_database.write(work / "x.sqlite", without="combos").read_bytes()


def of_a_newer_version(file: Path, work: Path) -> bytes:
    writing.write_backup(work / "x.sqlite")
    with closing(sqlite3.connect(work / "x.sqlite")) as changed:
        changed.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('gateway', '9999_future', '')"
        )
        changed.commit()
    return (work / "x.sqlite").read_bytes()


def with_a_row_of_nobody(file: Path, work: Path) -> bytes:
    writing.write_backup(work / "x.sqlite")
    with closing(sqlite3.connect(work / "x.sqlite")) as changed:
        changed.execute(
            "INSERT INTO combos_combotarget (combo_id, position, model, weight, is_active) VALUES (99, 0, 'm', 1, 1)"
        )
        changed.commit()
    return (work / "x.sqlite").read_bytes()


def without_a_column(file: Path, work: Path) -> bytes:
    writing.write_backup(work / "x.sqlite")
    with closing(sqlite3.connect(work / "x.sqlite")) as changed:
        changed.execute("ALTER TABLE combos_combo DROP COLUMN description")
        changed.commit()
    return (work / "x.sqlite").read_bytes()


def with_impossible_rows(file: Path, work: Path) -> bytes:
    """Two rows that the database's own constraint refuses, in a file that has no such constraint."""
    ModelAlias.objects.create(pattern="twice", target="glm/glm-4.7")
    writing.write_backup(work / "x.sqlite")
    with closing(sqlite3.connect(work / "x.sqlite")) as changed:
        changed.executescript(
            "CREATE TABLE other AS SELECT * FROM combos_modelalias; DROP TABLE combos_modelalias;"
            "ALTER TABLE other RENAME TO combos_modelalias;"
            "INSERT INTO combos_modelalias SELECT * FROM combos_modelalias;"
        )
    return (work / "x.sqlite").read_bytes()


def archive_without_database(file: Path, work: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("metadata.json"))
    return buffer.getvalue()


BAD: dict[str, tuple[str, Any, str]] = {
    "wrong extension": ("storage.txt", lambda file, work: file.read_bytes(), "wrong_extension"),
    "not SQLite": ("a.sqlite", lambda file, work: b"<html>" * 2000, "not_sqlite"),
    "empty": ("a.sqlite", lambda file, work: b"", "not_sqlite"),
    "too small": ("a.sqlite", lambda file, work: b"SQLite format 3\x00" + bytes(1000), "file_too_small"),
    "truncated": ("a.sqlite", truncated, "damaged"),
    "corrupt": ("a.sqlite", corrupt, "damaged"),
    "missing table": ("a.sqlite", without_a_table, "missing_tables"),
    "newer version": ("a.sqlite", of_a_newer_version, "newer_version"),
    "dangling row": ("a.sqlite", with_a_row_of_nobody, "damaged"),
    "missing column": ("a.sqlite", without_a_column, "missing_columns"),
    "impossible rows": ("a.sqlite", with_impossible_rows, "not_restored"),
    "no archive": ("a.tar.gz", lambda file, work: file.read_bytes(), "damaged"),
    "cut archive": ("a.tar.gz", lambda file, work: archive_without_database(file, work)[:40], "damaged"),
    "empty archive": ("a.tgz", archive_without_database, "missing_database"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_good_is_a_400_and_changes_nothing(
    api: ManagementClient,  # noqa: F811
    older_file: Path,
    tmp_path: Path,
    case: str,
):
    name, content, code = BAD[case]
    bad = content(older_file, tmp_path)
    before = tables.digest()
    status, answer = upload(api, name, bad)
    assert (status, answer["error"]["code"]) == (400, code), answer
    assert len(answer["error"]["message"]) > 20
    Account.objects.get(name="before")
    assert tables.digest() == before


def test_101_mb_are_a_413_whether_announced_or_not(api: ManagementClient, tmp_path: Path):  # noqa: F811
    big = tmp_path / "big.sqlite"
    with big.open("wb") as file:
        file.write(b"SQLite format 3\x00")
        file.truncate(101 * 2**20)
    response = api.client.post(
        f"{PATH}/import", b"", content_type="multipart/form-data; boundary=x",
        headers={**api.headers, "Content-Length": str(101 * 2**20)},
    )  # fmt: skip
    assert response.status_code == 413
    assert "100 MB" in response.json()["error"]["message"]
    with pytest.raises(RequestTooLarge), taking.opened(big):
        pass
    with pytest.raises(InvalidRequest, match="damaged"), taking.opened(big, limit=None):
        pass
    assert Account.objects.get().name == "before"


def test_an_archive_that_unpacks_to_more_is_a_413(tmp_path: Path):
    write_archive(tmp_path / "all.tar.gz")
    with (
        pytest.raises(RequestTooLarge),
        taking.opened(tmp_path / "all.tar.gz", limit=10_000),
    ):
        pass


def test_an_upload_without_a_file_is_a_400(api: ManagementClient):  # noqa: F811
    sent: list[dict[str, Any]] = [
        {"data": {"other": "x"}},
        {"data": b"", "content_type": "application/octet-stream"},
    ]
    for each in sent:
        response = api.client.post(f"{PATH}/import", headers=api.headers, **each)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "missing_file")


def test_storage_tells_where_things_are_and_no_password(api: ManagementClient):  # noqa: F811
    before = api.ok("GET", "/api/storage/health")
    assert (before["driver"], before["lastBackupAt"], before["backupCount"]) == ("sqlite", None, 0)
    assert before["sizeBytes"] > 100_000
    assert before["backupRetention"] == {"maxFiles": 20, "days": None}
    shelf.make("manual")
    assert api.ok("GET", "/api/storage/health")["lastBackupAt"]


def test_settings_are_changed_one_by_one(api: ManagementClient):  # noqa: F811
    assert api.ok("GET", "/api/settings/backups") == {
        "daily": True, "history": True, "maxFiles": 20, "days": None,
    }  # fmt: skip
    assert api.ok("PUT", "/api/settings/backups", {"days": 30, "daily": False})["days"] == 30
    assert api.ok("PUT", "/api/settings/backups", {"days": None}) == {
        "daily": False, "history": True, "maxFiles": 20, "days": None,
    }  # fmt: skip
    assert api.error("PUT", "/api/settings/backups", {"maxFiles": 0})[0] == 400


def test_the_daily_backup_is_made_when_something_has_changed():
    assert "scheduled" in back_up()
    assert "Nothing changed" in back_up()
    Combo.objects.create(name="new")
    assert "scheduled" in back_up()
    assert [backup.reason for backup in shelf.backups()] == ["scheduled"] * 2
    BackupSettings(backup_daily=False).save()
    Combo.objects.all().delete()
    assert back_up() == "Switched off"


def test_the_oldest_go_first_and_the_last_one_never(api: ManagementClient):  # noqa: F811
    made = [shelf.make("manual", history=False) for _ in range(3)]
    names = [backup.id for backup in made if backup]
    BackupSettings(keep_backups=2).save()
    assert shelf.prune() == names[:1]
    old = shelf.folder() / "db_2020-01-01T00-00-00-000Z_scheduled.sqlite"
    old.write_bytes(b"")
    (shelf.folder() / "notes.txt").write_text("mine")
    BackupSettings(keep_backups=20, keep_backups_days=30).save()
    assert shelf.prune() == [old.name]
    assert sorted(path.name for path in shelf.folder().iterdir()) == [*sorted(names[1:]), "notes.txt"]
    for path in shelf.folder().glob("db_*"):
        path.unlink()
    old.write_bytes(b"")
    assert shelf.prune() == []
