"""Backups of a running gateway, and from one database to another."""

from __future__ import annotations

import json
import sqlite3
import stat
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.simulator import Simulator
from tests.e2e.cluster import until
from tests.e2e.server import Gateway, running
from tests.gateway.backups import older_database

KEYS = {"ENCRYPTION_KEYS": "key-of-both", "API_KEY_SECRET": "secret-of-both"}
UPSTREAM_KEY = "sk-up-very-secret-0042"


def filled(gateway: Gateway, simulator: Simulator) -> str:
    """With a provider, a combo and a request. Returns a client's key."""
    gateway.add_provider("sim", simulator.openai_url, key=UPSTREAM_KEY)
    gateway.add_combo("best", "sim/x")
    key = gateway.manage("POST", "/api/keys", {"name": "laptop"})["key"]
    assert gateway.chat("best").status_code == 200
    return str(key)


def works(gateway: Gateway, simulator: Simulator, key: str) -> None:
    gateway.http.headers["authorization"] = f"Bearer {key}"
    try:
        answer = gateway.chat("best")
    finally:
        del gateway.http.headers["authorization"]
    assert answer.status_code == 200, answer.text
    assert simulator.requests[-1].key == UPSTREAM_KEY


def spelled(value: Any) -> str:
    """JSON is stored with other spaces and another order of names by PostgreSQL."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.dumps(json.loads(value), sort_keys=True)
    return repr(value)


def rows(path: Path) -> dict[str, list[Any]]:
    """Of a backup: what it is about, without what depends on the moment."""
    with closing(sqlite3.connect(path)) as file:
        tables = [
            name
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name.startswith(("billing_", "combos_", "gateway_", "providers_", "resilience_"))
        ]
        found = {}
        for table in tables:
            names = sorted(row[1] for row in file.execute(f"PRAGMA table_info({table})"))
            kept = ", ".join(f'"{name}"' for name in names if name not in ("last_used_at", "revision"))
            rows = file.execute(f"SELECT {kept} FROM {table}").fetchall()
            found[table] = sorted(tuple(spelled(value) for value in row) for row in rows)
        return found


def what_was_remembered_is_dropped(gateway: Gateway, simulator: Simulator, backup: str) -> None:
    """Cached answers and cooldowns, when a command restores what the process did not write."""

    def ask() -> tuple[int, str | None]:
        answer = gateway.chat("best", temperature=0)
        return answer.status_code, answer.headers.get("x-omniroute-cache")

    assert [ask(), ask()] == [(200, "MISS"), (200, "HIT")]
    simulator.behave("429-retry120", times=1)
    assert [gateway.chat("best").status_code for _ in range(2)] == [429, 429]
    gateway.command("restore", backup, "--yes")
    until(lambda: not gateway.manage("GET", "/api/resilience/cooldowns")["cooldowns"])
    assert ask() == (200, "MISS")


def test_a_backup_is_restored_under_the_running_gateway(tmp_path: Path, simulator: Simulator) -> None:
    with running(tmp_path) as gateway:
        key = filled(gateway, simulator)
        exported = gateway.http.get(
            "/api/db-backups/export", headers={"authorization": f"Bearer {gateway.key}"}
        )
        assert exported.content.startswith(b"SQLite format 3\x00")
        made = Path(gateway.command("backup").strip())
        assert made.parent == tmp_path / "data" / "db_backups"
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        outside = tmp_path / "outside.sqlite"
        assert gateway.command("backup", "--output", str(outside)).strip() == str(outside)
        archive = tmp_path / "all.tar.gz"
        gateway.command("export_all", "--output", str(archive))
        with tarfile.open(archive) as opened:
            inside = b"".join(opened.extractfile(member).read() for member in opened)
        for content in (exported.content, outside.read_bytes(), inside):
            assert not [secret for secret in (UPSTREAM_KEY, key, gateway.key) if secret.encode() in content]

        (combo,) = gateway.manage("GET", "/api/combos")["combos"]
        gateway.manage("DELETE", f"/api/combos/{combo['id']}")
        for each in gateway.manage("GET", "/api/providers")["connections"]:
            gateway.manage("PUT", f"/api/providers/{each['id']}", {"name": "renamed"})
        with ThreadPoolExecutor(1) as pool:
            before = simulator.count
            running_meanwhile = pool.submit(gateway.chat, "sim/sim-slow9000", stream=True)
            until(lambda: simulator.count > before)
            told = gateway.manage("POST", "/api/db-backups", {"backupId": made.name})
            assert (told["connectionCount"], told["nodeCount"], told["comboCount"]) == (1, 1, 1)
            assert not running_meanwhile.done()
            assert "data: [DONE]" in running_meanwhile.result().text
        works(gateway, simulator, key)
        assert len(gateway.rows()) == 3
        reasons = [each["reason"] for each in gateway.manage("GET", "/api/db-backups")["backups"]]
        assert reasons == ["pre-restore", "manual"]

        what_was_remembered_is_dropped(gateway, simulator, made.name)

        older = older_database.write(tmp_path / "storage.sqlite")
        gateway.command("import_db", str(older), "--yes")
        names = {each["name"] for each in gateway.manage("GET", "/api/combos")["combos"]}
        assert names == {"premium", "nested"}
        gateway.http.headers["authorization"] = f"Bearer {older_database.CLIENT_KEY}"
        listed = {model["id"] for model in gateway.http.get("/v1/models").json()["data"]}
        assert "premium" in listed


@pytest.mark.cluster
def test_a_laptops_backup_becomes_a_clusters_and_back(
    tmp_path: Path, simulator: Simulator, postgres_url: str, redis_url: str
) -> None:
    carried, back, again = (tmp_path / f"{name}.sqlite" for name in ("carried", "back", "again"))
    laptop_folder, cluster_folder = tmp_path / "laptop", tmp_path / "cluster"
    laptop_folder.mkdir()
    cluster_folder.mkdir()
    with running(laptop_folder, KEYS) as laptop:
        key = filled(laptop, simulator)
        laptop.command("backup", "--output", str(carried))
    env = {**KEYS, "DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "REQUIRE_API_KEY": "true"}
    with running(cluster_folder, env, ["--no-jobs", "--workers", "2"]) as cluster:
        cluster.http.headers["connection"] = "close"  # new connections, so that both workers get some
        cluster.manage("GET", "/api/combos")  # makes the key
        cluster.settle()
        before = cluster.configuration()
        told = cluster.command("restore", str(carried), "--yes")
        assert "1 account, 1 custom provider, 1 combo, 2 API keys, 1 request" in told
        noted = cluster.manage("GET", "/api/compliance/audit-log?actor=command line")[0]
        assert (noted["action"], noted["target"]) == ("replaced the database", carried.name)
        cluster.command("backup", "--output", str(back))
        found, wanted = rows(back), rows(carried)
        keys, carried_keys = found.pop("billing_apikey"), wanted.pop("billing_apikey")
        assert set(carried_keys) < set(keys)
        assert found == wanted
        assert len(cluster.manage("GET", "/api/combos")["combos"]) == 1
        until(lambda: cluster.configuration() > before)
        cluster.settle()
        for _ in range(10):
            works(cluster, simulator, key)
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute("SELECT count(*) FROM billing_usagerecord").fetchone() == (11,)
        cluster.command("backup", "--output", str(back))
    with running(laptop_folder, KEYS) as laptop:
        laptop.command("restore", str(back), "--yes")
        laptop.command("backup", "--output", str(again))
        assert rows(again) == rows(back)
        works(laptop, simulator, key)
