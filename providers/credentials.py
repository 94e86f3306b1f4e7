"""How a request shows who it is from."""

from __future__ import annotations

import re

from providers.spec import Endpoint

ANTHROPIC_VERSION = "2023-06-01"
PRIVATE = frozenset({"authorization", "x-api-key", "x-goog-api-key", "cookie", "host", "content-length"})
"""Headers of a client that are for the gateway alone."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_header(name: str, text: str) -> bool:
    """Whether HTTP can carry it: no control characters, nothing beyond ASCII."""
    return bool(_HEADER_NAME.fullmatch(name)) and is_sendable(text)


def is_sendable(secret: str) -> bool:
    return secret.isascii() and (not secret or secret.isprintable())


def auth_headers(endpoint: Endpoint, api_key: str) -> dict[str, str]:
    """The endpoint's own headers, the version that Anthropic's format needs, the key. Names in lower case.

    Without a key there is no authentication header: local servers ask for none.
    """
    headers = {name.lower(): text for name, text in endpoint.headers.items()}
    if endpoint.format == "anthropic_messages":
        headers.setdefault("anthropic-version", ANTHROPIC_VERSION)
    if not api_key or endpoint.auth == "none":
        return headers
    if endpoint.auth in ("x-api-key", "x-api-key+bearer"):
        headers["x-api-key"] = api_key
    if endpoint.auth in ("bearer", "x-api-key+bearer"):
        headers["authorization"] = f"Bearer {api_key}"
    if endpoint.auth in ("token", "key"):
        headers["authorization"] = f"Token {api_key}" if endpoint.auth == "token" else api_key
    if endpoint.auth == "x-goog-api-key":
        headers["x-goog-api-key"] = api_key
    return headers
