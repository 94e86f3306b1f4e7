"""Addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


def is_loopback(address: str) -> bool:
    """An address or name of this machine itself."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def is_private(bound: str, base_url: str, proxies: Iterable[str]) -> bool:
    """Whether a server serves this machine alone, as far as its settings tell: bound to loopback, no reverse proxy in
    front of it, no address for others."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    return is_loopback(bound) and is_loopback(host) and not list(proxies)


def is_own_origin(origin: str, host: str, trusted: Iterable[str]) -> bool:
    """Whether a browser's `Origin` is that of this site's own pages: the host that was asked, or a `trusted` origin."""
    return bool(origin) and (origin.partition("://")[2] == host or origin in trusted)
