"""Encryption at rest for provider credentials.

Fernet (AES-128-CBC + HMAC-SHA256). The keys live outside of the database: `ENCRYPTION_KEYS` (comma separated, the
first encrypts, all decrypt, so a key is rotated by putting a new one in front) or, unset, one generated in
`DATA_DIR/encryption.key`.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class UnreadableSecret(Exception):
    """The stored value was encrypted under a key that this installation does not have."""


def _fernet_key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(key)) for key in keys])


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raise `UnreadableSecret` when none of the keys fits."""
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret("Stored under another encryption key: enter the credential again") from None


class Unreadable(str):
    """Empty, in place of a text that none of the keys fits. `token` is what is stored, and is stored again unchanged:
    whoever finds the key finds the text, too."""

    token: str

    def __new__(cls, token: str = "") -> Unreadable:
        found = super().__new__(cls, "")
        found.token = token
        return found


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """Text that is encrypted in the database and plain in Python.

    A value under a lost key reads as an empty string (`Unreadable`): the row stays usable and editable, and asks for
    its credential again, instead of making every page that lists it fail.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if not value:
            return value
        try:
            return decrypt(value)
        except UnreadableSecret:
            return Unreadable(value)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Unreadable):
            return value.token
        value = super().get_prep_value(value)
        return encrypt(value) if value else value


def mask(secret: str) -> str:
    """Enough of a secret to recognise it, not enough to use it."""
    if not secret:
        return ""
    return f"{secret[:3]}…{secret[-4:]}" if len(secret) >= 16 else "…"
