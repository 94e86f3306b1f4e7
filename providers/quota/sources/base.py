"""What a source of windows is, and how vendors' figures are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from omniroute.registry import Registry
from providers import reach
from providers.models import Account
from providers.quota import Window
from providers.quota.sources.counted import Counted
from providers.spec import ProviderSpec


class QuotaUnknown(Exception):
    """The vendor did not tell. `retry_after`: seconds to leave its endpoint alone."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message, self.retry_after = message, retry_after


class QuotaSource:
    """Stateless: one for all accounts of a vendor."""

    interval_s = 300.0
    """How often at most the endpoint is asked for one account."""
    counted: tuple[Counted, ...] = ()
    """Windows that the vendor does not tell of."""
    asks = True
    """Whether `fetch` has somebody to ask."""

    def from_headers(self, headers: Mapping[str, str], now: datetime) -> list[Window]:
        """Of any answer, good or bad. Names are lower case."""
        return []

    async def fetch(
        self, http: httpx.AsyncClient, account: Account, spec: ProviderSpec, now: datetime
    ) -> list[Window]:
        """Ask the endpoint. Raise `QuotaUnknown`."""
        raise QuotaUnknown("The vendor has no endpoint for it")

    def address(self, account: Account, spec: ProviderSpec) -> str:
        """Where it is asked; at the account's own address where it has one, as everything else of it."""
        if not account.base_url:
            return spec.quota_url
        own = httpx.URL(spec.quota_url)
        return str(httpx.URL(account.base_url).copy_with(path=own.path, query=own.query or None))


registry: Registry[QuotaSource] = Registry("quota source")


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object, or `QuotaUnknown`, with what the vendor says to wait."""
    body = reach.body_of(response)
    if response.status_code >= 400:
        wait = number(response.headers.get("retry-after"))
        said = reach.message_of(body)
        raise QuotaUnknown(f"The quota was refused with {response.status_code}. {said}".strip(), wait)
    if not isinstance(body, dict):
        raise QuotaUnknown("The quota endpoint answered with something that is no JSON object")
    return body


def number(value: Any) -> float | None:
    """A finite number, also one that came as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def percent(value: Any) -> float:
    return min(max(number(value) or 0.0, 0.0), 100.0)


def moment(value: Any, now: datetime | None = None) -> datetime | None:
    """Epoch seconds or an ISO date; with `now`, seconds from now."""
    found = number(value)
    try:
        if found is not None:
            if now is not None:
                return now + timedelta(seconds=found)
            return datetime.fromtimestamp(found / 1000 if found > 1e11 else found, UTC)
        if isinstance(value, str) and value:
            parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def get(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
