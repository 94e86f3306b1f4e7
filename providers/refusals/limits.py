"""Numbers and words that a refusal allows: `at most 4096`, `expected one of 'low' | 'medium'`."""

from __future__ import annotations

import re

from providers.refusals.remedies import EFFORTS

Bounds = tuple[float | None, float | None]

_NUMBER = r"[`'\"]?(-?\d[\d,_]*(?:\.\d+)?)[`'\"]?"
_RANGES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"between {_NUMBER} and {_NUMBER}",
        rf"from {_NUMBER}(?: \(inclusive\))? to {_NUMBER}( \(exclusive\))?",
        rf"(?:range|in|be)\b[^\d\[(]{{0,40}}[\[(]\s*{_NUMBER}\s*,\s*{_NUMBER}\s*[\])]",
    )
)
_MOST = re.compile(
    rf"(?:{_NUMBER} > {_NUMBER}, which is the max)"
    r"|(?:at most|<=|≤|(?:less|lower|smaller) than or equal to|no more than"
    r"|not (?:be )?(?:exceed|greater than|larger than)"
    r"|(?:cannot|must not|can't) exceed|up to|max(?:imum)?(?: allowed)?(?: value)?(?: is| of|:)?|limit(?: is| of|:))"
    rf"\s*{_NUMBER}",
    re.IGNORECASE,
)
_BELOW = re.compile(rf"(?:less than|<) {_NUMBER}", re.IGNORECASE)
_LEAST = re.compile(
    rf"(?:at least|>=|≥|greater than or equal to|no less than|min(?:imum)?(?: value)?(?: is| of|:)?)\s*{_NUMBER}",
    re.IGNORECASE,
)

_ALLOWED = re.compile(
    r"\b(?:expected(?: one of)?|must be(?: one of| either)?|should be(?: one of| either)?|choose from|accepts"
    r"|(?:supported|valid|allowed|permitted|available|possible) (?:values|types|options|levels|efforts)"
    r"(?: are| is|:)?|one of)[:\s]*(?P<words>[^.;]*)",
    re.IGNORECASE,
)
_RECEIVED = re.compile(
    r",? *(?:\b(?:but )?(?:got|received|found|given|input|instead)\b|['\"]input['\"]).*", re.IGNORECASE
)
_QUOTED = re.compile(r"[`'\"“]([A-Za-z_][\w-]*)[`'\"”]")
_WORD = re.compile(r"\b[A-Za-z_]+\b")
_BARE = frozenset({*EFFORTS, "default", "auto"})


def bounds_in(text: str) -> Bounds | None:
    """(least, most), None where open. None for a text that speaks of no limit."""
    for pattern in _RANGES:
        if found := pattern.search(text):
            high = _number(found[2])
            if (found.lastindex or 0) > 2 and found[3]:
                high -= 1
            return _number(found[1]), high
    if found := _MOST.search(text):
        return None, _number(found[3] or found[2])
    if found := _LEAST.search(text):
        return _number(found[1]), None
    found = _BELOW.search(text)
    return (None, _number(found[1]) - 1) if found else None


def words_in(text: str) -> list[str] | None:
    """The words that are allowed, quoted or, if they are efforts, bare. None for a text that lists none."""
    for found in _ALLOWED.finditer(text):
        listed = _RECEIVED.sub("", found["words"])
        words = _QUOTED.findall(listed) or [word for word in _WORD.findall(listed) if word.lower() in _BARE]
        if words:
            return list(dict.fromkeys(words))
    return None


def _number(text: str) -> float:
    number = float(text.replace(",", "").replace("_", ""))
    return int(number) if number.is_integer() else number
