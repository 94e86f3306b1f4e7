"""Where Kiro's editor and command line keep their sign-in. Source: docs/protocol-notes.md, Kiro."""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from providers.oauth.answers import SignInError, Tokens, moment_of, text_of
from providers.oauth.device import is_web_address
from providers.oauth.vendors.kiro import BUILDER_ID, EXTERNAL, IDC, SOCIAL

_METHODS = {"social": SOCIAL, "idc": IDC, "external_idp": EXTERNAL}
_HASH = re.compile(r"[0-9a-fA-F]{8,128}")
_KEYS = {
    "kirocli:social:token": SOCIAL,
    "kirocli:external-idp:token": EXTERNAL,
    "kirocli:odic:token": IDC,
    "codewhisperer:odic:token": IDC,
}
"""Of the table `auth_kv`, spelled as the program does."""
_CLIENT_KEYS = ("kirocli:odic:device-registration", "codewhisperer:odic:device-registration")
_PROFILE_KEY = "api.codewhisperer.profile"


def of_json(body: Any, beside: Path | None = None) -> Tokens | None:
    """`kiro-auth-token.json`; its registered client is in a file of its own beside it."""
    if not isinstance(body, Mapping):
        return None
    method = _METHODS.get(text_of(body, "authMethod").lower(), SOCIAL)
    provider = text_of(body, "provider")
    if method == IDC and provider == "BuilderId":
        method = BUILDER_ID
    client = _client_beside(text_of(body, "clientIdHash"), beside)
    endpoint = text_of(body, "tokenEndpoint")
    return (
        Tokens(
            access=text_of(body, "accessToken"),
            refresh=text_of(body, "refreshToken"),
            expires_at=moment_of(body.get("expiresAt")),
        )
        .with_data(
            authMethod=method,
            region=text_of(body, "region"),
            profileArn=text_of(body, "profileArn"),
            idp=provider if method == SOCIAL else "",
        )
        .with_secrets(
            clientId=text_of(client, "clientId") or text_of(body, "clientId"),
            clientSecret=text_of(client, "clientSecret") or text_of(body, "clientSecret"),
            tokenEndpoint=endpoint if is_web_address(endpoint) else "",
        )
    )


def _client_beside(name: str, folder: Path | None) -> Any:
    if folder is None or not _HASH.fullmatch(name):
        return None
    try:
        return json.loads((folder / f"{name}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def of_uploaded_database(content: bytes) -> Tokens:
    """Raise `SignInError`."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite3") as file:
        file.write(content)
        file.flush()
        return of_database(Path(file.name))


def of_database(path: Path) -> Tokens:
    """The command line's database, opened read-only. Raise `SignInError`."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)
        ) as connection:
            kept = _pairs(connection, "auth_kv")
            state = _pairs(connection, "state")
    except sqlite3.Error as error:
        raise SignInError(f"{path.name} cannot be read: {error}", code="bad_file") from None
    for key, method in _KEYS.items():
        token = kept.get(key)
        if text_of(token, "access_token", "refresh_token"):
            return _of_command_line(token, method, kept, state)
    raise SignInError(f"{path.name} holds no sign-in of Kiro", code="bad_file")


def _pairs(connection: sqlite3.Connection, table: str) -> dict[str, Any]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    if table not in {name for (name,) in tables}:
        return {}
    found: dict[str, Any] = {}
    for key, value in connection.execute(f"SELECT key, value FROM {table}"):  # noqa: S608  (one of two names)
        try:
            found[str(key)] = json.loads(value)
        except (TypeError, ValueError, RecursionError):
            found[str(key)] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return found


def _of_command_line(token: Any, method: str, kept: Mapping[str, Any], state: Mapping[str, Any]) -> Tokens:
    client = next((kept[key] for key in _CLIENT_KEYS if isinstance(kept.get(key), Mapping)), None)
    start = state.get("auth.idc.start-url")
    if method == IDC and (not isinstance(start, str) or "view.awsapps.com" in start):
        method = BUILDER_ID
    region = text_of(token, "region") or text_of(client, "region") or text_of(state, "auth.idc.region")
    return (
        Tokens(
            access=text_of(token, "access_token"),
            refresh=text_of(token, "refresh_token"),
            expires_at=moment_of(token.get("expires_at")),
        )
        .with_data(
            authMethod=method,
            region=region,
            profileArn=text_of(token, "profile_arn") or text_of(state.get(_PROFILE_KEY), "arn"),
        )
        .with_secrets(
            clientId=text_of(client, "client_id") if method != SOCIAL else "",
            clientSecret=text_of(client, "client_secret") if method != SOCIAL else "",
        )
    )
