"""Addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def is_loopback(address: str) -> bool:
    """An address or name of this machine itself."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def is_own_origin(origin: str, host: str, trusted: Iterable[str]) -> bool:
    """Whether a browser's `Origin` is that of this site's own pages: the host that was asked, or a `trusted` origin."""
    return bool(origin) and (origin.partition("://")[2] == host or origin in trusted)
