"""How long to wait: counted, or read from any spelling that providers use. Pure."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE_S = 1.0
LONGEST_S = 120.0
MAX_LEVEL = 15

_UNITS = {
    "ms": 0.001, "millisecond": 0.001, "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_PART = r"\d+(?:\.\d+)?\s?(?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|ms|[smhd])"
DURATION = rf"{_PART}(?:(?:,? (?:and )?|){_PART})*"
"""A pattern of compound durations in running text: `2m59.56s`, `1 hour and 20 minutes`."""
_ONE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s?(?P<unit>[a-z]+)", re.IGNORECASE)
_WHOLE = re.compile(DURATION, re.IGNORECASE)


def exponential(level: int, base_s: float = BASE_S, longest_s: float = LONGEST_S) -> float:
    """Seconds: 1, 2, 4 ... at most two minutes (docs/routing.md)."""
    return min(base_s * 2.0 ** min(level, MAX_LEVEL), longest_s)


def parse_wait(value: str, now: float | None = None) -> float | None:
    """Seconds from any spelling that providers use (docs/protocol-notes.md, Rate limits), or None. Never negative.

    Plain seconds, compound durations (`2m59.56s`, `20ms`), epoch seconds or milliseconds, RFC 3339, HTTP dates.
    """
    text = value.strip()
    moment = time.time() if now is None else now
    try:
        number = float(text)
    except ValueError:
        return _duration(text) if _WHOLE.fullmatch(text) else _date(text, moment)
    if not math.isfinite(number):
        return None
    if number >= 1e12:
        number = number / 1000 - moment
    elif number >= 1e9:
        number -= moment
    return max(0.0, number)


def _duration(text: str) -> float | None:
    seconds = sum(float(part["number"]) * _unit(part["unit"].lower()) for part in _ONE.finditer(text))
    return seconds if math.isfinite(seconds) else None


def _unit(word: str) -> float:
    return _UNITS.get(word) or _UNITS[word.removesuffix("s")]


def _date(text: str, now: float) -> float | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.replace("Z", "+00:00") if parse is datetime.fromisoformat else text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return max(0.0, moment.timestamp() - now)
        except (ValueError, OverflowError):
            continue
    return None
