"""Usage for tests, counted in every roll-up as the recorder counts it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, get_type_hints

from django.db import connection, transaction

from billing.models import UsageRecord
from billing.usage import rollups
from billing.usage.rollups import Amounts, Place
from gateway.records.usage_row import UsageRow


def count(
    when: date | datetime,
    provider: Any = "glm",
    model: Any = "glm-4.7",
    **given: Any,
) -> None:
    """One request unless `given` says otherwise: other places, other amounts. A day means its noon."""
    moment = when if isinstance(when, datetime) else datetime.combine(when, time(12), UTC)
    elsewhere = {"account_id": 0, "api_key_id": 0, "combo": ""}
    place = Place(moment, provider, model, **{name: given.pop(name, no) for name, no in elsewhere.items()})
    money = {name: Decimal(given.pop(name, 0)) for name in ("cost", "saved")}
    amounts = Amounts(**{"requests": 1, **given, **money})
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.add(cursor, [(place, amounts)])


def recorded(**values: Any) -> UsageRecord:
    """A row of the history, counted as well."""
    row = UsageRecord.objects.create(**values)
    place = {name: getattr(row, name) or 0 for name in ("account_id", "api_key_id")}
    count(
        row.created_at,
        row.provider,
        row.served_model,
        combo=row.combo,
        errors=int(row.status >= 400),
        **place,
    )
    return row


def usage_row(**given: Any) -> UsageRow:
    """What the recorder is handed: everything empty but what is given."""
    empty: dict[Any, Any] = {str: "", int: 0, bool: False, Decimal: Decimal(0), datetime: datetime.now(UTC)}
    values = {name: empty.get(kind) for name, kind in get_type_hints(UsageRow).items()}
    return UsageRow(**{**values, "attempts": "[]", "priced_apart": "{}", **given})
