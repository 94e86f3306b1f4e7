"""Management API of prices. USD per million tokens; what is sold by the piece, by the piece."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from ninja import Body, Router
from pydantic.alias_generators import to_camel

from billing.models import Price
from billing.pricing.fields import LONG_START, SPELLINGS, as_json, columns_of_override
from gateway.pricing.prices import defaults, inherited
from omniroute.errors import InvalidRequest, NotFound
from providers.config import load_specs, prefixes_of
from providers.spec import ProviderSpec

router = Router(tags=["Prices"])

Table = dict[str, dict[str, dict[str, Any]]]
"""Provider -> model -> prices."""
_HIGHEST = Decimal(10**6)


@router.get("/pricing", response=Table)
def get_prices(request: HttpRequest, provider: str = "") -> Table:
    """Built-in prices with the administrator's own over them. Models may be patterns there."""
    specs = _wanted(provider)
    merged = {id: _defaults(spec) for id, spec in specs.items()}
    for row in Price.objects.all():
        if not provider or row.provider in specs:
            prices = as_json(columns_of_override(row)) | {"source": "override"}
            merged.setdefault(row.provider, {})[row.model] = prices
    return {id: models for id, models in merged.items() if models}


@router.get("/pricing/defaults", response=Table)
def get_default_prices(request: HttpRequest, provider: str = "") -> Table:
    """Built-in prices alone."""
    found = {id: _defaults(spec) for id, spec in _wanted(provider).items()}
    return {id: models for id, models in found.items() if models}


@router.get("/pricing/models", response=dict[str, Any])
def get_priced_models(request: HttpRequest, provider: str = "") -> dict[str, Any]:
    """Every provider's models, and where the price of each comes from: `override`, `dataset`, or null."""
    overrides = {(row.provider, row.model) for row in Price.objects.all()}
    listed = []
    for id, spec in _wanted(provider).items():
        defaults = _defaults(spec)
        names = dict.fromkeys([*(model.id for model in spec.models), *defaults])
        names |= dict.fromkeys(model for owner, model in overrides if owner == id)
        models = [
            {
                "id": name,
                "source": "override" if (id, name) in overrides else "dataset" if name in defaults else None,
            }
            for name in names
        ]
        if models:
            listed.append({"provider": id, "name": spec.name, "models": models})
    return {"providers": listed}


@router.patch("/pricing", response=dict[str, Any])
@router.post("/pricing", response=dict[str, Any], operation_id="post_prices")
def set_prices(request: HttpRequest, body: Body[dict[str, Any]]) -> dict[str, Any]:
    """`{provider: {model: {"input", "output", "cached", "cache_creation", "reasoning", ...}}}`.

    What is left out keeps its price; null takes a price of its own back.
    """
    specs = load_specs()
    prefixes = prefixes_of(specs)
    saved: Table = {}
    with transaction.atomic():
        for provider, models in body.items():
            id = prefixes.get(provider) or prefixes.get(provider.lower())
            if id is None:
                raise InvalidRequest(f"There is no provider {provider[:60]!r}", param=provider[:60])
            for model, prices in _object(models, provider).items():
                where = f"{provider}.{model}"[:200]
                row = _set(specs[id], model, _object(prices, where), where)
                saved.setdefault(id, {})[model] = as_json(columns_of_override(row)) | {"source": "override"}
    if not saved:
        raise InvalidRequest("Expected {provider: {model: {prices}}}")
    return {"success": True, "pricing": saved}


def _set(spec: ProviderSpec, model: str, prices: Mapping[str, Any], where: str) -> Price:
    if not 0 < len(model) <= 200:
        raise InvalidRequest(f"{where}: a model's name has 1 to 200 characters", param=where)
    row = Price.objects.filter(provider=spec.id, model=model).first()
    row = row or inherited(spec, model)
    for name, value in prices.items():
        if name == "source":
            continue
        if name in (LONG_START, to_camel(LONG_START)):
            row.long_start = _count(value, f"{where}.{name}")
        elif name in SPELLINGS:
            setattr(row, SPELLINGS[name].column, _price(value, f"{where}.{name}"))
        else:
            raise InvalidRequest(f"{where}.{name}: unknown price", param=f"{where}.{name}")
    for name in ("input", "output"):
        if getattr(row, name) is None:
            raise InvalidRequest(f"{where}.{name}: a price is needed", param=f"{where}.{name}")
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidRequest(f"{where}: {' '.join(error.messages)}", param=where) from None
    row.save()
    return row


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where}: expected an object", param=where[:200])
    return value


def _price(value: Any, where: str) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _HIGHEST:
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    raise InvalidRequest(f"{where}: expected a number of USD, 0 or more", param=where)


def _count(value: Any, where: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31):
        return value
    raise InvalidRequest(f"{where}: expected a number of tokens", param=where)


@router.delete("/pricing", response=dict[str, Any])
def reset_prices(request: HttpRequest, provider: str = "", model: str = "") -> dict[str, Any]:
    """Back to the built-in prices: of one model, of a provider, or of all."""
    rows = Price.objects.all()
    if provider:
        rows = rows.filter(provider=_id(provider))
    if model:
        rows = rows.filter(model=model)
    found = list(rows)
    if model and not found:
        raise NotFound("There is no price of your own for this model")
    for row in found:
        row.delete()
    return {"success": True, "deleted": len(found)}


def _id(provider: str) -> str:
    prefixes = prefixes_of(load_specs())
    return prefixes.get(provider) or prefixes.get(provider.lower()) or provider


def _wanted(provider: str) -> dict[str, ProviderSpec]:
    specs = load_specs()
    if not provider:
        return specs
    id = _id(provider)
    if id not in specs:
        raise NotFound(f"There is no provider {provider[:60]!r}")
    return {id: specs[id]}


def _defaults(spec: ProviderSpec) -> dict[str, dict[str, Any]]:
    return {model: as_json(columns) | {"source": "dataset"} for model, columns in defaults(spec).items()}
