"""What the holder of an API key may know: its own spend, limits and reset times. Authenticated by the key itself."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.security import APIKeyHeader, HttpBearer

from billing.api.budgets import BudgetOut, show
from billing.budgets.spending import Spent, dollars, since
from billing.budgets.status import statuses
from billing.keys import hash_key
from billing.models import ApiKey, Budget
from omniroute.errors import Unauthorized
from omniroute.schema import CamelModel

router = Router(tags=["Budgets"], by_alias=True)


def _holder(secret: str) -> ApiKey:
    key = ApiKey.objects.filter(key_hash=hash_key(secret.strip()), is_active=True).first()
    if key is None or (key.expires_at and key.expires_at <= timezone.now()):
        raise Unauthorized("The API key is unknown, disabled or expired")
    return key


class BearerOwnKey(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        return _holder(token)


class HeaderOwnKey(APIKeyHeader):
    param_name = "x-api-key"

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiKey | None:
        return _holder(key) if key else None


class Span(CamelModel):
    cost_usd: float
    tokens: int
    requests: int


class Me(CamelModel):
    key_id: str
    name: str
    scope: str
    expires_at: datetime | None
    allowed_models: list[str]
    allowed: bool
    """Whether the next request would be let in, as far as budgets are concerned."""
    today: Span
    this_month: Span
    budgets: list[BudgetOut]


@router.get("/usage/me", response=Me, auth=[BearerOwnKey(), HeaderOwnKey()])
def get_own_usage(request: HttpRequest) -> Me:
    """Days and months begin at midnight UTC, budgets at their own. Those of the whole gateway are not shown."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = statuses(Budget.objects.filter(api_key=key, is_active=True).select_related("api_key"))
    return Me(
        key_id=str(key.pk),
        name=key.name,
        scope=key.scope,
        expires_at=key.expires_at,
        allowed_models=key.allowed_models,
        allowed=not any(status.is_spent for status in found),
        today=_span(since(now, key.pk, None)),
        this_month=_span(since(now.replace(day=1), key.pk, None)),
        budgets=[show(status) for status in found],
    )


def _span(spent: Spent) -> Span:
    return Span(cost_usd=float(dollars(spent.usd)), tokens=spent.tokens, requests=spent.requests)
