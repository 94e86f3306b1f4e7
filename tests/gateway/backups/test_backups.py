from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from billing.budgets import editing
from billing.keys import create_api_key
from billing.models import ApiKey, Budget, DailyUsage, Price, RequestLog, UsageRecord
from combos.models import Combo, ComboTarget, ModelAlias
from gateway.backups import shelf, tables, taking, writing
from gateway.backups.archive import write_archive
from gateway.backups.checking import examine
from gateway.models import ConfigVersion, GatewaySettings, SyncSpace
from omniroute import crypto
from omniroute.errors import GatewayError
from providers.config import load
from providers.models import Account, ProviderNode, ProxyRule, QuotaWindow
from tests.services import ROOT
from tests.usage import count, recorded

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, 30, 15, 123456, tzinfo=UTC)
SECRETS = {
    "key": "sk-upstream-secret-111",
    "access": "access-secret-222",
    "refresh": "refresh-secret-333",
    "other": "client-secret-444",
    "proxy": "proxy-secret-555",
    "header": "header-secret-666",
    "option": "option-secret-777",
    "address": "address-secret-888",
}

FILLED = {
    *(
        "providers_account",
        "providers_providernode",
        "providers_proxyrule",
        "combos_combo",
        "combos_combotarget",
    ),
    *("combos_modelalias", "billing_apikey", "billing_usagerecord"),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def client_key(admin_user) -> str:
    """A bit of everything, and secrets wherever there can be one. Returns a client's key."""
    node = ProviderNode.objects.create(
        name="Lab", prefix="lab", base_url=f"http://me:{SECRETS['address']}@lab.lan/v1",
        headers={"Authorization": SECRETS["header"], "X-Team": SECRETS["header"]},
    )  # fmt: skip
    account = Account.objects.create(
        provider=node.pk, name="Zoë 🦊", api_key=SECRETS["key"],
        provider_data={"secret": SECRETS["option"], "project": "p"},
    )  # fmt: skip
    signed_in = Account(
        provider="codex", name="plan", auth_type="oauth",
        access_token=SECRETS["access"], refresh_token=SECRETS["refresh"], expires_at=NOW,
    )  # fmt: skip
    signed_in.secrets = {"clientSecret": SECRETS["other"]}
    signed_in.save_whole()
    QuotaWindow.objects.create(
        account=account, key="k", label="l", kind="x", used_percent=1, source="s", fetched_at=NOW
    )
    combo = Combo.objects.create(name="best", strategy="weighted", hedge_after_s=0.25)
    ComboTarget.objects.create(combo=combo, model="lab/tiny", weight=3)
    ModelAlias.objects.create(pattern="fast-*", target="best")
    ProxyRule.objects.create(level="key", target=str(account.pk), host="proxy.lan", port=3128, username="u",
                             password=SECRETS["proxy"])  # fmt: skip
    Price.objects.create(provider="openai", model="gpt-4o", input=Decimal("0.000001"), output=2, long_start=5)
    made = create_api_key("laptop", allowed_models=["best"])
    Budget.objects.create(api_key=made.record, limit=Decimal("12.5"), revision=4)
    GatewaySettings(system_prompt="Be brief", system_prompt_enabled=True).save()
    for number in range(3):
        recorded(
            created_at=NOW + timedelta(seconds=number), status=200, request_id=f"r{number}",
            cost="0.0000012345", attempts=[{"provider": "lab", "ms": 3, "n": "é"}], first_token_ms=None,
        )  # fmt: skip
    count(NOW, cost="0.25", input_tokens=9, api_key_id=made.record.pk)
    RequestLog.objects.create(request_id="r0", created_at=NOW, document=b"\x00\xffbody")
    return made.secret


def everything(part: str = "") -> dict[str, list[tuple[Any, ...]]]:
    """Every row that backups are about, as the database has it."""
    found = {}
    for model in tables.all_models():
        if tables.part_of(model) in ((part,) if part else ("configuration", "history")):
            columns = [name for name in tables.columns_of(model) if (model, name) != (Budget, "revision")]
            with connection.cursor() as cursor:
                names = ", ".join(f'"{name}"' for name in columns)
                cursor.execute(f'SELECT {names} FROM "{model._meta.db_table}" ORDER BY 1')
                found[model._meta.db_table] = cursor.fetchall()
    return found


def wreck() -> None:
    """What somebody regrets."""
    for model in (Budget, Account, Combo, ProviderNode, ApiKey, UsageRecord, DailyUsage, ProxyRule):
        model.objects.all().delete()
    Combo.objects.create(name="wrong")
    Account.objects.create(provider="glm", name="wrong", api_key="k")
    recorded(created_at=NOW, status=500, request_id="later")


def take(path: Path, **options: Any) -> taking.Outcome:
    with taking.opened(path, limit=None) as found:
        return taking.take(found, **options)


def texts_in(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.django_db(transaction=True)
def test_a_whole_copy_holds_every_row(client_key, tmp_path):
    """Made by SQLite itself, which needs a database that is in no transaction."""
    before = everything()
    writing.write_backup(tmp_path / "whole.sqlite")
    with closing(sqlite3.connect(tmp_path / "whole.sqlite")) as file:
        assert file.execute("SELECT count(*) FROM providers_quotawindow").fetchone() == (0,)
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert not [name for name in names if name.startswith(("auth_", "django_q", "django_s"))]
        assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    wreck()
    outcome = take(tmp_path / "whole.sqlite")
    assert everything() == before
    assert outcome.notes == ()


def test_every_row_comes_back_as_it_was(client_key, tmp_path):
    before = everything()
    assert {table for table, rows in before.items() if rows} >= FILLED
    writing.write_backup(tmp_path / "b.sqlite")
    wreck()
    outcome = take(tmp_path / "b.sqlite")
    assert everything() == before
    assert outcome.counts == {
        "accounts": 2,
        "custom providers": 1,
        "combos": 1,
        "API keys": 1,
        "requests": 3,
    }


def test_new_rows_get_ids_of_their_own_after_that(client_key, tmp_path):
    writing.write_backup(tmp_path / "b.sqlite")
    take(tmp_path / "b.sqlite")
    last = Account.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert Account.objects.create(provider="glm", name="new", api_key="k").pk > last


def test_every_process_learns_of_it(client_key, tmp_path):
    writing.write_backup(tmp_path / "b.sqlite")
    Budget.objects.update(revision=9)
    version = ConfigVersion.objects.get().version
    take(tmp_path / "b.sqlite")
    assert ConfigVersion.objects.get().version > version
    assert Budget.objects.get().revision > 9


def test_without_the_history_requests_stay(client_key, tmp_path):
    before = everything("configuration")
    writing.write_backup(tmp_path / "b.sqlite", history=False)
    with closing(sqlite3.connect(tmp_path / "b.sqlite")) as file:
        assert file.execute("SELECT count(*) FROM billing_usagerecord").fetchone() == (0,)
    recorded(created_at=NOW, status=500, request_id="later")
    Combo.objects.all().delete()
    outcome = take(tmp_path / "b.sqlite")
    assert everything("configuration") == before
    assert UsageRecord.objects.filter(request_id="later").exists()
    assert "requests" not in outcome.counts


def test_the_history_can_be_kept_whatever_the_file_has(client_key, tmp_path):
    writing.write_backup(tmp_path / "b.sqlite")
    recorded(created_at=NOW, status=500, request_id="later")
    take(tmp_path / "b.sqlite", history=False)
    assert UsageRecord.objects.count() == 4


def test_what_a_budget_spent_is_worked_out_from_the_history_that_is_there_then(client_key, tmp_path):
    budget = Budget.objects.get()
    count(datetime.now(UTC), cost="3", api_key_id=budget.api_key_id)
    editing.work_out_again()
    writing.write_backup(tmp_path / "b.sqlite")
    count(datetime.now(UTC), cost="4", api_key_id=budget.api_key_id)
    editing.work_out_again()
    take(tmp_path / "b.sqlite")
    assert Budget.objects.get().spends.get().usd == 3 * 10**10


def test_a_backup_has_what_older_programs_look_for(client_key, tmp_path):
    writing.write_backup(tmp_path / "b.sqlite")
    with closing(sqlite3.connect(tmp_path / "b.sqlite")) as file:
        assert file.execute("SELECT name, auth_type FROM provider_connections ORDER BY name").fetchall() == [
            ("Zoë 🦊", "apikey"),
            ("plan", "oauth"),
        ]
        assert file.execute("SELECT data FROM combos").fetchone() == (
            '{"models": [{"model": "lab/tiny", "weight": 3}], "strategy": "weighted"}',
        )


def test_a_backup_is_private_and_holds_no_secret_in_clear(client_key, tmp_path, admin_user):
    writing.write_backup(tmp_path / "b.sqlite")
    content = texts_in(tmp_path / "b.sqlite")
    assert stat.S_IMODE((tmp_path / "b.sqlite").stat().st_mode) == 0o600
    hidden = [SECRETS[name] for name in ("key", "access", "refresh", "other", "proxy")]
    assert not [text for text in [*hidden, client_key, admin_user.password] if text.encode() in content]
    assert b"auth_user" not in content


def test_a_full_archive_holds_no_credential_at_all(client_key, tmp_path, admin_user):
    stored = [bytes(value, "utf8") for row in Account.objects.raw("SELECT * FROM providers_account")
              for value in (row.api_key, row.access_token) if value]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM providers_account UNION SELECT password FROM providers_proxyrule")
        encrypted = [value.encode() for (value,) in cursor.fetchall() if value]
    SyncSpace.objects.create(owner=ApiKey.objects.get(), name="main", envelope='{"data": "c2VhbGVk"}')
    write_archive(tmp_path / "all.tar.gz")
    with tarfile.open(tmp_path / "all.tar.gz") as archive:
        assert all(member.mode == 0o600 for member in archive)
        files = {member.name: archive.extractfile(member).read() for member in archive}
    assert set(files) == {
        "storage.sqlite", "settings.json", "combos.json", "providers.json", "api-keys.json", "metadata.json",
        "README.txt",
    }  # fmt: skip
    key_hash = ApiKey.objects.get().key_hash
    secrets = [*(text.encode() for text in SECRETS.values()), *stored, *encrypted]
    secrets += [
        client_key.encode(),
        admin_user.password.encode(),
        key_hash.encode(),
        b"\x00\xffbody",
        b"c2VhbGVk",
    ]
    assert len(encrypted) == 2
    for name, content in files.items():
        assert not [secret for secret in secrets if secret in content], name
    assert b'"format": "omniroute-full-backup-v1"' in files["metadata.json"]
    assert b"without credentials" in files["README.txt"]


def test_a_full_archive_is_taken_over_and_tells_what_it_lacks(client_key, tmp_path):
    write_archive(tmp_path / "all.tar.gz")
    wreck()
    with taking.opened(tmp_path / "all.tar.gz") as found:
        (note,) = found.notes
        taking.take(found)
    assert "made without credentials" in note
    account = Account.objects.get(name="plan")
    assert (account.api_key, account.access_token, account.is_unreadable) == ("", "", False)
    assert Account.objects.get(provider__startswith="node-").provider_data == {"project": "p"}
    assert ProviderNode.objects.get().headers == {}
    assert UsageRecord.objects.count() == 3


def test_a_key_that_manages_gets_its_hash_back_in_the_row_of_a_file_without_hashes(client_key, tmp_path):
    kept = create_api_key("script", "manage").record
    write_archive(tmp_path / "all.tar.gz")
    for _ in range(2):
        with taking.opened(tmp_path / "all.tar.gz") as found:
            taking.take(found)
    (row,) = ApiKey.objects.filter(scope="manage")
    assert (row.pk, row.key_hash) == (kept.pk, kept.key_hash)


def test_without_the_encryption_key_accounts_say_so_and_everything_else_works(
    client_key, tmp_path, settings, admin_client
):
    writing.write_backup(tmp_path / "b.sqlite")
    right, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, ["another key"]
    settings.API_KEY_SECRET = "another secret"
    with taking.opened(tmp_path / "b.sqlite", limit=None) as found:
        taking.take(found)
    assert [note.partition(".")[0] for note in found.notes] == [
        "The credentials of 2 accounts were encrypted under another key",
        "API keys in this file were made under another API_KEY_SECRET: clients need new ones, unless you put the "
        "other installation's api-key-secret",
    ]
    rows = list(Account.objects.all())
    assert all(row.is_unreadable for row in rows)
    page = admin_client.get("/admin/providers/account/").content.decode()
    assert page.count("Credential unreadable: enter it again") == 2
    config = load()
    assert not any(config.accounts.values())
    assert "entered again" in config.idle["codex"]
    assert admin_client.get(f"/admin/providers/account/{rows[0].pk}/change/").status_code == 200
    for row in rows:
        row.name += "!"
        row.full_clean()
        row.save_whole()
    settings.ENCRYPTION_KEYS = right
    assert Account.objects.get(name="plan!").refresh_token == SECRETS["refresh"]
    assert Account.objects.get(provider__startswith="node-").api_key == SECRETS["key"]


def test_an_account_whose_credential_is_entered_again_is_readable(client_key, settings):
    settings.ENCRYPTION_KEYS = ["another key"]
    row = Account.objects.get(provider__startswith="node-")
    row.api_key = "sk-new"
    row.save()
    assert (Account.objects.get(pk=row.pk).is_unreadable, Account.objects.get(pk=row.pk).api_key) == (
        False,
        "sk-new",
    )
    assert crypto.Unreadable("t") == ""


def test_a_disk_without_room_is_told_before(client_key, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_SPARE_BYTES", 10**18)
    with pytest.raises(GatewayError, match="no room") as raised:
        shelf.make("manual")
    assert raised.value.status == 507
    assert list(shelf.folder().iterdir()) == []


def test_an_older_backup_is_brought_up_to_date(client_key, tmp_path):
    path = tmp_path / "b.sqlite"
    before = everything()
    writing.write_backup(path)
    go_back(path, "gateway", "0004_cache")
    assert ("gateway", "0008_backups") in examine(path).missing
    wreck()
    take(path)
    assert everything() == before


def go_back(path: Path, app: str, migration: str) -> None:
    """Give the file the tables of an older version."""
    code = (
        "import django; django.setup(); from django.db import connection;"
        "from django.db.migrations.executor import MigrationExecutor;"
        f"MigrationExecutor(connection).migrate([({app!r}, {migration!r})])"
    )
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{path}", "DATA_DIR": str(path.parent / "other")}
    subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "DJANGO_SETTINGS_MODULE": "omniroute.settings"},
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=DELETE")
