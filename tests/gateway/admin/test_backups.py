from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from combos.models import Combo
from gateway.backups import shelf, writing
from providers.models import Account
from tests.gateway.backups import older_database

pytestmark = pytest.mark.django_db
PAGE, IMPORT = "/admin/gateway/storage/", "/admin/gateway/import/"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"


def post(client, path: str = PAGE, **values: Any) -> str:
    return str(client.post(path, values, follow=True).content.decode())


def test_backups_are_made_shown_restored_and_deleted(admin_client):
    html = admin_client.get(PAGE).content.decode()
    assert "There is no backup yet" in html
    Combo.objects.create(name="mine")
    assert "is made" in post(admin_client, do="create")
    (backup,) = shelf.backups()
    Combo.objects.all().delete()
    html = post(admin_client, do="restore", id=backup.id)
    assert "Taken over: 1 combo" in html
    assert "Before a restore" in html
    assert Combo.objects.get().name == "mine"
    response = admin_client.get(f"/admin/gateway/backup/{backup.id}/")
    assert response["Content-Disposition"].endswith(f'{backup.id}"')
    assert "is deleted" in post(admin_client, do="delete", id=backup.id)
    assert backup.id not in [each.id for each in shelf.backups()]
    assert "There is no such backup" in post(admin_client, do="restore", id="../x")
    assert admin_client.get("/admin/gateway/backup/nothing/").status_code == 302


def test_backups_are_not_made_in_a_loop(admin_client):
    assert "is made" in post(admin_client, do="create")
    assert "The last backup is just made. Try again in" in post(admin_client, do="create")
    assert len(shelf.backups()) == 1


def test_an_upload_is_shown_before_anything_is_replaced(admin_client, tmp_path):
    Account.objects.create(provider="glm", name="before", api_key="k")
    content = older_database.write(tmp_path / "storage.sqlite").read_bytes()
    html = post(admin_client, IMPORT, file=SimpleUploadedFile("storage.sqlite", content))
    assert "A database of the older OmniRoute" in html
    assert re.search(r"<dt>Accounts</dt><dd>6</dd>", html)
    assert "password and sign-in secrets are not taken over" in html
    assert Account.objects.get().name == "before"
    upload = re.search(r'name="upload" value="([^"]+)"', html)
    assert upload
    html = post(admin_client, IMPORT, do="import", upload=upload[1])
    assert "Taken over: 5 accounts" in html
    assert "there is no provider “vanished” here" in html
    assert not Account.objects.filter(name="before").exists()
    assert not list(shelf.folder().glob(".*"))
    assert "The upload is gone" in post(admin_client, IMPORT, do="import", upload=upload[1])


def test_the_history_is_kept_on_request(admin_client, tmp_path):
    writing.write_backup(tmp_path / "b.sqlite")
    content = (tmp_path / "b.sqlite").read_bytes()
    html = post(admin_client, IMPORT, file=SimpleUploadedFile("b.sqlite", content))
    assert 'name="history" value="keep"' in html


def test_a_bad_upload_is_told_in_words(admin_client):
    html = post(admin_client, IMPORT, file=SimpleUploadedFile("x.sqlite", b"no database" * 1000))
    assert "The file is not an SQLite database. Nothing was changed." in html
    assert "must end in .sqlite" in post(admin_client, IMPORT, file=SimpleUploadedFile("x.txt", b"x"))
    assert not list(shelf.folder().iterdir())


def test_settings_decide_what_is_kept(admin_client):
    for _ in range(3):
        shelf.make("manual", history=False)
    html = post(
        admin_client,
        "/admin/gateway/backupsettings/1/change/",
        keep_backups="1",
        keep_backups_days="",
        backup_daily="on",
    )
    assert "2 backups deleted" in html
    assert "without the history" in admin_client.get(PAGE).content.decode()


def test_others_than_administrators_get_nothing(client, django_user_model):
    from django.contrib.auth.models import Permission

    user = django_user_model.objects.create_user("helper", is_staff=True)
    client.force_login(user)
    assert client.get(PAGE).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="change_backupsettings"))
    made = shelf.make("manual", history=False)
    assert made
    html = client.get(PAGE).content.decode()
    assert "Export database" not in html
    assert client.get(f"/admin/gateway/backup/{made.id}/").status_code == 403
    for do in ("create", "restore", "delete"):
        assert client.post(PAGE, {"do": do, "id": made.id}).status_code == 403
    assert client.post(IMPORT, {"do": "import"}).status_code == 403
