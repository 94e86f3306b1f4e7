"""Secrets in values that people may see. They are masked, never left out, so that a form can keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

MASK = "…"
_SECRET_NAME = re.compile(r"token|secret|passw|key|auth|cookie|credential|session", re.IGNORECASE)


def redact(value: Any) -> Any:
    """A copy of a JSON value in which everything under a name that sounds secret is `MASK`."""
    if isinstance(value, Mapping):
        return {
            name: MASK if item and _is_secret(name, item) else redact(item) for name, item in value.items()
        }
    return [redact(item) for item in value] if isinstance(value, list) else value


def restore(value: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `redact` on what comes back from a form: a masked entry keeps the stored value."""
    restored: dict[str, Any] = {}
    for name, item in value.items():
        if item == MASK:
            if name in stored:
                restored[name] = stored[name]
        elif isinstance(item, Mapping) and isinstance(stored.get(name), Mapping):
            restored[name] = restore(item, stored[name])
        else:
            restored[name] = item
    return restored


def redact_url(url: str) -> str:
    """The address without user name and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=f"{MASK}@{parts.netloc.rpartition('@')[2]}"))


def _is_secret(name: str, item: Any) -> bool:
    return isinstance(item, str | Mapping | list) and bool(_SECRET_NAME.search(name))
