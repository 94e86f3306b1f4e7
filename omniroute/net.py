"""Addresses."""

from __future__ import annotations

import ipaddress


def is_loopback(address: str) -> bool:
    """An address or name of this machine itself."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
