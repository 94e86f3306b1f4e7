"""What is recorded of one request, on its way to the database and to the pages that are open."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class UsageRow(NamedTuple):
    """One `UsageRecord`, its fields in the model's order."""

    request_id: str
    created_at: datetime
    api_key_id: int | None
    api_key_name: str
    endpoint: str
    client_format: str
    provider_format: str
    stream: bool
    requested_model: str
    served_model: str
    combo: str
    provider: str
    account_id: int | None
    account_name: str
    status: int
    error_code: str
    error_message: str
    attempts: str
    """JSON."""
    attempt_count: int
    latency_ms: int
    first_token_ms: int | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_estimated: bool
    priced_apart: str
    """JSON."""
    service_tier: str
    cost: Decimal | None
    cost_source: str
    saved: Decimal
    cache_hit: bool
    client_address: str
    user_agent: str
    is_extra: bool = False
