"""What a provider means by a refusal, by the rules of its row (`ErrorRule`).

Pure: the time is passed in. Refusals that no rule is about are left to `resilience.classify`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from omniroute.errors import UpstreamRefused
from providers.spec import ErrorRule, Means, ProviderSpec
from resilience.backoff import parse_wait
from resilience.classify import BAD_REQUEST, CONTEXT, OVERLOADED, RATE_LIMITED, Next, Scope, Verdict

RESET_SOURCE = re.compile(r"header:[a-z0-9-]+|find:\w+|text|midnight:[+-]?\d{1,2}|month")
LONGEST_S = 32 * 86_400.0
"""A month: no plan's window is longer."""
_HOUR_S = 3600.0
_VERDICTS: dict[Means, Verdict] = {
    "rate_limited": RATE_LIMITED,
    "quota": Verdict("quota_exhausted", Next.ACCOUNT, Scope.ACCOUNT, _HOUR_S),
    "overloaded": OVERLOADED,
    "model": Verdict("model_unavailable", Next.ACCOUNT, Scope.MODEL, _HOUR_S),
    "sign_in": Verdict("sign_in_needed", Next.ACCOUNT, Scope.ACCOUNT, _HOUR_S),
    "disabled": Verdict("account_disabled", Next.ACCOUNT, Scope.ACCOUNT, 24 * _HOUR_S),
    "terms": Verdict("terms", Next.ACCOUNT, Scope.ACCOUNT, _HOUR_S),
    "request": BAD_REQUEST,
    "context": CONTEXT,
}
_IN_TEXT = re.compile(
    r"\b(?:retry|try again|resets?)\s+(?:after|in)\s+(\d+(?:\.\d+)?)\s*(ms|s|sec\w*|m|min\w*|h|hours?|d|days?)\b",
    re.IGNORECASE,
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_BODY_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """`then`: what becomes of the account beyond being put aside."""

    verdict: Verdict
    then: Literal["", "sign_in", "disable"] = ""
    reset_s: float | None = None
    """Seconds to the end of the wait, where the provider tells."""


def meaning_of(error: UpstreamRefused, spec: ProviderSpec, now: float) -> Meaning | None:
    """`now`: seconds since the epoch. None: the provider has no rule about it."""
    if not spec.errors:
        return None
    body = error.body[:_BODY_LIMIT].decode("utf-8", "replace")
    said = f"{error.code or ''} {error.message} {body}"
    rule = next((rule for rule in spec.errors if _fits(rule, error, said)), None)
    if rule is None:
        return None
    verdict = _VERDICTS[rule.means]
    reset = next((wait for source in rule.reset if (wait := _reset(source, error, now)) is not None), None)
    wait = reset if reset is not None else rule.wait_s
    if rule.model_only:
        verdict = replace(verdict, scope=Scope.MODEL)
    if wait is not None and verdict.scope is not Scope.NONE:
        verdict = replace(verdict, cooldown_s=min(wait, LONGEST_S), soft=False)
    if rule.repeats:
        verdict = replace(verdict, repeats=rule.repeats, pause_s=rule.pause_s)
    then: Literal["", "sign_in", "disable"] = ""
    if rule.means in ("sign_in", "disabled"):
        then = "sign_in" if rule.means == "sign_in" else "disable"
    return Meaning(verdict, then, reset)


def _fits(rule: ErrorRule, error: UpstreamRefused, said: str) -> bool:
    if rule.statuses and error.status not in rule.statuses:
        return False
    if rule.header is not None:
        name, pattern = rule.header
        if name not in error.headers or not _pattern(pattern).search(error.headers[name]):
            return False
    return not rule.text or bool(_pattern(rule.text).search(said))


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _reset(source: str, error: UpstreamRefused, now: float) -> float | None:
    kind, _, name = source.partition(":")
    match kind:
        case "header":
            value = error.headers.get(name)
            return parse_wait(value, now) if value else None
        case "find":
            return next(
                (wait for value in _find(error.body, name) if (wait := _wait(value, now)) is not None), None
            )
        case "text":
            return _spoken(error.message)
        case "midnight":
            return _midnight(now, int(name))
        case _:
            return _first_of_month(now)


def _wait(value: Any, now: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return parse_wait(str(value), now)


def _find(body: bytes, name: str) -> Iterator[Any]:
    """Every value under this key, however deep."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            if name in value:
                yield value[name]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _spoken(text: str) -> float | None:
    found = _IN_TEXT.search(text)
    if found is None:
        return None
    unit = found[2].lower()
    return float(found[1]) * _UNITS["ms" if unit == "ms" else unit[0]]


def _midnight(now: float, offset: int) -> float:
    local = datetime.fromtimestamp(now, UTC) + timedelta(hours=offset)
    end = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (end - local).total_seconds()


def _first_of_month(now: float) -> float:
    moment = datetime.fromtimestamp(now, UTC)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return (following - moment).total_seconds()
