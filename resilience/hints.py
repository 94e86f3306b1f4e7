"""What a provider that refused says about when to come back: in headers, in its body, in its words. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from resilience.backoff import DURATION, parse_wait
from resilience.buckets import read_buckets

CAP_S = 1800.0
"""A wait that the provider merely names is believed up to here."""
WINDOW_CAP_S = 32 * 86400.0
"""The end of a limit's window is believed up to here: no window is longer than a month."""

_IN_TEXT = re.compile(
    rf"\b(?:retry|try again|resets?|available again|wait)(?: again)?(?: after| in| for)?\s+({DURATION})(?![a-z])",
    re.IGNORECASE,
)
_DAILY = re.compile(r"per[_ -]?day|daily", re.IGNORECASE)
_MAX_BODY = 100_000


def wait_after(
    headers: Mapping[str, str], body: bytes = b"", message: str = "", now: float | None = None
) -> float | None:
    """Seconds to stay away, or None where the provider does not say. Header names are lower case.

    The longest of what is said counts. Only exhausted buckets are asked for their reset: that of a bucket with
    something left says nothing about this failure. `now` is the epoch's, in seconds.
    """
    value = _decode(body)
    said = [*_header_waits(headers, now), *_body_waits(value, now)]
    windows = [*_window_ends(headers, now), *_body_windows(value, now)]
    if not said and not windows and (match := _IN_TEXT.search(message)):
        said = [parse_wait(match[1])]
    if _names_daily_quota(value):
        said = []  # Google names a short delay beside it, which is wrong (docs/protocol-notes.md, Rate limits)
    known = [min(wait, CAP_S) for wait in said if wait is not None]
    known += [min(wait, WINDOW_CAP_S) for wait in windows]
    return max(known) if known else None


def _header_waits(headers: Mapping[str, str], now: float | None) -> list[float | None]:
    """`retry-after-ms` wins over `retry-after`."""
    if (text := headers.get("retry-after-ms")) and (milliseconds := parse_wait(text)) is not None:
        return [milliseconds / 1000]
    return [parse_wait(headers["retry-after"], now)] if "retry-after" in headers else []


def _window_ends(headers: Mapping[str, str], now: float | None) -> list[float]:
    return [
        bucket.reset_s
        for bucket in read_buckets(headers, now)
        if bucket.is_exhausted and bucket.reset_s is not None
    ]


def _body_waits(value: Any, now: float | None) -> list[float | None]:
    """RetryInfo of Google, `retry_after` of many."""
    waits: list[float | None] = []
    for part in _objects(value):
        for name in ("retryDelay", "retry_after", "retryAfter", "retry_after_seconds"):
            if isinstance(said := part.get(name), str | int | float) and not isinstance(said, bool):
                waits.append(parse_wait(str(said), now))
    return waits


def _body_windows(value: Any, now: float | None) -> list[float]:
    """Codex's `resets_in_seconds` and `resets_at`, OpenRouter's headers within its body, Google's daily quotas."""
    ends: list[float] = []
    for part in _objects(value):
        for name in ("resets_in_seconds", "resets_at"):
            if isinstance(said := part.get(name), str | int | float) and not isinstance(said, bool):
                wait = parse_wait(str(said), now)
                ends += [wait] if wait is not None else []
        if isinstance(inner := part.get("headers"), dict):
            ends += _window_ends({str(name).lower(): str(text) for name, text in inner.items()}, now)
    if _names_daily_quota(value):
        ends.append(_until_midnight_pacific(now))
    return ends


def _names_daily_quota(value: Any) -> bool:
    quotas = (part["quotaId"] for part in _objects(value) if isinstance(part.get("quotaId"), str))
    return any(_DAILY.search(quota) for quota in quotas)


def _until_midnight_pacific(now: float | None) -> float:
    zone = _pacific()
    moment = datetime.now(zone) if now is None else datetime.fromtimestamp(now, zone)
    tomorrow = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return tomorrow.timestamp() - moment.timestamp()


@cache
def _pacific() -> tzinfo:
    try:
        return ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:  # a machine without zones: an hour late in summer
        return timezone(timedelta(hours=-8))


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The JSON objects of an error body: `error`, its details, their violations, metadata."""
    if depth > 6:
        return
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            if isinstance(inner, dict | list):
                yield from _objects(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value[:50]:
            yield from _objects(inner, depth + 1)


def _decode(body: bytes) -> Any:
    if not body or len(body) > _MAX_BODY:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
