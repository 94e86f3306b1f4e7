"""What one usage row adds to the roll-ups: where it counts, how much, and what it says of combos and their targets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from billing.usage.rollups import Amounts, Place, Try
from gateway.records.usage_row import UsageRow
from omniroute.types import JSONDict

_decode = msgspec.json.Decoder(list[JSONDict]).decode


def attempts_of(row: UsageRow) -> list[JSONDict]:
    """Those that were made. Empty where nothing is counted by attempt."""
    if row.attempt_count <= 1 and not row.combo:
        return []
    return [each for each in _decode(row.attempts) if "skipped" not in each]


def place_of(row: UsageRow) -> Place:
    return Place(
        moment=row.created_at,
        provider=row.provider,
        model=row.served_model,
        account_id=row.account_id or 0,
        api_key_id=row.api_key_id or 0,
        combo=row.combo,
    )


def amounts_of(row: UsageRow, attempts: list[JSONDict]) -> Amounts:
    used = Amounts(
        unpriced=int(
            row.cost is None and bool(row.input_tokens or row.output_tokens or len(row.priced_apart) > 2)
        ),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
        cost=row.cost or Decimal(0),
        saved=row.saved,
    )
    if row.is_extra:
        return used
    return used._replace(
        requests=1,
        errors=int(row.status >= 400),
        fallbacks=int(_fell_back(attempts)),
        cache_hits=int(row.cache_hit),
        latency_ms=row.latency_ms,
        first_token_ms=row.first_token_ms or 0,
        first_tokens=int(row.first_token_ms is not None),
    )


def _fell_back(attempts: list[JSONDict]) -> bool:
    """Was another account or target asked? A request that was repeated to the same one did not fall back."""
    return (
        len(attempts) > 1
        and len({(each["provider"], each["model"], each["account"]) for each in attempts}) > 1
    )


def tries_of(row: UsageRow, attempts: list[JSONDict]) -> Iterator[Try]:
    """The request, which counts for its combo, and its attempts, which count for the combo's targets."""
    failed, fell_back = row.status >= 400, _fell_back(attempts)
    yield Try(row.combo, "", "", failed, fell_back, row.latency_ms, row.status, row.created_at)
    for each in attempts:
        failed = each["status"] >= 400 or "error" in each
        target = each["provider"], each["model"]
        yield Try(row.combo, *target, failed, False, each["ms"], each["status"], row.created_at)
