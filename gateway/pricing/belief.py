"""What a provider says that it counted, as far as that can be.

A figure that no column holds would cost its request its row, a negative one give a budget back what others used.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

from omniroute.types import Usage

MAX_COUNT = 10**9
MAX_REPORTED_USD = Decimal(10_000)
"""For one request. A provider that reports more has another unit in mind, or none."""


def believable(usage: Usage) -> Usage:
    """The same object wherever nothing is wrong with it. Else counts are brought within bounds, and what cannot be is
    left out: a cost is then worked out from prices."""
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )
    is_fine = min(counts) >= 0 and max(counts) <= MAX_COUNT
    if (
        is_fine
        and (usage.cost is None or _is_cost(usage.cost))
        and all(map(_is_quantity, usage.priced_apart))
    ):
        return usage
    asked, made, read, written, thought = (max(0, min(count, MAX_COUNT)) for count in counts)
    return replace(
        usage,
        input_tokens=asked,
        output_tokens=made,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=thought,
        cost=usage.cost if usage.cost is not None and _is_cost(usage.cost) else None,
        priced_apart=tuple(filter(_is_quantity, usage.priced_apart)),
    )


def _is_cost(cost: Decimal) -> bool:
    return cost.is_finite() and 0 <= cost <= MAX_REPORTED_USD


def _is_quantity(named: tuple[str, int | float]) -> bool:
    return math.isfinite(named[1]) and 0 <= named[1] <= MAX_COUNT
