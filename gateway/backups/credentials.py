"""Removes from a file what must not be shared. Encrypted columns are found by their type, new ones too."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from billing.models import ApiKey, RequestLog
from gateway.backups import tables
from gateway.sync.models import SyncSpace
from omniroute.crypto import EncryptedTextField
from omniroute.redact import MASK, redact, redact_url
from providers.models import Account, ProviderNode, ProxyRule

REMOVED = "removed-"
"""How the hash of an API key begins that is no hash any more."""
_ADDRESSES = ((Account, "base_url"), (ProviderNode, "base_url"))


def remove_credentials(file: sqlite3.Connection) -> None:
    """Keys and tokens of accounts, passwords of proxies, hashes of API keys, further headers, options that sound
    secret, the logs of what clients sent, and what is kept, sealed, for other devices: whoever has it may try
    passphrases for as long as he likes. The file is rewritten, so that nothing is left in unused pages."""
    for model in tables.all_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                file.execute(f'UPDATE "{model._meta.db_table}" SET "{field.column}" = \'\'')  # noqa: S608
    file.execute(f"UPDATE \"{_table(ApiKey)}\" SET key_hash = '{REMOVED}' || id")  # noqa: S608
    for model in (RequestLog, SyncSpace):
        file.execute(f'DELETE FROM "{_table(model)}"')  # noqa: S608
    for model, column in _ADDRESSES:
        _change(file, _table(model), column, redact_url)
    _change(file, _table(Account), "provider_data", _without_secrets)
    file.execute(f"UPDATE \"{_table(ProviderNode)}\" SET headers = '{{}}'")  # noqa: S608
    file.execute(f"UPDATE \"{_table(ProxyRule)}\" SET username = ''")  # noqa: S608
    file.commit()
    file.execute("VACUUM")


def _table(model: type[Any]) -> str:
    return str(model._meta.db_table)


def _change(file: sqlite3.Connection, table: str, column: str, change: Any) -> None:
    rows = file.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchall()  # noqa: S608
    changed = [(change(value), id) for id, value in rows if value]
    file.executemany(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', changed)  # noqa: S608


def _without_secrets(text: str) -> str:
    return json.dumps(_known_values(redact(json.loads(text))))


def _known_values(value: Any) -> Any:
    """Without what was masked, so that nobody takes a mask for a value."""
    if isinstance(value, dict):
        return {name: _known_values(item) for name, item in value.items() if item != MASK}
    return [_known_values(item) for item in value] if isinstance(value, list) else value
