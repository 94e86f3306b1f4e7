"""Claude Code's windows: on every answer, and at an endpoint that is asked rarely.

Source: docs/protocol-notes.md, Claude Code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from providers.models import Account
from providers.quota import Kind, Window
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

_PREFIX = "anthropic-ratelimit-unified-"
_WINDOWS: tuple[tuple[str, str, Kind, str], ...] = (
    ("5h", "five_hour", "session5h", "5 hours"),
    ("7d", "seven_day", "weekly", "Week"),
)
_IGNORED = ("seven_day_oauth_apps", "seven_day_cowork")
"""Windows of other products."""
_LIMITS: dict[str, tuple[str, Kind, str]] = {
    "session": ("five_hour", "session5h", "5 hours"),
    "weekly_all": ("seven_day", "weekly", "Week"),
}


class Claude(QuotaSource):
    def from_headers(self, headers: Mapping[str, str], now: datetime) -> list[Window]:
        windows = []
        for short, key, kind, label in _WINDOWS:
            share = number(headers.get(f"{_PREFIX}{short}-utilization"))
            rejected = headers.get(f"{_PREFIX}{short}-status") == "rejected"
            if share is None and not rejected:
                continue
            used = 100.0 if rejected else percent((share or 0.0) * 100)
            reset = moment(headers.get(f"{_PREFIX}{short}-reset"))
            windows.append(
                Window(
                    key=key,
                    label=label,
                    kind=kind,
                    used_percent=used,
                    resets_at=reset,
                    source="header",
                    fetched_at=now,
                )
            )
        return windows

    async def fetch(
        self, http: httpx.AsyncClient, account: Account, spec: ProviderSpec, now: datetime
    ) -> list[Window]:
        headers = {"authorization": f"Bearer {account.bearer}", "anthropic-beta": "oauth-2025-04-20"}
        body = answer_of(await http.get(self.address(account, spec), headers=headers))
        limits = objects(body.get("limits"))
        windows = _of_limits(limits, now) if limits else _of_keys(body, now)
        extra = body.get("extra_usage")
        if get(extra, "is_enabled") is True:
            windows.append(_extra(extra, now))
        return windows


def _of_limits(limits: list[dict[str, Any]], now: datetime) -> list[Window]:
    windows = []
    for limit in limits:
        known = _LIMITS.get(str(limit.get("kind")))
        model = str(get(limit, "scope", "model", "id") or "")
        name = str(get(limit, "scope", "model", "display_name") or model)
        if (known is None and not model) or number(limit.get("percent")) is None:
            continue
        key, kind, label = known or (f"weekly:{model}", "weekly", f"Week, {name}")
        windows.append(
            Window(
                key=key,
                label=label,
                kind=kind,
                used_percent=percent(limit.get("percent")),
                resets_at=moment(limit.get("resets_at")),
                scope_models=(f"*{model}*",) if model else (),
                fetched_at=now,
            )
        )
    return windows


def _of_keys(body: dict[str, Any], now: datetime) -> list[Window]:
    """The older shape: `seven_day_opus` is a week of Opus alone."""
    windows = []
    for key, value in body.items():
        if key in _IGNORED or not key.startswith(("five_hour", "seven_day")):
            continue
        if number(get(value, "utilization")) is None:
            continue
        model = key.removeprefix("seven_day").strip("_") if key.startswith("seven_day") else ""
        weekly = key.startswith("seven_day")
        label = ("Week" if weekly else "5 hours") + (f", {model.capitalize()}" if model else "")
        windows.append(
            Window(
                key=key,
                label=label,
                kind="weekly" if weekly else "session5h",
                used_percent=percent(value.get("utilization")),
                resets_at=moment(value.get("resets_at")),
                scope_models=(f"claude-{model}*",) if model else (),
                fetched_at=now,
            )
        )
    return windows


def _extra(extra: Any, now: datetime) -> Window:
    scale = 10 ** int(number(extra.get("decimal_places")) or 0)
    limit, used = number(extra.get("monthly_limit")), number(extra.get("used_credits"))
    return Window(
        key="extra_usage",
        label="Extra usage",
        kind="credits",
        used_percent=percent(extra.get("utilization")),
        used=used / scale if used is not None else None,
        limit=limit / scale if limit is not None else None,
        paid_extra=True,
        fetched_at=now,
    )


registry.register("claude")(Claude())
