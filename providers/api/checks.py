"""Management API that talks to providers: are the keys good, which models are there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from omniroute.schema import CamelModel, Line, Secret, StrictModel
from providers import validation
from providers.api.accounts import ProviderData, find_account, required_spec
from providers.config import load_specs
from providers.listing import list_models
from providers.models import Account
from providers.spec import ProviderSpec
from providers.validation.probe import check_accounts

router = Router(tags=["Providers"], by_alias=True)

Mode = Literal["provider", "oauth", "free", "apikey", "compatible", "all"]


class ValidateIn(StrictModel):
    provider: Line = ""
    api_key: Secret = ""
    provider_specific_data: ProviderData = ProviderData()


class Verdict(CamelModel):
    valid: bool
    status: str
    """valid, warning, invalid, or unreachable: it could not be found out."""
    error: str | None
    warning: str | None
    latency_ms: int


class TestResult(Verdict):
    tested_at: datetime


class BatchIn(StrictModel):
    mode: Mode
    provider_id: Line = ""


class BatchResult(Verdict):
    connection_id: str
    provider: str
    name: str


class BatchSummary(CamelModel):
    total: int
    passed: int
    failed: int


class Batch(CamelModel):
    mode: Mode
    results: list[BatchResult]
    tested_at: datetime
    summary: BatchSummary


class LiveModel(CamelModel):
    id: str
    name: str
    type: str
    context_window: int | None
    max_output_tokens: int | None


class LiveModels(CamelModel):
    provider: str
    connection_id: str
    models: list[LiveModel]


@router.post("/providers/validate", response=Verdict)
def validate_key(request: HttpRequest, body: ValidateIn) -> Verdict:
    """Try a key without storing it."""
    spec = required_spec(body.provider)
    if spec.needs_key and not body.api_key:
        raise ValidationError({"api_key": "API Key is required"})
    data = body.provider_specific_data
    base_url, variant, region = data.base_url or "", data.endpoint or data.variant or "", data.region or ""
    Account(
        provider=spec.id, name="-", api_key=body.api_key, base_url=base_url, variant=variant, region=region
    ).full_clean()
    result = async_to_sync(validation.validate)(
        spec,
        api_key=body.api_key,
        base_url=base_url,
        variant=variant,
        region=region,
    )
    return verdict(result)


@router.post("/providers/test-batch", response=Batch)
def check_batch(request: HttpRequest, body: BatchIn) -> Batch:
    """Try the active accounts of a group; `mode: provider` needs `providerId`."""
    shown = [
        BatchResult(
            connection_id=str(account.pk),
            provider=account.provider,
            name=account.name,
            **dict(verdict(result)),
        )
        for account, result in check_accounts(list(_chosen(body)))
    ]
    passed = sum(result.valid for result in shown)
    return Batch(
        mode=body.mode,
        results=shown,
        tested_at=timezone.now(),
        summary=BatchSummary(total=len(shown), passed=passed, failed=len(shown) - passed),
    )


@router.post("/providers/{id}/test", response=TestResult)
def check_connection(request: HttpRequest, id: str) -> TestResult:
    """Send the provider a small request with the account's credential, and remember what came of it."""
    account = find_account(id)
    required_spec(account.provider)
    result = verdict(async_to_sync(validation.validate_account)(account))
    return TestResult(**dict(result), tested_at=timezone.now())


@router.get("/providers/{id}/models", response=LiveModels)
def list_live_models(request: HttpRequest, id: str) -> LiveModels:
    """What the provider itself lists at this moment."""
    account = find_account(id)
    models = async_to_sync(list_models)(
        required_spec(account.provider),
        api_key=account.api_key,
        base_url=account.base_url,
        variant=account.variant,
        region=account.region,
        account_id=account.pk,
    )
    shown = [
        LiveModel(
            id=model.id,
            name=model.name or model.id,
            type=model.kind,
            context_window=model.context_window,
            max_output_tokens=model.max_output_tokens,
        )
        for model in models
    ]
    return LiveModels(provider=account.provider, connection_id=str(account.pk), models=shown)


def _chosen(body: BatchIn) -> Iterable[Account]:
    if body.mode == "provider" and not body.provider_id:
        raise ValidationError({"provider_id": "providerId is required for this mode."})
    wanted = required_spec(body.provider_id).id if body.mode == "provider" else ""
    specs = load_specs()
    for account in Account.objects.filter(is_active=True):
        spec = specs.get(account.provider)
        if spec and (account.provider == wanted or _in_group(body.mode, account, spec)):
            yield account


def _in_group(mode: Mode, account: Account, spec: ProviderSpec) -> bool:
    if mode == "all":
        return True
    if mode in ("free", "compatible"):
        return spec.tier == ("free" if mode == "free" else "custom")
    auth_type = {"oauth": Account.AuthType.OAUTH, "apikey": Account.AuthType.API_KEY}.get(mode)
    return account.auth_type == auth_type and spec.tier != "custom"


def verdict(result: validation.ValidationResult) -> Verdict:
    return Verdict(
        valid=bool(result.valid),
        status=result.status,
        error=result.error or None,
        warning=result.warning or None,
        latency_ms=result.latency_ms,
    )
