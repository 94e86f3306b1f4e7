"""Working out anew what past requests cost, by today's prices of the administrator and the data set's of their time.

Rows, roll-ups and what is spent of budgets change together. What a provider reported itself stays, as does what the
cache answered. Nothing here happens by itself: a repriced history is a wish, not a side effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from billing import config
from billing.budgets.editing import work_out_again
from billing.config import BillingConfig
from billing.models import UsageRecord
from billing.pricing.costs import Cost, Offer, cost_of
from billing.usage import rollups
from gateway.pricing.offers import offer
from omniroute.types import Usage
from providers.config import load_specs
from providers.models import Account
from providers.spec import ProviderSpec

CHUNK = 1000
"""Rows in one transaction, so that no request waits long for its own."""
_KEPT = ("reported", "cache")
_TEN_PLACES = Decimal("1e-10")


@dataclass(slots=True)
class Result:
    rows: int = 0
    changed: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    models: Counter[str] = field(default_factory=Counter)
    """Changed rows by provider and model."""


def recost(
    since: datetime,
    until: datetime | None = None,
    *,
    provider: str = "",
    model: str = "",
    dry_run: bool = False,
) -> Result:
    """`since` included, `until` not."""
    rows = UsageRecord.objects.filter(created_at__gte=since).exclude(cost_source__in=_KEPT)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    if provider:
        rows = rows.filter(provider=provider)
    if model:
        rows = rows.filter(served_model=model)
    pricer, result = _Pricer(), Result()
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        _recost(chunk, pricer, result, dry_run)
    if result.changed and not dry_run:
        work_out_again()
    return result


class _Pricer:
    def __init__(self) -> None:
        self._config: BillingConfig = config.load()
        self._specs = load_specs()
        accounts = list(Account.objects.values_list("pk", "auth_type", "base_url"))
        self._signed_in = {pk for pk, kind, _ in accounts if kind == Account.AuthType.OAUTH}
        self._addresses = {pk: address for pk, _, address in accounts}

    def cost(self, row: UsageRecord) -> Cost | None:
        """None where nothing is known of the provider any more, or nothing was used."""
        spec = self._specs.get(row.provider)
        if spec is None or not row.has_price:
            return None
        cost = cost_of(_usage(row), self._offer(row, spec), self._config, row.created_at)
        amount = None if cost.amount is None else cost.amount.quantize(_TEN_PLACES)
        return Cost(amount, cost.source, cost.saved.quantize(_TEN_PLACES))

    def _offer(self, row: UsageRecord, spec: ProviderSpec) -> Offer:
        return offer(
            spec,
            row.served_model,
            base_url=self._addresses.get(row.account_id or 0, ""),
            signed_in=row.account_id in self._signed_in,
        )


def _usage(row: UsageRecord) -> Usage:
    return Usage(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
        priced_apart=tuple((row.priced_apart or {}).items()),
        service_tier=row.service_tier,
    )


def _recost(chunk: list[UsageRecord], pricer: _Pricer, result: Result, dry_run: bool) -> None:
    changes = list(_changes(chunk, pricer))
    result.rows += len(chunk)
    result.changed += len(changes)
    for row, cost in changes:
        result.before += row.cost or 0
        result.after += cost.amount or 0
        result.models[f"{row.provider}/{row.served_model}"] += 1
    if dry_run or not changes:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.add(cursor, [(_place(row), _difference(row, cost)) for row, cost in changes])
        UsageRecord.objects.bulk_update(_changed(changes), ["cost", "cost_source", "saved"])


def _changes(chunk: Iterable[UsageRecord], pricer: _Pricer) -> Iterator[tuple[UsageRecord, Cost]]:
    for row in chunk:
        cost = pricer.cost(row)
        if cost is not None and (row.cost, row.cost_source, row.saved) != (
            cost.amount,
            cost.source,
            cost.saved,
        ):
            yield row, cost


def _changed(changes: Iterable[tuple[UsageRecord, Cost]]) -> Iterator[UsageRecord]:
    for row, cost in changes:
        row.cost, row.cost_source, row.saved = cost.amount, cost.source, cost.saved
        yield row


def _place(row: UsageRecord) -> rollups.Place:
    return rollups.Place(
        row.created_at, row.provider, row.served_model, row.account_id or 0, row.api_key_id or 0, row.combo
    )


def _difference(row: UsageRecord, cost: Cost) -> rollups.Amounts:
    return rollups.Amounts(
        unpriced=int(cost.amount is None) - int(row.cost is None),
        cost=(cost.amount or Decimal(0)) - (row.cost or Decimal(0)),
        saved=cost.saved - row.saved,
    )
