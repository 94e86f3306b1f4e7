"""Management API of budgets: the product's own spelling, and the older one that scripts still use."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from billing.budgets.editing import BudgetFields, save_budget
from billing.budgets.spending import dollars, since
from billing.budgets.status import Status, statuses
from billing.models import ApiKey, Budget
from omniroute.errors import InvalidRequest, NotFound
from omniroute.schema import CamelModel, Line, StrictModel, row_id

router = Router(tags=["Budgets"], by_alias=True)

Limit = Annotated[Decimal, Field(gt=0, le=10**11, max_digits=18, decimal_places=6, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1)]
_OLDER = {"daily": "daily_limit_usd", "weekly": "weekly_limit_usd", "monthly": "monthly_limit_usd"}


class BudgetIn(StrictModel):
    """Whose: `keyId` (or `apiKeyId`), `connectionId`, or `scope: "gateway"`. What: `limit` and `period`, or the older
    `dailyLimitUsd`, `weeklyLimitUsd`, `monthlyLimitUsd`. A budget of the same period and unit is replaced."""

    key_id: str | StrictInt | None = None
    api_key_id: str | StrictInt | None = None
    connection_id: str | StrictInt | None = None
    scope: Literal["key", "account", "gateway"] | None = None
    limit: Limit | None = None
    period: Budget.Period = Budget.Period.MONTHLY
    unit: Budget.Unit = Budget.Unit.USD
    daily_limit_usd: Limit | None = None
    weekly_limit_usd: Limit | None = None
    monthly_limit_usd: Limit | None = None
    name: Line | None = None
    time_zone: Line | None = None
    warning_threshold: Fraction | None = None
    refuse_unpriced: bool | None = None
    """Of a limit in USD: refuse models that nobody knows the price of, which would count as free."""
    is_active: bool | None = None


class BudgetOut(CamelModel):
    id: str
    name: str
    scope: Literal["key", "account", "gateway"]
    key_id: str | None
    key_name: str | None
    connection_id: str | None
    connection_name: str | None
    unit: str
    period: str
    time_zone: str
    limit: float
    used: float
    remaining: float
    percent: float
    warning_threshold: float
    warning_reached: bool
    exceeded: bool
    unpriced_requests: int
    """Of a limit in USD: requests of this period that count as free, because nobody knows their price."""
    refuse_unpriced: bool
    is_active: bool
    period_start_at: datetime
    next_reset_at: datetime | None
    """null: a budget for once never begins anew."""


class Saved(CamelModel):
    success: bool = True
    budget: BudgetOut
    budgets: list[BudgetOut]
    api_key_id: str | None
    daily_limit_usd: float | None = None
    weekly_limit_usd: float | None = None
    monthly_limit_usd: float | None = None


class Deleted(CamelModel):
    success: bool = True
    deleted: int


@router.post("/usage/budget", response=Saved)
def set_budget(request: HttpRequest, body: BudgetIn) -> Saved:
    """Set one budget, or several in the older spelling."""
    key_id, account_id = _whose(body)
    usd = Budget.Unit.USD
    limits = {(period, usd): limit for period, name in _OLDER.items() if (limit := getattr(body, name))}
    if body.limit is not None:
        limits[body.period, body.unit] = body.limit
    if not limits:
        raise InvalidRequest("A limit above 0 is needed", param="limit")
    whose = {"api_key_id": key_id, "account_id": account_id}
    with transaction.atomic():
        rows = [
            _set(body, limit, **whose, period=period, unit=unit) for (period, unit), limit in limits.items()
        ]
    shown = [show(status) for status in statuses(rows)]
    return Saved(
        budget=shown[-1],
        budgets=shown,
        api_key_id=None if key_id is None else str(key_id),
        daily_limit_usd=_number(body.daily_limit_usd),
        weekly_limit_usd=_number(body.weekly_limit_usd),
        monthly_limit_usd=_number(body.monthly_limit_usd),
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _set(body: BudgetIn, limit: Decimal, **which: Any) -> Budget:
    row = Budget.objects.filter(**which).first() or Budget(**which)
    fields: BudgetFields = {"limit": limit}
    if body.name is not None:
        fields["name"] = body.name[:100]
    if body.time_zone is not None:
        fields["time_zone"] = body.time_zone
    if body.warning_threshold is not None:
        fields["warning_percent"] = round(100 * body.warning_threshold)
    if body.is_active is not None:
        fields["is_active"] = body.is_active
    if body.refuse_unpriced is not None:
        fields["refuse_unpriced"] = body.refuse_unpriced
    return save_budget(row, fields)


def _whose(body: BudgetIn) -> tuple[int | None, int | None]:
    """(key, account) of which at most one is set. Raise `NotFound`, or `InvalidRequest` where not one is named."""
    key = body.key_id if body.key_id is not None else body.api_key_id
    named = {
        "key": key is not None,
        "account": body.connection_id is not None,
        "gateway": body.scope == "gateway",
    }
    if [*named.values()].count(True) != 1 or not named.get(body.scope or "", True):
        raise InvalidRequest(
            'Whose budget: one of keyId, connectionId, and "scope": "gateway" for all requests', param="keyId"
        )
    if body.connection_id is not None:
        model: Any = Budget._meta.get_field("account").related_model
        account = model.objects.filter(pk=row_id(str(body.connection_id))).first()
        if account is None:
            raise NotFound("Connection not found", param="connectionId")
        return None, account.pk
    return (None, None) if key is None else (find_key(str(key)).pk, None)


def find_key(text: str) -> ApiKey:
    """By id, or by a name that only one key has. Raise `NotFound`, or `InvalidRequest` for a name of several."""
    key = ApiKey.objects.filter(pk=row_id(text)).first()
    if key is not None:
        return key
    named = list(ApiKey.objects.filter(name=text)[:2])
    if len(named) > 1:
        raise InvalidRequest(f"Several API keys are called {text!r}: give the id of one", param="keyId")
    if not named:
        raise NotFound("API key not found", param="keyId")
    return named[0]


@router.get("/usage/budget", response=dict)
def get_budgets(request: HttpRequest, api_key_id: str = "", apiKeyId: str = "", keyId: str = "") -> Any:
    """All budgets; with `apiKeyId`, those of the key and what it spent."""
    wanted = apiKeyId or keyId or api_key_id
    rows = Budget.objects.select_related("api_key", "account")
    if not wanted:
        return {"budgets": [_json(status) for status in statuses(rows)]}
    key = find_key(wanted)
    return _of_key(key, statuses(rows.filter(api_key=key)))


def _of_key(key: ApiKey, found: list[Status]) -> dict[str, Any]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day, month = since(today, key.pk, None), since(today.replace(day=1), key.pk, None)
    limits = dict.fromkeys(("dailyLimitUsd", "weeklyLimitUsd", "monthlyLimitUsd"))
    for status in found:
        if status.budget.unit == Budget.Unit.USD and status.budget.period in _OLDER:
            limits[f"{status.budget.period}LimitUsd"] = float(status.limit)
    active = [status for status in found if status.budget.is_active]
    spent = next((status for status in active if status.is_spent), None)
    daily = next((status for status in found if status.budget.period == Budget.Period.DAILY), None)
    return {
        "apiKeyId": str(key.pk),
        "keyName": key.name,
        "dailyTotal": float(dollars(day.usd)),
        "monthlyTotal": float(dollars(month.usd)),
        "totalEntries": month.requests,
        "budget": limits if found else None,
        "budgetCheck": {
            "allowed": spent is None,
            "reason": None if spent is None else f"The {spent.budget.period} budget is spent",
            "dailyUsed": float(dollars(day.usd)),
            "dailyLimit": None if daily is None else float(daily.limit),
            "warningReached": any(status.is_low for status in active),
        },
        "budgets": [_json(status) for status in found],
    }


@router.delete("/usage/budget", response=Deleted)
def delete_budgets(
    request: HttpRequest,
    id: str = "",
    apiKeyId: str = "",
    keyId: str = "",
    period: Budget.Period | None = None,
) -> Deleted:
    """One by `id`, or all of a key, or those of a key with this `period`."""
    if id:
        rows = Budget.objects.filter(pk=row_id(id))
    elif apiKeyId or keyId:
        rows = Budget.objects.filter(api_key=find_key(apiKeyId or keyId))
        rows = rows.filter(period=period) if period else rows
    else:
        raise InvalidRequest("id or keyId is needed", param="id")
    found = list(rows)
    if id and not found:
        raise NotFound("Budget not found")
    for row in found:
        row.delete()
    return Deleted(deleted=len(found))


@router.delete("/usage/budget/{id}", response=Deleted)
def delete_budget(request: HttpRequest, id: str) -> Deleted:
    """Delete one budget."""
    return delete_budgets(request, id=id)


def show(status: Status) -> BudgetOut:
    row = status.budget
    scope: Literal["key", "account", "gateway"] = (
        "key" if row.api_key_id is not None else "account" if row.account_id is not None else "gateway"
    )
    return BudgetOut(
        id=str(row.pk),
        name=str(row),
        scope=scope,
        key_id=None if row.api_key_id is None else str(row.api_key_id),
        key_name=row.api_key.name if row.api_key else None,
        connection_id=None if row.account_id is None else str(row.account_id),
        connection_name=getattr(row.account, "name", None),
        unit=row.unit,
        period=row.period,
        time_zone=row.time_zone,
        limit=float(status.limit),
        used=float(status.used),
        remaining=float(status.left),
        percent=round(status.percent, 2),
        warning_threshold=row.warning_percent / 100,
        warning_reached=status.is_low,
        exceeded=status.is_spent,
        unpriced_requests=status.unpriced,
        refuse_unpriced=row.refuse_unpriced,
        is_active=row.is_active,
        period_start_at=status.period.start,
        next_reset_at=status.period.end,
    )


def _json(status: Status) -> dict[str, Any]:
    return show(status).model_dump(mode="json", by_alias=True)
