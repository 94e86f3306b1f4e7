"""Management API of accounts, which it calls connections (docs/api.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import ConfigDict, Field

from omniroute.errors import InvalidRequest, NotFound
from omniroute.redact import redact, redact_url, restore
from omniroute.schema import CamelModel, Line, Message, Name, Position, Secret, StrictModel, row_id
from providers.accounts import AccountValues, delete_account, find_spec, update_account, upsert_account
from providers.config import load_specs
from providers.cooling import account_cooldown
from providers.models import Account
from providers.nodes.models import new_node_id
from providers.spec import ProviderSpec

router = Router(tags=["Providers"], by_alias=True)

Percent = Annotated[int, Field(ge=0, le=100)]

_NODE_ID_START = new_node_id().partition("-")[0] + "-"
_AUTH_TYPES = {
    Account.AuthType.API_KEY: "apikey",
    Account.AuthType.OAUTH: "oauth",
    Account.AuthType.NONE: "none",
}


class ProviderData(CamelModel):
    """`endpoint` (or `variant`) and `region` choose among a provider's addresses, `baseUrl` replaces them."""

    model_config = ConfigDict(extra="allow")

    base_url: Line | None = None
    endpoint: Line | None = None
    variant: Line | None = None
    region: Line | None = None


class _OldFields(StrictModel):
    """Taken because OmniRoute's clients send them, and not looked at: accounts have one order, and are tried here."""

    global_priority: Any = None
    test_status: Any = None


class ConnectionIn(_OldFields):
    provider: Line = ""
    api_key: Secret | None = None
    name: Line = ""
    priority: Position | None = None
    default_model: Line | None = None
    is_active: bool | None = None
    provider_specific_data: ProviderData | None = None


class ConnectionPatch(_OldFields):
    api_key: Secret | None = None
    name: Name | None = None
    priority: Position | None = None
    default_model: Line | None = None
    is_active: bool | None = None
    reserve_percent: Percent | None = None
    """Of every window of the plan, left alone."""
    plan_only: bool | None = None
    """No paid use beyond the plan."""
    provider_specific_data: ProviderData | None = None


class Connection(CamelModel):
    id: str
    provider: str
    provider_name: str
    prefix: str
    auth_type: str
    name: str
    api_key: str
    """Masked."""
    priority: int
    is_active: bool
    default_model: str | None
    test_status: str
    last_error: str | None
    last_tested: datetime | None
    error_code: str | None
    """Why the account is put aside right now; None when it is not."""
    rate_limited_until: datetime | None
    backoff_level: int
    """How many failures in a row made the cooldown longer."""
    email: str | None
    """Whose sign-in it is."""
    plan: str | None
    token_expires_at: datetime | None
    reserve_percent: int
    plan_only: bool
    sign_in_needed: str | None
    """Why somebody has to sign in again; None when nobody has to."""
    provider_specific_data: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class ConnectionBody(CamelModel):
    connection: Connection


class ConnectionList(CamelModel):
    connections: list[Connection]


@router.get("/providers", response=ConnectionList)
def list_connections(request: HttpRequest, provider: str = "") -> ConnectionList:
    """All accounts, or those of one `provider` (its id or prefix), in the order in which they are used."""
    rows = Account.objects.order_by("provider", "priority", "id")
    specs = load_specs()
    if provider:
        spec = find_spec(provider)
        rows = rows.filter(provider=spec.id if spec else provider)
    return ConnectionList(connections=[_shown(row, specs.get(row.provider)) for row in rows])


@router.post("/providers", response={201: ConnectionBody})
def create_connection(request: HttpRequest, body: ConnectionIn) -> Status[ConnectionBody]:
    """Add an account, or change the provider's account of that name or key. The key is stored untried."""
    spec = required_spec(body.provider)
    if not body.name:
        raise ValidationError({"name": "Name is required"})
    account = upsert_account(spec, _values(body, Account()))
    return Status(201, ConnectionBody(connection=_shown(account, spec)))


@router.get("/providers/{id}", response=ConnectionBody)
def get_connection(request: HttpRequest, id: str) -> ConnectionBody:
    """One account. Its credential is never shown."""
    account = find_account(id)
    return ConnectionBody(connection=_shown(account, find_spec(account.provider)))


@router.put("/providers/{id}", response=ConnectionBody)
def update_connection(request: HttpRequest, id: str, body: ConnectionPatch) -> ConnectionBody:
    """Only the fields that are present change. `providerSpecificData` is merged; null removes an entry."""
    account = find_account(id)
    spec = required_spec(account.provider)
    account = update_account(account, spec, _values(body, account))
    return ConnectionBody(connection=_shown(account, spec))


@router.delete("/providers/{id}", response=Message)
def delete_connection(request: HttpRequest, id: str) -> Message:
    """Delete an account. Its usage stays."""
    delete_account(find_account(id))
    return Message(message="Connection deleted")


def find_account(id: str) -> Account:
    account = Account.objects.filter(pk=row_id(id)).first()
    if account is None:
        raise NotFound("Connection not found")
    return account


def required_spec(provider: str) -> ProviderSpec:
    """Raise `InvalidRequest`; `NotFound` for the id of a custom provider that is gone."""
    spec = find_spec(provider) if provider else None
    if spec:
        return spec
    if provider.startswith(_NODE_ID_START):
        raise NotFound(f"There is no custom provider {provider!r}", param="provider")
    raise InvalidRequest(
        f"Invalid provider: {provider!r} is neither a provider nor a prefix"
        if provider
        else "Invalid provider",
        param="provider",
    )


def _values(body: ConnectionIn | ConnectionPatch, stored: Account) -> AccountValues:
    data = body.provider_specific_data or ProviderData()
    given = data.model_fields_set
    variant = data.endpoint if "endpoint" in given else data.variant
    base_url = (data.base_url or "") if "base_url" in given else None
    if base_url and base_url == redact_url(stored.base_url):
        base_url = None
    return AccountValues(
        name=body.name,
        api_key=body.api_key,
        priority=body.priority,
        is_active=body.is_active,
        default_model=body.default_model,
        base_url=base_url,
        variant=(variant or "") if given & {"endpoint", "variant"} else None,
        region=(data.region or "") if "region" in given else None,
        quota_reserve=body.reserve_percent if isinstance(body, ConnectionPatch) else None,
        plan_only=body.plan_only if isinstance(body, ConnectionPatch) else None,
        extra=restore(data.model_extra or {}, stored.provider_data or {}),
    )


def _shown(account: Account, spec: ProviderSpec | None) -> Connection:
    cooldown = account_cooldown(account.pk)
    chosen = {"baseUrl": redact_url(account.base_url), "endpoint": account.variant, "region": account.region}
    return Connection(
        id=str(account.pk),
        provider=account.provider,
        provider_name=spec.name if spec else account.provider,
        prefix=spec.shown_prefix if spec else account.provider,
        auth_type=_AUTH_TYPES[Account.AuthType(account.auth_type)],
        name=account.name,
        api_key=account.masked_key,
        priority=account.priority,
        is_active=account.is_active,
        default_model=account.default_model or None,
        test_status=account.test_status or "untested",
        last_error="The credential is unreadable: it was stored under another encryption key. Enter it again"
        if account.is_unreadable
        else account.last_error or None,
        last_tested=account.last_tested_at,
        error_code=cooldown.reason if cooldown else None,
        rate_limited_until=datetime.fromtimestamp(cooldown.until, UTC) if cooldown else None,
        backoff_level=cooldown.level if cooldown else 0,
        email=account.email or None,
        plan=account.plan or None,
        token_expires_at=account.expires_at,
        reserve_percent=account.quota_reserve,
        plan_only=account.plan_only,
        sign_in_needed=account.sign_in_reason if account.needs_sign_in else None,
        provider_specific_data={
            **redact(account.provider_data or {}),
            **{name: value for name, value in chosen.items() if value},
        },
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
