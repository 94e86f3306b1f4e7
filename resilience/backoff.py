"""How long to wait, from hints and from counting. Pure."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE_S = 1.0
LONGEST_S = 120.0
MAX_LEVEL = 15
HINT_CAP_S = 1800.0
"""A provider's own hint is believed up to here."""

_COMPOUND = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_IN_TEXT = re.compile(
    r"\b(?:retry|try again|resets?)\s+(?:after|in)\s+((?:\d+(?:\.\d+)?\s?(?:ms|[smhd]\b|[mhd](?=\d))?)+)",
    re.IGNORECASE,
)


def exponential(level: int) -> float:
    """Seconds: 1, 2, 4 ... at most two minutes (facts/features.md §3)."""
    return min(BASE_S * 2.0 ** min(level, MAX_LEVEL), LONGEST_S)


def parse_wait(value: str, now: float | None = None) -> float | None:
    """Seconds from any spelling that providers use (facts/api_key_providers.md §4), or None. Never negative.

    Plain seconds, compound durations (`2m59.56s`, `20ms`), epoch seconds or milliseconds, RFC 3339, HTTP dates.
    """
    text = value.strip()
    moment = time.time() if now is None else now
    try:
        number = float(text)
    except ValueError:
        return _parse_duration(text) if _COMPOUND.match(text) else _parse_date(text, moment)
    if not math.isfinite(number):
        return None
    if number >= 1e12:
        number = number / 1000 - moment
    elif number >= 1e9:
        number -= moment
    return max(0.0, number)


def _parse_duration(text: str) -> float | None:
    parts = list(_COMPOUND.finditer(text.replace(" ", "")))
    if not parts or "".join(part[0] for part in parts) != text.replace(" ", ""):
        return _parse_date(text, time.time())
    return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)


def _parse_date(text: str, now: float) -> float | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.replace("Z", "+00:00") if parse is datetime.fromisoformat else text)
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    return None


def hinted_wait(headers: Mapping[str, str], message: str = "") -> float | None:
    """What the provider says to wait, capped, or None. Header names are lower case.

    Only exhausted buckets count: a reset time of a bucket with something left says nothing about this failure.
    """
    if wait := headers.get("retry-after-ms"):
        milliseconds = parse_wait(wait)
        if milliseconds is not None:
            return min(milliseconds / 1000, HINT_CAP_S)
    waits = [parse_wait(headers["retry-after"])] if "retry-after" in headers else []
    for name, remaining in headers.items():
        if "ratelimit" in name and "remaining" in name and remaining.strip() in ("0", "0.0"):
            reset = headers.get(name.replace("remaining", "reset"))
            waits.append(parse_wait(reset) if reset else None)
    if not waits and (match := _IN_TEXT.search(message)):
        waits.append(parse_wait(match[1]))
    known = [wait for wait in waits if wait is not None]
    return min(max(known), HINT_CAP_S) if known else None
