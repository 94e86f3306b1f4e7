"""What was spent of each budget: written in the accounting transaction, worked out from the roll-ups where it is not
there yet. The database is the truth; what processes hold in memory or in Redis is brought in line with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Q, Sum

from billing.models import BudgetSpend, UsageRecord
from billing.usage.rollup_models import UsageTotal

TICKS = Decimal(10**10)
"""To the USD: the precision of `UsageRecord.cost`."""


class Spent(NamedTuple):
    """Of one budget in one period, or what one request adds to it. `usd` in ticks, so that sums are exact."""

    usd: int = 0
    tokens: int = 0
    requests: int = 0


class Charge(NamedTuple):
    """Where something is spent. `api_key_id` and `account_id` say what the budget is about, for its first entry."""

    budget_id: int
    period_start: datetime
    api_key_id: int | None
    account_id: int | None


def ticks(usd: Decimal) -> int:
    return round(usd * TICKS)


def dollars(amount: int) -> Decimal:
    return amount / TICKS


def add(cursor: CursorWrapper, charges: Iterable[tuple[Charge, Spent]]) -> dict[tuple[int, datetime], Spent]:
    """Add within the caller's transaction, before its usage rows are there. Returns the new totals.

    In the order of their keys, so that processes which add to the same ones wait for each other and never in a circle.
    """
    sums: dict[tuple[int, datetime], tuple[Charge, Spent]] = {}
    for charge, spent in charges:
        key = charge.budget_id, charge.period_start
        known = sums[key][1] if key in sums else Spent()
        sums[key] = charge, Spent(*map(sum, zip(known, spent, strict=True)))
    totals = {}
    for key in sorted(sums):
        charge, spent = sums[key]
        total = _update(cursor, key, spent)
        if total is None:
            open_period(charge)
            total = _update(cursor, key, spent)
        totals[key] = total or spent
    return totals


_TABLE = BudgetSpend._meta.db_table
_UPDATE = (
    f'UPDATE "{_TABLE}" SET "usd" = "usd" + %s, "tokens" = "tokens" + %s, "requests" = "requests" + %s '  # noqa: S608
    'WHERE "budget_id" = %s AND "period_start" = %s RETURNING "usd", "tokens", "requests"'
)


def _update(cursor: CursorWrapper, key: tuple[int, datetime], spent: Spent) -> Spent | None:
    budget, start = key
    cursor.execute(_UPDATE, [*spent, budget, _sql(start)])
    row = cursor.fetchone()
    return Spent(*row) if row else None


def open_period(charge: Charge) -> None:
    """The first entry of a period: with what was used before the budget was there. Does nothing to one that is open."""
    before = since(charge.period_start, charge.api_key_id, charge.account_id)
    BudgetSpend.objects.bulk_create(
        [BudgetSpend(budget_id=charge.budget_id, period_start=charge.period_start, **before._asdict())],
        ignore_conflicts=True,
    )


def _sql(moment: datetime) -> Any:
    """SQLite takes moments as text, without a time zone."""
    if connection.vendor != "sqlite":
        return moment
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def totals(wanted: Mapping[int, Charge]) -> dict[int, Spent]:
    """What is spent by now in the period of each charge; the keys are the caller's.

    A budget's first period is opened when it is made, so what has no row was not used.
    """
    if not wanted:
        return {}
    rows = BudgetSpend.objects.filter(
        budget_id__in={charge.budget_id for charge in wanted.values()},
        period_start__in={charge.period_start for charge in wanted.values()},
    )
    known = {(row.budget_id, row.period_start): Spent(row.usd, row.tokens, row.requests) for row in rows}
    return {
        key: known.get((charge.budget_id, charge.period_start), Spent()) for key, charge in wanted.items()
    }


def since(start: datetime, api_key_id: int | None, account_id: int | None) -> Spent:
    """Used from that moment on: by a key, an account, or everybody. Whole days come from the roll-ups.

    Errors and answers from the cache are no requests that count.
    """
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = midnight if midnight == start else midnight + timedelta(days=1)
    return _sum(
        _of_days(first_day, api_key_id, account_id), _of_rows(start, first_day, api_key_id, account_id)
    )


def _of_days(first: datetime, api_key_id: int | None, account_id: int | None) -> Spent:
    dimension, name = "all", ""
    if api_key_id is not None:
        dimension, name = "key", str(api_key_id)
    elif account_id is not None:
        dimension, name = "account", str(account_id)
    found = UsageTotal.objects.filter(span="day", dimension=dimension, name=name, start__gte=first).aggregate(
        usd=Sum("cost"),
        tokens=Sum(F("input_tokens") + F("output_tokens")),
        requests=Sum(F("requests") - F("errors") - F("cache_hits")),
    )
    return _spent(found)


def _of_rows(start: datetime, until: datetime, api_key_id: int | None, account_id: int | None) -> Spent:
    if start == until:
        return Spent()
    rows = UsageRecord.objects.filter(created_at__gte=start, created_at__lt=until, cache_hit=False)
    if api_key_id is not None:
        rows = rows.filter(api_key_id=api_key_id)
    elif account_id is not None:
        rows = rows.filter(account_id=account_id)
    found = rows.aggregate(usd=Sum("cost"), tokens=Sum(F("input_tokens") + F("output_tokens")))
    return _spent({**found, "requests": rows.filter(COUNTS, is_extra=False).count()})


COUNTS = Q(status__lt=400) | Q(output_tokens__gt=0)
"""A request that counts as one."""


def _spent(found: Mapping[str, Any]) -> Spent:
    return Spent(
        ticks(Decimal(str(found["usd"] or 0))), int(found["tokens"] or 0), max(0, found["requests"] or 0)
    )


def _sum(one: Spent, other: Spent) -> Spent:
    return Spent(*map(sum, zip(one, other, strict=True)))
