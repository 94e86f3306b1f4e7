"""Making and recognising API keys."""

from __future__ import annotations

import hmac
import secrets
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from billing.models import ApiKey

_PREFIX = "sk-or-"


class NewKey(NamedTuple):
    secret: str
    """The key itself, which nobody can read again."""
    record: ApiKey


def hash_key(secret: str) -> str:
    """HMAC-SHA256 under `API_KEY_SECRET`, in hex. The key has 256 random bits, so it needs no slow hash."""
    hashing = _begun(settings.API_KEY_SECRET).copy()
    hashing.update(secret.encode("utf-8", "surrogatepass"))
    return hashing.hexdigest()


@lru_cache(maxsize=1)
def _begun(key: str) -> hmac.HMAC:
    """Beginning anew, or `hmac.digest`, takes some microseconds of every request."""
    return hmac.new(key.encode(), digestmod="sha256")


def create_api_key(name: str, scope: str = ApiKey.Scope.USE, **values: object) -> NewKey:
    """Make and save a key. `values` are further fields of `ApiKey`."""
    secret = _PREFIX + secrets.token_urlsafe(32)
    record = ApiKey.objects.create(
        name=name, scope=scope, hint=f"{secret[:9]}…{secret[-4:]}", key_hash=hash_key(secret), **values
    )
    return NewKey(secret, record)
