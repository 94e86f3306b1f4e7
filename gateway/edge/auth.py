"""Who is calling: the client's API key, and the rules for callers without one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from billing.config import BillingConfig, KeyConfig
from billing.keys import hash_key
from omniroute.errors import ClientError, Forbidden, GatewayError, Unauthorized
from omniroute.net import is_loopback
from resilience.lockout import lockouts


@dataclass(frozen=True, slots=True)
class Grant:
    """The admin site's word that its user may use models. It is in the ASGI scope of a request that this process makes
    to itself (`gateway.translator.own_client`), where nothing that comes over a socket can put anything.

    `key_id`: the API key whose rights, limits and budgets hold; 0: none. `account_id`: the only account to be asked; 0:
    any.
    """

    key_id: int = 0
    account_id: int = 0


GRANT = "omniroute.grant"
"""The scope's key of a `Grant`."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`address` is the peer's, `query` the raw query string; header names are lower case."""

    address: str
    headers: Mapping[str, str]
    query: str = ""
    received: float = field(default_factory=time.perf_counter)
    """When its request was complete, on `time.perf_counter`."""
    grant: Grant | None = None
    """None for everybody who comes over a socket."""


def presented_key(headers: Mapping[str, str], query: str) -> str:
    """The key of the request, from wherever its family of clients puts it, or ""."""
    authorization = headers.get("authorization", "")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip()
    key = headers.get("x-api-key") or headers.get("x-goog-api-key")
    if key:
        return key.strip()
    return parse_qs(query).get("key", [""])[0] if "key=" in query else ""


def authenticate(caller: Caller, billing: BillingConfig, *, required: bool) -> KeyConfig | None:
    """The key, or None for a local caller who needs none.

    Raise `Unauthorized` for a missing or unusable key, `Forbidden` where a web page of another origin tries to use
    the gateway through its visitor's browser.
    """
    if caller.grant is not None:
        return _granted(caller.grant, billing)
    secret = presented_key(caller.headers, caller.query)
    key = billing.keys.get(hash_key(secret)) if secret else None
    if key is not None:
        return _usable(key)
    if required or not is_local(caller.address):
        if secret:
            raise Unauthorized("This API key is not known here")
        raise Unauthorized(
            "An API key is needed: send it as 'Authorization: Bearer <key>'", code="missing_api_key"
        )
    _refuse_foreign_pages(caller.headers)
    return None


def _granted(grant: Grant, billing: BillingConfig) -> KeyConfig | None:
    if not grant.key_id:
        return None
    key = next((each for each in billing.keys.values() if each.id == grant.key_id), None)
    if key is None:
        raise Unauthorized("There is no such API key", code="unknown_api_key")
    return _usable(key)


def _usable(key: KeyConfig) -> KeyConfig:
    if not key.is_usable:
        raise Unauthorized("This API key is disabled" if not key.is_active else "This API key has expired")
    if key.scope == "sync":
        raise Forbidden("This API key is for sync, not for models")
    return key


def count_wrong_key(error: GatewayError, address: str) -> GatewayError:
    """What to answer instead of `error`: wrong keys lock their address out of trying more of them.

    A right key always passes, so that one stale key does not lock out everybody behind the same address.
    """
    if not isinstance(error, Unauthorized) or error.code != Unauthorized.code:
        return error
    identifier = f"key:{address}"
    try:
        lockouts.check(identifier, "wrong API keys")
    except ClientError as locked:
        return locked
    lockouts.note(identifier)
    return error


@lru_cache(maxsize=1024)
def is_local(address: str) -> bool:
    return is_loopback(address)


def _refuse_foreign_pages(headers: Mapping[str, str]) -> None:
    """Without a key, only what is addressed to this machine by name is served: no other origin, no rebound DNS name."""
    host = headers.get("host", "")
    if not _is_own_host(host):
        raise Forbidden(f"Requests to the host {host[:100]!r} need an API key", code="foreign_host")
    origin = headers.get("origin")
    if origin is not None and not _is_own_host(origin.partition("://")[2]):
        raise Forbidden("Requests from web pages of another origin need an API key", code="foreign_origin")


@lru_cache(maxsize=256)
def _is_own_host(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name == urlsplit(settings.BASE_URL).hostname
