"""Management API of single requests: the list with filters, one with its attempts, and what went through proxies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, StringConstraints

from billing.models import ApiKey, UsageRecord
from billing.usage import finding, request_logs
from billing.usage.finding import Cursor, Place, find
from omniroute.errors import InvalidRequest, NotFound
from omniroute.schema import CamelModel, row_id
from omniroute.types import JSONDict
from providers.models import Account

router = Router(tags=["Usage"], by_alias=True)

DEFAULT_LIMIT, MAX_LIMIT = 200, 1000
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=250)]


class TokenCounts(CamelModel):
    in_: Annotated[int, Field(alias="in")]
    out: int
    cache_read: int
    cache_write: int
    reasoning: int


class CallLog(CamelModel):
    id: str
    """The request's own id, as in its answer's `x-request-id`."""
    timestamp: datetime
    method: str = "POST"
    path: str
    status: int
    model: str
    """Served, or asked for where nothing was."""
    requested_model: str
    provider: str
    account: str
    connection_id: str | None
    duration: int
    """Milliseconds, to the last byte."""
    first_token_ms: int | None
    stream: bool
    tokens: TokenCounts
    cost: float | None
    """USD; null: no price is known."""
    saved: float
    cache_hit: bool
    source_format: str
    target_format: str
    api_key_id: str | None
    api_key_name: str
    combo_name: str
    attempts: int
    error: str | None


class CallLogDetail(CallLog):
    error_code: str
    cost_source: str
    usage_estimated: bool
    client_address: str
    user_agent: str
    trail: list[dict[str, Any]]
    """The attempts in order."""
    request_body: Any
    """What the client sent; null where nothing was logged. If long: `{"_truncated", "_originalSize", "_preview"}`."""
    response_body: Any
    log: dict[str, Any] | None
    """All that went over the wire, `request`, `upstream` and `response`, where ENABLE_REQUEST_LOGS is on."""


class Filters(CamelModel):
    status: Annotated[str, StringConstraints(pattern=r"^(error|ok|[1-5]\d\d)?$")] = ""
    """`error`, `ok` or a status."""
    model: Text = ""
    """Served model, whole or in part."""
    provider: Text = ""
    """Provider id."""
    account: Text = ""
    """Account id or name."""
    api_key: Text = ""
    """API key id or name."""
    combo: Text = ""
    """Combo's name; `true`: any."""
    search: Text = ""
    """A request id, or words of the model, account, key, combo, path or error."""
    before: Text = ""
    """What `X-Next` of the page before said."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.get("/usage/call-logs", response=list[CallLog])
def list_call_logs(request: HttpRequest, response: HttpResponse, filters: Query[Filters]) -> list[CallLog]:
    """The newest first. Where there may be more, the answer's header `X-Next` is the next page's `before`."""
    before = Cursor.parse(filters.before) if filters.before else None
    if filters.before and before is None:
        raise InvalidRequest("'before' is no place in the log", param="before")
    if filters.search and (exactly := finding.with_id(filters.search)):
        return [CallLog(**_shown(row)) for row in exactly]
    rows, places = _matching(filters)
    found = find(UsageRecord.requests.filter(rows), filters.limit, places, before)
    if found.next is not None:
        response["X-Next"] = str(found.next)
    return [CallLog(**_shown(row)) for row in found.rows]


@router.get("/usage/call-logs/{id}", response=CallLogDetail)
def get_call_log(request: HttpRequest, id: str) -> CallLogDetail:
    """One request with its attempts, what it cost, and, where request logs are kept, what was sent and answered."""
    rows = finding.with_id(id[:40])
    if not rows:
        raise NotFound("Request not found")
    (row,) = rows
    log = request_logs.load(row.request_id)
    return CallLogDetail(
        **_shown(row),
        error_code=row.error_code,
        cost_source=row.cost_source,
        usage_estimated=row.usage_estimated,
        client_address=row.client_address,
        user_agent=row.user_agent,
        trail=row.attempts or [],
        request_body=(log or {}).get("request", {}).get("body"),
        response_body=(log or {}).get("response", {}).get("body"),
        log=log,
    )


class ProxyAddress(CamelModel):
    type: str
    host: str
    port: int | None


class ProxyLog(CamelModel):
    id: str
    """The request's id."""
    timestamp: datetime
    status: Literal["success", "error"]
    upstream_status: int | None
    proxy: ProxyAddress
    provider: str
    model: str
    account: str
    combo: str
    latency_ms: int
    error: str | None


@router.get("/usage/proxy-logs", response=list[ProxyLog])
def list_proxy_logs(
    request: HttpRequest, limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
) -> list[ProxyLog]:
    """The attempts of late that went through a proxy, the newest first."""
    rows = UsageRecord.requests.annotate(text=Cast("attempts", TextField())).filter(text__contains='"proxy"')
    tries = [(row, each) for row in find(rows, limit).rows for each in reversed(row.attempts)]
    return [_proxied(row, each) for row, each in tries if each.get("proxy", "direct") != "direct"][:limit]


def _proxied(row: UsageRecord, attempt: JSONDict) -> ProxyLog:
    address = urlsplit(attempt["proxy"])
    status = attempt.get("status") or None
    failed = "error" in attempt or (status is not None and status >= 400)
    return ProxyLog(
        id=row.request_id,
        timestamp=row.created_at + timedelta(milliseconds=attempt.get("at", 0)),
        status="error" if failed else "success",
        upstream_status=status,
        proxy=ProxyAddress(type=address.scheme, host=address.hostname or "", port=address.port),
        provider=attempt.get("provider", ""),
        model=attempt.get("model", ""),
        account=attempt.get("account", ""),
        combo=row.combo,
        latency_ms=attempt.get("ms", 0),
        error=attempt.get("message") or attempt.get("error"),
    )


def _matching(filters: Filters) -> tuple[Q, list[Place]]:
    """The rows, and where they must be found."""
    rows, places = Q(), []
    if filters.status == "error" or filters.status >= "4":
        places.append(finding.FAILED)
    if filters.status == "error":
        rows &= Q(status__gte=400)
    elif filters.status == "ok":
        rows &= Q(status__lt=400)
    elif filters.status:
        rows &= Q(status=int(filters.status))
    if filters.model:
        rows &= Q(served_model__icontains=filters.model)
    if filters.provider:
        rows &= Q(provider=filters.provider)
        places.append(finding.by_provider(filters.provider))
    if filters.account:
        account = _id_of(filters.account, Account)
        rows &= Q(account_id=account)
        places.append(finding.by_account(account))
    if filters.api_key:
        key = _id_of(filters.api_key, ApiKey)
        rows &= Q(api_key_id=key)
        places.append(finding.by_key(key))
    if filters.combo == "true":
        rows &= ~Q(combo="")
    elif filters.combo:
        rows &= Q(combo=filters.combo)
        places.append(finding.by_combo(filters.combo))
    if filters.search:
        rows &= finding.saying(filters.search)
    return rows, places


def _id_of(text: str, model: type[Account | ApiKey]) -> int:
    """By id, also of what is deleted, or by name; -1, which nothing bears, where there is no such thing."""
    pk = row_id(text)
    if pk > 0:
        return pk
    return model._default_manager.filter(name=text).values_list("pk", flat=True).first() or -1


def _shown(row: UsageRecord) -> dict[str, Any]:
    return {
        "id": row.request_id,
        "timestamp": row.created_at,
        "path": row.endpoint,
        "status": row.status,
        "model": row.served_model or row.requested_model,
        "requested_model": row.requested_model,
        "provider": row.provider,
        "account": row.account_name,
        "connection_id": str(row.account_id) if row.account_id else None,
        "duration": row.latency_ms,
        "first_token_ms": row.first_token_ms,
        "stream": row.stream,
        "tokens": TokenCounts(
            in_=row.input_tokens,
            out=row.output_tokens,
            cache_read=row.cache_read_tokens,
            cache_write=row.cache_write_tokens,
            reasoning=row.reasoning_tokens,
        ),
        "cost": None if row.cost is None else float(row.cost),
        "saved": float(row.saved),
        "cache_hit": row.cache_hit,
        "source_format": row.client_format,
        "target_format": row.provider_format,
        "api_key_id": str(row.api_key_id) if row.api_key_id else None,
        "api_key_name": row.api_key_name,
        "combo_name": row.combo,
        "attempts": row.attempt_count,
        "error": row.error_message or None,
    }
