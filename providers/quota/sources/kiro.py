"""Kiro's windows: a month of credits, and a trial beside it (docs/protocol-notes.md, Kiro)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from providers.adapters.kiro import PROFILE_ARN
from providers.models import Account
from providers.quota import Window
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


class Kiro(QuotaSource):
    async def fetch(
        self, http: httpx.AsyncClient, account: Account, spec: ProviderSpec, now: datetime
    ) -> list[Window]:
        asked = {"isEmailRequired": "true", "origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST"}
        arn = (account.provider_data or {}).get(PROFILE_ARN)
        if arn:
            asked["profileArn"] = str(arn)
        headers = {"authorization": f"Bearer {account.bearer}"}
        body = answer_of(await http.get(self.address(account, spec), params=asked, headers=headers))
        reset = moment(body.get("nextDateReset"))
        windows: list[Window] = []
        for usage in objects(body.get("usageBreakdownList")):
            windows += _of_usage("monthly", "Month", usage, reset, now)
            trial = usage.get("freeTrialInfo")
            if isinstance(trial, dict):
                windows += _of_usage("trial", "Trial", trial, moment(trial.get("freeTrialExpiry")), now)
        if get(body, "overageConfiguration", "overageStatus") == "ENABLED":
            windows.append(
                Window(
                    key="overage",
                    label="Paid overage",
                    kind="credits",
                    used_percent=0,
                    unlimited=True,
                    paid_extra=True,
                    fetched_at=now,
                )
            )
        return _with_trial(windows, now)


def _of_usage(
    key: str, label: str, usage: dict[str, Any], reset: datetime | None, now: datetime
) -> list[Window]:
    used, limit = number(usage.get("currentUsageWithPrecision")), number(usage.get("usageLimitWithPrecision"))
    if used is None or not limit:
        return []
    return [
        Window(
            key=key,
            label=label,
            kind="monthly" if key == "monthly" else "credits",
            used_percent=percent(used / limit * 100),
            used=used,
            limit=limit,
            remaining=max(limit - used, 0.0),
            resets_at=reset,
            fetched_at=now,
        )
    ]


def _with_trial(windows: list[Window], now: datetime) -> list[Window]:
    """Either allowance is enough: one that is used up says nothing while the other has something left."""
    plan = [window for window in windows if not window.paid_extra]
    if any(window.remaining_percent(now) > 0 for window in plan):
        return [window for window in windows if window.paid_extra or window.remaining_percent(now) > 0]
    return windows


registry.register("kiro")(Kiro())
