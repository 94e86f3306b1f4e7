"""Gemini CLI's windows: a day for each model (docs/protocol-notes.md, Gemini CLI)."""

from __future__ import annotations

from datetime import datetime

import httpx

from providers.adapters.code_assist_setup import PROJECT
from providers.endpoints import choose_endpoint
from providers.models import Account
from providers.quota import Window
from providers.quota.sources.base import (
    QuotaSource,
    QuotaUnknown,
    answer_of,
    moment,
    number,
    objects,
    percent,
    registry,
)
from providers.quota.sources.counted import Counted
from providers.spec import ProviderSpec


class CodeAssist(QuotaSource):
    counted = (Counted("monthly", "Month", "monthly", 180_000),)

    async def fetch(
        self, http: httpx.AsyncClient, account: Account, spec: ProviderSpec, now: datetime
    ) -> list[Window]:
        project = (account.provider_data or {}).get(PROJECT)
        if not project:
            raise QuotaUnknown("The account's project is not known yet")
        headers = {"authorization": f"Bearer {account.bearer}"}
        base = choose_endpoint(spec, base_url=account.base_url).base_url
        url = f"{base}:retrieveUserQuota"
        body = answer_of(await http.post(url, json={"project": project}, headers=headers))
        windows: dict[str, Window] = {}
        for bucket in objects(body.get("buckets")):
            model, left = str(bucket.get("modelId") or ""), number(bucket.get("remainingFraction"))
            if not model or left is None:
                continue
            window = Window(
                key=model,
                label=f"Day, {model}",
                kind="daily",
                used_percent=percent((1 - left) * 100),
                remaining=number(bucket.get("remainingAmount")),
                resets_at=moment(bucket.get("resetTime")),
                scope_models=(model,),
                fetched_at=now,
            )
            known = windows.get(model)
            if known is None or known.used_percent < window.used_percent:
                windows[model] = window
        return list(windows.values())


registry.register("code_assist")(CodeAssist())
