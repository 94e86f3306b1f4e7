"""What a provider's headers say of its rate limits (docs/protocol-notes.md, Rate limits). Pure.

x-ratelimit-remaining-requests, anthropic-ratelimit-input-tokens-reset, x-ratelimit-limit-tokens-minute,
anthropic-ratelimit-unified-5h-utilization, ratelimitbysize-remaining, x-tokenlimit-reset, ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from resilience.backoff import parse_wait

_FAMILIES = {"ratelimit": "", "tokenlimit": "tokens", "ratelimitbysize": "size"}
_FIELDS = frozenset({"limit", "remaining", "reset", "utilization", "status", "renewalperiod"})
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 2592000.0}
_WINDOW = re.compile(r"\d+[smhd]")
_SPENT = frozenset({"rejected", "exceeded", "exhausted", "blocked"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit of a provider: so many of `name` in a window. None where nothing is said."""

    name: str
    """`requests`, `input-tokens`, `tokens-minute`, `unified-5h`; "" where there is only one."""
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    """Seconds until there is more."""
    window_s: float | None = None

    @property
    def is_exhausted(self) -> bool:
        return self.remaining is not None and self.remaining <= 0

    @property
    def share(self) -> float | None:
        """What is left of it: 0 to 1."""
        if self.remaining is None or not self.limit:
            return None
        return min(1.0, max(0.0, self.remaining / self.limit))


def is_over_limit(headers: Mapping[str, str]) -> bool:
    """Fireworks says so on an answer that succeeded: slow down."""
    return headers.get("x-ratelimit-over-limit", "").lower() in ("yes", "true", "1")


def read_buckets(headers: Mapping[str, str], now: float | None = None) -> list[Bucket]:
    """Header names are lower case. `now` is the epoch's, in seconds."""
    found: dict[str, dict[str, str]] = {}
    for header, value in headers.items():
        if "limit" in header and (place := _place(header)) is not None:
            bucket, field = place
            found.setdefault(bucket, {})[field] = value.strip()
    buckets = (_bucket(name, fields, now) for name, fields in found.items())
    return [bucket for bucket in buckets if bucket is not None]


def _place(header: str) -> tuple[str, str] | None:
    """(bucket, field) that a header is about: x-ratelimit-remaining-tokens-minute -> tokens-minute, remaining."""
    words = header.split("-")
    family = next((word for word in words if word in _FAMILIES), None)
    if family is None:
        return None
    rest = words[words.index(family) + 1 :]
    field = next((word for word in rest if word in _FIELDS), None)
    if field is None:
        return None
    rest.remove(field)
    name = [_FAMILIES[family], *rest] if _FAMILIES[family] else rest
    return "-".join(name), field


def _bucket(name: str, fields: Mapping[str, str], now: float | None) -> Bucket | None:
    limit, remaining = _number(fields.get("limit")), _number(fields.get("remaining"))
    used = _number(fields.get("utilization"))
    if used is not None and remaining is None:
        limit, remaining = 1.0, 1.0 - used
    if fields.get("status", "").lower() in _SPENT:
        remaining = 0.0
    reset = parse_wait(fields["reset"], now) if "reset" in fields else None
    if limit is None and remaining is None and reset is None:
        return None
    return Bucket(name, limit, remaining, reset, _number(fields.get("renewalperiod")) or _window(name))


def _window(name: str) -> float | None:
    """Seconds that the bucket's name tells: tokens-minute, requests-day, unified-5h."""
    for word in name.split("-"):
        if word in _WINDOWS:
            return _WINDOWS[word]
        if _WINDOW.fullmatch(word):
            return parse_wait(word)
    return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
