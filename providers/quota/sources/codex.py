"""Codex' windows, told apart by how long they are, not by where they stand (docs/protocol-notes.md, Codex)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from providers.adapters.codex import ACCOUNT_ID
from providers.models import Account
from providers.quota import LABELS, Kind, Window
from providers.quota.sources.base import (
    QuotaSource,
    answer_of,
    get,
    moment,
    number,
    objects,
    percent,
    registry,
)
from providers.spec import ProviderSpec

_DAY_S = 86_400
_SESSION_S = 6 * 3600
_USED = re.compile(r"x-(?P<pool>[a-z0-9-]*?)-?(?P<place>primary|secondary)-used-percent")
OWN = "codex"
"""The pool of headers and windows that is about all models."""


class Codex(QuotaSource):
    interval_s = 120.0

    def from_headers(self, headers: Mapping[str, str], now: datetime) -> list[Window]:
        windows = []
        for name, used in headers.items():
            found = _USED.fullmatch(name)
            if found is None:
                continue
            start = name.removesuffix("used-percent")
            minutes = number(headers.get(f"{start}window-minutes"))
            reset = moment(headers.get(f"{start}reset-at")) or moment(
                headers.get(f"{start}reset-after-seconds"), now
            )
            pool = found["pool"]
            title = headers.get(f"x-{pool}-limit-name", pool) if pool != OWN else ""
            windows.append(_window(pool, title, percent(used), (minutes or 0) * 60, reset, now, "header"))
        return windows + self._credits(
            headers.get("x-codex-credits-has-credits") == "true",
            headers.get("x-codex-credits-unlimited") == "true",
            headers.get("x-codex-credits-balance"),
            now,
        )

    async def fetch(
        self, http: httpx.AsyncClient, account: Account, spec: ProviderSpec, now: datetime
    ) -> list[Window]:
        headers = {"authorization": f"Bearer {account.bearer}"}
        workspace = (account.provider_data or {}).get(ACCOUNT_ID) or account.external_id
        if workspace:
            headers["chatgpt-account-id"] = str(workspace)
        body = answer_of(await http.get(self.address(account, spec), headers=headers))
        windows = _of_pool(OWN, "", body.get("rate_limit"), now)
        for limit in objects(body.get("additional_rate_limits")):
            title = str(limit.get("limit_name") or limit.get("metered_feature") or "")
            if title:
                windows += _of_pool(title.lower(), title, limit.get("rate_limit"), now)
        credits = body.get("credits")
        return windows + self._credits(
            get(credits, "has_credits") is True,
            get(credits, "unlimited") is True,
            get(credits, "balance"),
            now,
        )

    @staticmethod
    def _credits(has: bool, unlimited: bool, balance: Any, now: datetime) -> list[Window]:
        if not has:
            return []
        left = number(balance)
        spent = 100.0 if not unlimited and left is not None and left <= 0 else 0.0
        return [
            Window(
                key="credits",
                label="Credits",
                kind="credits",
                used_percent=spent,
                remaining=left,
                unlimited=unlimited,
                paid_extra=True,
                fetched_at=now,
            )
        ]


def _of_pool(pool: str, title: str, limits: Any, now: datetime) -> list[Window]:
    windows = []
    for place in ("primary_window", "secondary_window"):
        value = get(limits, place)
        if not isinstance(value, dict) or number(value.get("used_percent")) is None:
            continue
        seconds, after = (
            number(value.get("limit_window_seconds")) or 0,
            number(value.get("reset_after_seconds")),
        )
        used = percent(value.get("used_percent"))
        if used == 0 and after is not None and after >= seconds > 0:
            continue  # it has not begun
        reset = moment(value.get("reset_at")) or moment(after, now)
        windows.append(_window(pool, title, used, seconds, reset, now, "endpoint"))
    return windows


def _window(
    pool: str, title: str, used: float, seconds: float, reset: datetime | None, now: datetime, source: Any
) -> Window:
    kind = _kind(seconds)
    own = pool == OWN
    return Window(
        key=kind if own else f"{pool}:{kind}",
        label=LABELS[kind] if own else f"{LABELS[kind]}, {title}",
        kind=kind,
        used_percent=used,
        resets_at=reset,
        scope_models=() if own else (f"{title.lower()}*",),
        source=source,
        fetched_at=now,
    )


def _kind(seconds: float) -> Kind:
    if seconds >= 20 * _DAY_S:
        return "monthly"
    if seconds >= _DAY_S:
        return "weekly"
    return "session5h" if seconds <= _SESSION_S else "daily"


registry.register("codex")(Codex())
