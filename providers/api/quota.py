"""Management API of what is left of an account's plan."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from omniroute.schema import CamelModel
from providers.api.accounts import find_account
from providers.models import Account, QuotaCheck
from providers.quota import Window
from providers.quota import checks as quota_checks
from providers.quota import rows as quota_rows

router = Router(tags=["Usage"], by_alias=True)


class Quota(CamelModel):
    key: str
    label: str
    kind: str
    """hourly, session5h, daily, weekly, monthly or credits."""
    used_percent: float
    remaining_percent: float
    used: float | None
    limit: float | None
    remaining: float | None
    unlimited: bool
    resets_at: datetime | None
    scope_models: list[str]
    """Globs of the models that it is about; empty: all."""
    paid_extra: bool
    source: str
    fetched_at: datetime


class AccountQuota(CamelModel):
    connection_id: str
    provider: str
    name: str
    plan: str | None
    tracked: bool
    """False: this provider tells nothing, so nothing is known."""
    reserve_percent: int
    plan_only: bool
    quotas: list[Quota]
    message: str | None
    """Why the vendor did not tell, when it was asked last."""
    checked_at: datetime | None


@router.get("/usage/{int:connection_id}", response=AccountQuota)
def get_account_quota(request: HttpRequest, connection_id: int) -> AccountQuota:
    """What is left of an account's plan. The vendor is asked, but never twice within a minute."""
    account = find_account(str(connection_id))
    message = quota_checks.refresh(account)
    return shown(account, message)


def shown(account: Account, message: str = "") -> AccountQuota:
    check = QuotaCheck.objects.filter(account=account).first()
    return AccountQuota(
        connection_id=str(account.pk),
        provider=account.provider,
        name=account.name,
        plan=account.plan or None,
        tracked=quota_checks.source_for(account) is not None,
        reserve_percent=account.quota_reserve,
        plan_only=account.plan_only,
        quotas=[_quota(window) for window in quota_rows.of_account(account.pk)],
        message=message or None,
        checked_at=check.asked_at if check else None,
    )


def _quota(window: Window) -> Quota:
    return Quota(
        key=window.key,
        label=window.label,
        kind=window.kind,
        used_percent=round(window.used_percent, 1),
        remaining_percent=round(window.remaining_percent(timezone.now()), 1),
        used=window.used,
        limit=window.limit,
        remaining=window.remaining,
        unlimited=window.unlimited,
        resets_at=window.resets_at,
        scope_models=list(window.scope_models),
        paid_extra=window.paid_extra,
        source=window.source,
        fetched_at=window.fetched_at,
    )
