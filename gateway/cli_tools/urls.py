"""The gateway's address as tools are told it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from omniroute.errors import InvalidRequest
from omniroute.net import is_loopback


def clean_url(text: str) -> str:
    """Without `/v1` (or `/v1beta`) and slashes at its end, which are added for each tool. Raise `InvalidRequest`."""
    url = text.strip().rstrip("/")
    for version in ("/v1beta", "/v1"):
        url = url.removesuffix(version).rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or any(character <= " " or character in "\"'\\`$" for character in url):
        raise InvalidRequest("baseUrl: an address like http://localhost:20128 is needed", param="baseUrl")
    if parts.query or parts.fragment or parts.username is not None:
        raise InvalidRequest("baseUrl: no user name, query or fragment, please", param="baseUrl")
    return url


def is_known(url: str) -> bool:
    """Whether it is this gateway's: `BASE_URL`, or its port on this machine."""
    try:
        parts, own = urlsplit(url), urlsplit(settings.BASE_URL)
        is_here = is_loopback(parts.hostname or "") and parts.port == settings.PORT
        return is_here or (parts.hostname, parts.port, parts.scheme) == (own.hostname, own.port, own.scheme)
    except ValueError:
        return False
