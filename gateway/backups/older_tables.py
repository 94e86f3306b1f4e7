"""The older OmniRoute's tables of configuration, in every backup: what reads its files by name finds accounts, custom
providers, combos and API keys, without any credential. Taking a backup over does not look at them."""

from __future__ import annotations

import json
import sqlite3

REQUIRED = ("provider_connections", "provider_nodes", "combos", "api_keys")
"""Whatever is imported has these."""

_CREATE = """
CREATE TABLE provider_connections (id TEXT PRIMARY KEY, provider TEXT NOT NULL, auth_type TEXT, name TEXT, email TEXT,
    priority INTEGER, is_active INTEGER, default_model TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE provider_nodes (id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL, prefix TEXT, api_type TEXT,
    base_url TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE combos (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, data TEXT NOT NULL, created_at TEXT,
    updated_at TEXT);
CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, machine_id TEXT, created_at TEXT);
INSERT INTO provider_connections SELECT CAST(id AS TEXT), provider, replace(auth_type, 'api_key', 'apikey'), name,
    email, priority, is_active, default_model, created_at, updated_at FROM providers_account;
INSERT INTO provider_nodes SELECT id, kind, name, prefix, api_type, base_url, created_at, updated_at
    FROM providers_providernode;
INSERT INTO api_keys SELECT CAST(id AS TEXT), name, hint, NULL, created_at FROM billing_apikey;
"""


def write(file: sqlite3.Connection) -> None:
    file.executescript(_CREATE)
    targets: dict[int, list[dict[str, object]]] = {}
    for combo, model, weight in file.execute(
        "SELECT combo_id, model, weight FROM combos_combotarget ORDER BY position, id"
    ):
        targets.setdefault(combo, []).append({"model": model, "weight": weight})
    rows = file.execute("SELECT id, name, strategy, created_at, updated_at FROM combos_combo").fetchall()
    for id, name, strategy, created, updated in rows:
        data = {"models": targets.get(id, []), "strategy": strategy.replace("_", "-")}
        file.execute(
            "INSERT INTO combos VALUES (?, ?, ?, ?, ?)", (str(id), name, json.dumps(data), created, updated)
        )
