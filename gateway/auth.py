"""Who is calling: the client's API key, and the rules for callers without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from billing.config import BillingConfig, KeyConfig
from billing.keys import hash_key
from omniroute.errors import Forbidden, Unauthorized
from omniroute.net import is_loopback


@dataclass(frozen=True, slots=True)
class Caller:
    """`address` is the peer's, `query` the raw query string; header names are lower case."""

    address: str
    headers: Mapping[str, str]
    query: str = ""


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
    secret = presented_key(caller.headers, caller.query)
    key = billing.keys.get(hash_key(secret)) if secret else None
    if key is not None:
        if not key.is_usable:
            raise Unauthorized(
                "This API key is disabled" if not key.is_active else "This API key has expired"
            )
        return key
    if required or not is_local(caller.address):
        if secret:
            raise Unauthorized("This API key is not known here")
        raise Unauthorized(
            "An API key is needed: send it as 'Authorization: Bearer <key>'", code="missing_api_key"
        )
    _refuse_foreign_pages(caller.headers)
    return None


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
