"""Requests and daily figures as CSV or JSON, in pieces: memory does not grow with the history."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from django.db.models import Q

from billing.models import DailyUsage, UsageRecord
from billing.usage.rollups import SUMS

BATCH = 2000
"""Rows that are in memory at a time."""

REQUESTS = (
    "request_id", "created_at", "status", "error_code", "error_message", "endpoint", "client_format", "provider_format",
    "stream", "requested_model", "served_model", "combo", "provider", "account_id", "account_name", "api_key_id",
    "api_key_name", "attempt_count", "latency_ms", "first_token_ms", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "usage_estimated", "cost", "cost_source", "saved",
    "cache_hit", "service_tier", "client_address", "user_agent", "is_extra", "priced_apart",
)  # fmt: skip
DAYS = (
    "day",
    "provider",
    "model",
    "account_id",
    "account_name",
    "api_key_id",
    "api_key_name",
    "combo",
    *SUMS,
)

Rows = Iterator[list[tuple[Any, ...]]]
Names = Mapping[int, str]


class Format(Protocol):
    content_type: str

    def begin(self, columns: Sequence[str]) -> bytes: ...
    def rows(self, rows: Sequence[tuple[Any, ...]]) -> bytes: ...
    def end(self) -> bytes: ...


class Csv:
    content_type = "text/csv; charset=utf-8"

    def begin(self, columns: Sequence[str]) -> bytes:
        return self.rows([tuple(columns)])

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
        return text.getvalue().encode("utf-8", "replace")

    def end(self) -> bytes:
        return b""


class Json:
    """One array of objects."""

    content_type = "application/json"

    def __init__(self) -> None:
        self._columns: Sequence[str] = ()
        self._first = True

    def begin(self, columns: Sequence[str]) -> bytes:
        self._columns = columns
        return b"["

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        objects = [_encode(dict(zip(self._columns, row, strict=True))) for row in rows]
        start = b"\n" if self._first else b",\n"
        self._first = self._first and not objects
        return start + b",\n".join(objects) if objects else b""

    def end(self) -> bytes:
        return b"\n]\n"


FORMATS: dict[str, Callable[[], Format]] = {"csv": Csv, "json": Json}


def requests(since: date | None, until: date | None) -> Rows:
    """The columns of `REQUESTS`, oldest first. `until` is the last day that is in it."""
    rows = UsageRecord.objects.order_by("created_at", "id")
    if since:
        rows = rows.filter(created_at__gte=datetime.combine(since, time(), UTC))
    if until:
        rows = rows.filter(created_at__lte=datetime.combine(until, time.max, UTC))
    later = Q()
    while True:
        batch = list(rows.filter(later).values_list("id", *REQUESTS)[:BATCH])
        if not batch:
            return
        yield [row[1:] for row in batch]
        pk, moment = batch[-1][0], batch[-1][1 + REQUESTS.index("created_at")]
        later = Q(created_at__gte=moment) & (Q(created_at__gt=moment) | Q(id__gt=pk))


def days(since: date | None, until: date | None, accounts: Names, keys: Names) -> Rows:
    """The columns of `DAYS`, oldest first. `until` is the last day that is in it."""
    rows = DailyUsage.objects.order_by("day", "id")
    if since:
        rows = rows.filter(day__gte=since)
    if until:
        rows = rows.filter(day__lte=until)
    later = Q()
    columns = ("id", "day", "provider", "model", "account_id", "api_key_id", "combo", *SUMS)
    while True:
        batch = list(rows.filter(later).values_list(*columns)[:BATCH])
        if not batch:
            return
        yield [
            (
                day,
                provider,
                model,
                account or None,
                accounts.get(account, ""),
                key or None,
                keys.get(key, ""),
                *rest,
            )
            for _, day, provider, model, account, key, *rest in batch
        ]
        pk, day = batch[-1][:2]
        later = Q(day__gte=day) & (Q(day__gt=day) | Q(id__gt=pk))


def _cell(value: Any) -> Any:
    """A spreadsheet takes text that begins like a formula for one, and clients write some of this text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case dict():
            return _encode(value).decode() if value else ""
        case str() if value.startswith(("=", "+", "-", "@", "\t", "\r")):
            return f"'{value}"
    return value


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value))


_encode = msgspec.json.Encoder(enc_hook=_number, decimal_format="number").encode
