"""Copilot's windows: on every answer as a query string, and at an endpoint (docs/protocol-notes.md, GitHub Copilot)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import httpx

from providers.models import Account
from providers.quota import Kind, Window
from providers.quota.sources.base import (
    QuotaSource,
    QuotaUnknown,
    answer_of,
    get,
    moment,
    number,
    percent,
    registry,
)
from providers.spec import ProviderSpec

_SNAPSHOT, _RATE = "x-quota-snapshot-", "x-usage-ratelimit-"
_POOLS = {"chat": "Chat", "premium_interactions": "Premium", "premium_models": "Premium models"}
"""Completions are the editor's business."""
_INCLUDED = ("gpt-3.5*", "gpt-4o*", "gpt-4.1*", "gpt-4", "gpt-5-mini*", "text-embedding-*")
_PREMIUM = tuple(f"!{glob}" for glob in _INCLUDED)
"""What the paid plans include is not counted as premium, and is served when nothing of that is left. Where GitHub sees
it otherwise, its refusal puts the account aside."""
_SCOPES = {"premium_interactions": _PREMIUM, "premium_models": _PREMIUM}
_RATES: dict[str, tuple[Kind, str]] = {"session": ("session5h", "5 hours"), "weekly": ("weekly", "Week")}


class Copilot(QuotaSource):
    def from_headers(self, headers: Mapping[str, str], now: datetime) -> list[Window]:
        windows: list[Window] = []
        for name, text in headers.items():
            pool = name.removeprefix(_SNAPSHOT)
            if pool != name and pool in _POOLS:
                windows += _of_query(pool, "monthly", f"Month, {_POOLS[pool]}", text, now)
            rate = name.removeprefix(_RATE)
            if rate != name and rate in _RATES:
                windows += _of_query(rate, *_RATES[rate], text, now)
        return windows

    async def fetch(
        self, http: httpx.AsyncClient, account: Account, spec: ProviderSpec, now: datetime
    ) -> list[Window]:
        github = account.refresh_token  # the token that Copilot's are minted from
        if not github:
            raise QuotaUnknown("The account has no GitHub token to ask with")
        headers = {"authorization": f"token {github}", **(spec.oauth.headers if spec.oauth else {})}
        body = answer_of(await http.get(self.address(account, spec), headers=headers))
        reset = moment(body.get("quota_reset_date_utc") or body.get("quota_reset_date"))
        snapshots = body.get("quota_snapshots")
        if isinstance(snapshots, dict):
            return [
                window
                for pool in _POOLS
                if isinstance(snapshots.get(pool), dict)
                for window in _of_snapshot(pool, snapshots[pool], reset, now)
            ]
        return _of_free_plan(body, now)


def _of_query(key: str, kind: Kind, label: str, text: str, now: datetime) -> list[Window]:
    """`ent=300&ov=0.0&ovPerm=false&rem=29.7&rst=2026-12-01T00%3A00%3A00Z`"""
    fields = {name: values[0] for name, values in parse_qs(text).items()}
    left, limit = number(fields.get("rem")), number(fields.get("ent"))
    if left is None:
        return []
    return _windows(
        key,
        kind,
        label,
        left,
        limit,
        moment(fields.get("rst")),
        fields.get("ovPerm") == "true",
        now,
        "header",
    )


def _of_snapshot(pool: str, value: dict[str, Any], reset: datetime | None, now: datetime) -> list[Window]:
    limit = -1.0 if value.get("unlimited") is True else number(value.get("entitlement"))
    left = number(value.get("percent_remaining"))
    permitted = value.get("overage_permitted") is True
    label = f"Month, {_POOLS[pool]}"
    return _windows(
        pool, "monthly", label, left if left is not None else 100.0, limit, reset, permitted, now, "endpoint"
    )


def _windows(
    key: str,
    kind: Kind,
    label: str,
    left: float,
    limit: float | None,
    reset: datetime | None,
    permitted: bool,
    now: datetime,
    source: Any,
) -> list[Window]:
    unlimited = limit is not None and limit < 0
    own = Window(
        key=key,
        label=label,
        kind=kind,
        used_percent=percent(100 - left),
        limit=None if unlimited else limit,
        remaining=limit * left / 100 if limit is not None and not unlimited else None,
        unlimited=unlimited,
        resets_at=reset,
        scope_models=_SCOPES.get(key, ()),
        source=source,
        fetched_at=now,
    )
    if not permitted:
        return [own]
    extra = Window(
        key="overage",
        label="Paid overage",
        kind="credits",
        used_percent=0,
        paid_extra=True,
        source=source,
        fetched_at=now,
    )
    return [own, extra]


def _of_free_plan(body: dict[str, Any], now: datetime) -> list[Window]:
    """`limited_user_quotas` is what is left of `monthly_quotas`."""
    reset = moment(body.get("limited_user_reset_date"))
    limit, left = (
        number(get(body, "monthly_quotas", "chat")),
        number(get(body, "limited_user_quotas", "chat")),
    )
    if not limit or left is None:
        return []
    return _windows(
        "chat", "monthly", "Month, Chat", left / limit * 100, limit, reset, False, now, "endpoint"
    )


registry.register("copilot")(Copilot())
