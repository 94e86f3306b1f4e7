"""A made-up database of the older OmniRoute."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE provider_connections (id TEXT PRIMARY KEY, provider TEXT NOT NULL, auth_type TEXT, name TEXT, email TEXT,
    priority INTEGER, is_active INTEGER, access_token TEXT, refresh_token TEXT, expires_at TEXT, project_id TEXT,
    id_token TEXT, api_key TEXT, provider_specific_data TEXT, default_model TEXT, rate_limit_protection INTEGER,
    created_at TEXT, updated_at TEXT);
CREATE TABLE provider_nodes (id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT, prefix TEXT, api_type TEXT,
    base_url TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE key_value (namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (namespace, key));
CREATE TABLE combos (id TEXT PRIMARY KEY, name TEXT UNIQUE, data TEXT NOT NULL);
CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT, key TEXT UNIQUE, machine_id TEXT, created_at TEXT);
CREATE TABLE domain_fallback_chains (model TEXT PRIMARY KEY, chain TEXT);
CREATE TABLE usage_history (id INTEGER PRIMARY KEY, provider TEXT);
"""
NODE = "openai-compatible-chat-0b1c"
CLIENT_KEY = "sk-a1b2c3d4-x9y8z7-0badc0de"
SECRETS = {
    "key": "gsk-older-secret-0001",
    "node": "sk-node-secret-0002",
    "access": "gho-older-secret-0003",
    "refresh": "older-refresh-0004",
    "proxy": "proxy-secret-0005",
}
CONNECTIONS: list[dict[str, Any]] = [
    {"id": "c1", "provider": "groq", "auth_type": "apikey", "name": "work", "priority": 2, "is_active": 1,
     "api_key": SECRETS["key"], "default_model": "llama-3.3-70b-versatile"},
    {"id": "c2", "provider": "groq", "auth_type": "apikey", "name": "spare", "priority": 1, "is_active": 0,
     "api_key": "enc:v1:aa:bb:cc"},
    {"id": "c3", "provider": NODE, "auth_type": "apikey", "name": "lab", "priority": 1, "is_active": 1,
     "api_key": SECRETS["node"]},
    {"id": "c4", "provider": "github", "auth_type": "oauth", "email": "me@example.org", "priority": 1, "is_active": 1,
     "access_token": SECRETS["access"], "provider_specific_data": json.dumps({"copilotToken": "tid=older"})},
    {"id": "c5", "provider": "codex", "auth_type": "oauth", "name": "plan", "priority": 1, "is_active": 1,
     "access_token": "codex-access", "refresh_token": SECRETS["refresh"], "expires_at": "2026-01-02T03:04:05.000Z",
     "provider_specific_data": json.dumps({"accountId": "ws-1"})},
    {"id": "c6", "provider": "vanished", "auth_type": "apikey", "name": "old", "priority": 1, "is_active": 1,
     "api_key": "k-12345678"},
]  # fmt: skip
PAIRS: dict[str, dict[str, Any]] = {
    "settings": {
        "fallbackStrategy": "round-robin",
        "stickyRoundRobinLimit": 5,
        "password": "$2b$10$older-hash",
        "requireLogin": False,
        "comboDefaults": {"maxRetries": 2, "timeoutMs": 90_000, "maxComboDepth": 7},
    },
    "modelAliases": {"fast": "groq/llama-3.3-70b-versatile", "mine": f"{NODE}/tiny"},
    "customModels": {NODE: [{"id": "tiny", "name": "Tiny"}]},
    "pricing": {"groq": {"llama-3.3-70b-versatile": {"input": 0.5, "output": 0.75, "cached": 0.1}}},
    "proxyConfig": {
        "global": {"type": "http", "host": "proxy.lan", "port": "3128", "username": "u", "password": SECRETS["proxy"]},
        "keys": {"c1": {"type": "socks5", "host": "socks.lan", "port": 1080}},
    },
}  # fmt: skip
COMBOS = {
    "premium": {
        "models": ["cc/claude-sonnet-4-5", {"model": "groq/llama-3.3-70b-versatile", "weight": 3}, f"{NODE}/tiny"],
        "strategy": "weighted",
        "config": {"maxRetries": 1, "retryDelayMs": 500, "healthCheckTimeoutMs": 3000},
    },
    "nested": {"models": ["premium"], "strategy": "no-such"},
}  # fmt: skip


def write(path: Path, *, without: str = "") -> Path:
    """`without`: a table that is missing."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript(SCHEMA)
        for row in CONNECTIONS:
            _insert(file, "provider_connections", row)
        _insert(
            file,
            "provider_nodes",
            {"id": NODE, "type": "openai-compatible", "name": "Lab", "prefix": "lab", "api_type": "chat",
             "base_url": "http://lab.lan:8000/v1/chat/completions"},
        )  # fmt: skip
        for namespace, pairs in PAIRS.items():
            for key, value in pairs.items():
                _insert(file, "key_value", {"namespace": namespace, "key": key, "value": json.dumps(value)})
        for number, (name, data) in enumerate(COMBOS.items()):
            _insert(file, "combos", {"id": f"combo-{number}", "name": name, "data": json.dumps(data)})
        _insert(file, "api_keys", {"id": "k1", "name": "laptop", "key": CLIENT_KEY})
        _insert(file, "api_keys", {"id": "k2", "name": "masked", "key": "sk-…0badc0de"})
        chain = [{"provider": "groq", "priority": 2}, {"provider": "lab", "priority": 1, "enabled": False}]
        _insert(file, "domain_fallback_chains", {"model": "gpt-4o", "chain": json.dumps(chain)})
        file.execute("INSERT INTO usage_history (provider) VALUES ('groq')")
        if without:
            file.execute(f"DROP TABLE {without}")
        file.commit()
    return path


def _insert(file: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    file.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(row.values()))
