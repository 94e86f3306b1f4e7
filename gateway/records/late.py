"""What an answer that was made in the background used: known only when somebody fetches its end.

It belongs to the row of the request that asked for it. Where that row is not there (yet, or any more), it is a row of
its own under the same id, as what is paid beside an answer is.
"""

from __future__ import annotations

from billing.models import UsageRecord
from gateway.records.usage_row import UsageRow
from gateway.wire import json

_FIGURES = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
    "usage_estimated", "service_tier", "cost", "cost_source", "saved",
)  # fmt: skip


def put_in_place(row: UsageRow) -> bool:
    """Within the accounting transaction. False: there is no such row."""
    figures = {name: getattr(row, name) for name in _FIGURES}
    asked = UsageRecord.requests.filter(request_id=row.request_id)
    return asked.update(**figures, priced_apart=json.loads(row.priced_apart.encode())) > 0
