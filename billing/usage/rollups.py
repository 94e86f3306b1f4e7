"""Adds usage to its roll-ups. Raw SQL: this is part of every request's accounting (docs/decisions.md).

Rows are written in the order of their keys, so that processes which add to the same ones wait for each other and never
in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from billing.models import DailyUsage
from billing.usage.rollup_models import ComboUsage, UsageSums, UsageTotal
from billing.usage.statements import execute, mark

KEPT = {"minute": timedelta(days=1), "hour": timedelta(days=8)}
"""How long the short spans are kept; days stay as long as the settings say."""
CHUNK = 500
"""Rows in one statement: below every database's limit of parameters."""


class Place(NamedTuple):
    """Where a request is counted. `moment` in UTC; 0 and "": there is none."""

    moment: datetime
    provider: str
    model: str
    account_id: int
    api_key_id: int
    combo: str


class Amounts(NamedTuple):
    """What a request adds, in the order of `UsageSums`."""

    requests: int = 0
    errors: int = 0
    fallbacks: int = 0
    cache_hits: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    latency_ms: int = 0
    first_token_ms: int = 0
    first_tokens: int = 0


class Try(NamedTuple):
    """A request to a combo, or (with provider and model) an attempt to one of its targets."""

    combo: str
    provider: str
    model: str
    failed: bool
    fell_back: bool
    latency_ms: int
    status: int
    moment: datetime


SUMS = tuple(field.name for field in UsageSums._meta.get_fields())
_MONEY = (SUMS.index("cost"), SUMS.index("saved"))
_DAILY = ("day", "provider", "model", "account_id", "api_key_id", "combo")
_TOTAL = ("span", "dimension", "start", "provider", "name")
_COMBO = ("combo", "provider", "model")
_COMBO_SUMS = ("requests", "failures", "fallbacks", "latency_ms")
_COMBO_LAST = ("last_status", "last_used_at")

Rows = dict[tuple[Any, ...], Sequence[Any]]


def add(cursor: CursorWrapper, usage: Iterable[tuple[Place, Amounts]]) -> None:
    """Within the caller's transaction. Negative amounts take back what was added before."""
    daily: Rows = {}
    totals: Rows = {}
    now = datetime.now(UTC)
    for (minute, *place), amounts in _by_minute(usage).items():
        hour = minute.replace(minute=0)
        day = hour.replace(hour=0)
        _merge(daily, (day.date().isoformat(), *place), amounts)
        names = _names(*place)
        starts = [("day", _sql(day))]
        if now - minute < KEPT["minute"]:
            _merge(totals, ("minute", "all", _sql(minute), "", ""), amounts)
        if now - hour < KEPT["hour"]:
            starts.append(("hour", _sql(hour)))
        for span, start in starts:
            for dimension, of, name in names:
                _merge(totals, (span, dimension, start, of, name), amounts)
    _upsert(cursor, DailyUsage, _DAILY, SUMS, daily)
    _upsert(cursor, UsageTotal, _TOTAL, SUMS, totals)


def add_tries(cursor: CursorWrapper, tries: Iterable[Try]) -> None:
    """Within the caller's transaction."""
    sums: Rows = {}
    last: dict[tuple[Any, ...], tuple[int, Any]] = {}
    for each in tries:
        key = (each.combo, each.provider, each.model)
        _merge(sums, key, (1, int(each.failed), int(each.fell_back), each.latency_ms))
        last[key] = (each.status, _sql(each.moment.replace(microsecond=0)))
    rows: Rows = {key: (*values, *last[key]) for key, values in sums.items()}
    _upsert(cursor, ComboUsage, _COMBO, _COMBO_SUMS, rows, _COMBO_LAST)


def _by_minute(usage: Iterable[tuple[Place, Amounts]]) -> Rows:
    merged: Rows = {}
    for place, amounts in usage:
        minute = place.moment.replace(second=0, microsecond=0)
        _merge(merged, (minute, *place[1:]), amounts)
    return merged


def _names(
    provider: str, model: str, account_id: int, api_key_id: int, combo: str
) -> list[tuple[str, str, str]]:
    """(dimension, provider, name) of everything that the request counts for."""
    names = [("all", "", ""), ("model", provider, model), ("key", "", str(api_key_id or ""))]
    if provider:
        names.append(("provider", provider, ""))
    if account_id:
        names.append(("account", provider, str(account_id)))
    if combo:
        names.append(("combo", "", combo))
    return names


def _merge(rows: Rows, key: tuple[Any, ...], amounts: Sequence[Any]) -> None:
    known = rows.get(key)
    rows[key] = amounts if known is None else [a + b for a, b in zip(known, amounts, strict=True)]


def _sql(moment: datetime) -> Any:
    """SQLite takes moments as text, without a time zone. `moment` is in UTC, and of a whole second."""
    return moment if connection.vendor != "sqlite" else str(moment)[:19]


def _upsert(
    cursor: CursorWrapper,
    model: type[models.Model],
    keys: tuple[str, ...],
    sums: tuple[str, ...],
    rows: Rows,
    last: tuple[str, ...] = (),
) -> None:
    """Add `sums` to the row of each key, and overwrite what is in `last`."""
    sqlite = connection.vendor == "sqlite"
    ordered = sorted(rows)
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        values: list[Any] = []
        for key in chunk:
            values += key
            values += _without_decimals(rows[key]) if sqlite and sums is SUMS else rows[key]
        statement = _upsert_sql(model._meta.db_table, keys, sums, last, mark(), len(chunk))
        execute(cursor, statement, values)


def _without_decimals(amounts: Sequence[Any]) -> list[Any]:
    """SQLite would add up text."""
    plain = list(amounts)
    for index in _MONEY:
        plain[index] = float(plain[index])
    return plain


@lru_cache(maxsize=2 * CHUNK)
def _upsert_sql(
    table: str, keys: tuple[str, ...], sums: tuple[str, ...], last: tuple[str, ...], mark: str, rows: int
) -> str:
    columns = (*keys, *sums, *last)
    marks = ", ".join([f"({', '.join([mark] * len(columns))})"] * rows)
    adds = [f'"{name}" = "{table}"."{name}" + excluded."{name}"' for name in sums]
    sets = [f'"{name}" = excluded."{name}"' for name in last]
    return (
        f'INSERT INTO "{table}" ({_quoted(columns)}) VALUES {marks} '  # noqa: S608
        f"ON CONFLICT ({_quoted(keys)}) DO UPDATE SET {', '.join([*adds, *sets])}"
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
