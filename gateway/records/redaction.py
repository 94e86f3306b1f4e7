"""Bodies, headers and addresses without what nobody may keep: credentials, and images, which are only large.

It works on text by patterns, since much of what is logged is no JSON: event streams, cut bodies, errors in HTML. What a
pattern finds is replaced wherever it stands, also in a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from omniroute.redact import MASK, redact_url
from omniroute.types import JSONDict

OPEN_HEADERS = frozenset({
    "accept", "accept-encoding", "accept-language", "anthropic-beta", "anthropic-version", "cache-control",
    "connection", "content-encoding", "content-length", "content-type", "date", "host", "openai-beta",
    "openai-processing-ms", "retry-after", "server", "transfer-encoding", "user-agent", "vary", "x-accel-buffering",
})  # fmt: skip
"""Whose values are kept whatever they look like."""
_SECRET_NAME = re.compile(r"auth|key|token|cookie|secret|passw|session|credential|signature", re.IGNORECASE)
_NAMES = (
    r"[\w-]*(?:api[_-]?key|authorization|password|passwd|secret|cookie|credentials?|private[_-]?key)"
    r"|(?:access|refresh|id|auth|session|bearer|csrf)[_-]?token"
)
_NAMED = (
    re.compile(rf'("(?:{_NAMES})"\s{{0,8}}:\s{{0,8}}")(?:[^"\\]|\\.)+', re.IGNORECASE | re.ASCII | re.DOTALL),
    re.compile(rf'(\\"(?:{_NAMES})\\"\s{{0,8}}:\s{{0,8}}\\")(?:[^"\\]|\\[^"])+', re.IGNORECASE | re.ASCII),
    re.compile(r'("token"\s{0,8}:\s{0,8}")[^"\\\s]{16,}', re.IGNORECASE),
)
"""A string under a name that sounds secret; the same in JSON within JSON; and a `token` that is none of a text's."""
_LOOKS_SECRET = re.compile(
    r"\b(?:Bearer\s+[\w.~+/-]{12,}=*|(?:sk|pk|rk)-[\w-]{12,}|AIza[\w-]{30,}|gh[pousr]_\w{30,}|github_pat_\w{30,}"
    r"|(?:gsk|xai|hf|pplx|nvapi|csk|r8|fw|tgp)[_-][\w-]{16,}|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}"
    r"|ya29\.[\w-]{20,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"
)
_LONG = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}")
"""Base64: images, audio, files; nothing that anybody reads has so long a word."""


_BINARY = re.compile(
    r"[\x00-\x08\x0e-\x1f\ufffd](?:[^\x00-\x08\x0e-\x1f\ufffd]{0,63}[\x00-\x08\x0e-\x1f\ufffd]){64,}"
)
"""Files in a form, and what else is no text: something unreadable at least every 64 characters."""


def text(value: str) -> str:
    value = _BINARY.sub(lambda found: f"[about {len(found[0])} bytes]", value)
    if len(value) > 400:
        value = _LONG.sub(_stub, value)
    for pattern in _NAMED:
        value = pattern.sub(rf"\g<1>{MASK}", value)
    return _LOOKS_SECRET.sub(MASK, value)


def _stub(found: re.Match[str]) -> str:
    return f"[{len(found[0]) * 3 // 4} bytes]"


def body(kept: bytes, size: int, limit: int) -> Any:
    """A JSON value, or text, or the beginning of either: `{"_truncated", "_originalSize", "_preview"}`.

    `kept` is the beginning of a body of `size` bytes, `limit` how much of it may be shown.
    """
    shown = text(kept.decode("utf-8", "replace"))
    if size > len(kept) or len(shown) > limit:
        return {"_truncated": True, "_originalSize": size, "_preview": shown[:limit]}
    if not shown:
        return None
    try:
        return msgspec.json.decode(shown)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return shown


def headers(items: Iterable[tuple[str, str]]) -> JSONDict:
    return {name.lower(): _header(name.lower(), value) for name, value in items}


def _header(name: str, value: str) -> str:
    if name in OPEN_HEADERS:
        return value
    if _SECRET_NAME.search(name) and "ratelimit" not in name:
        return MASK
    return text(url(value) if "://" in value else value)


def url(address: str) -> str:
    """Without user name and password, and without parameters that sound secret (Gemini's `key`)."""
    try:
        parts = urlsplit(redact_url(address))
    except ValueError:
        return MASK
    query = "&".join(_parameter(part) for part in parts.query.split("&"))
    return urlunsplit(parts._replace(query=query))


def _parameter(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}={MASK}" if equals and _SECRET_NAME.search(name) else part
