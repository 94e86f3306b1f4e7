"""Management API of fallback chains, in both shapes: providers for one model, and models for every request."""

from __future__ import annotations

from typing import Annotated

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictBool

from combos.models import FallbackChain, FallbackEntry
from combos.rules import Fallback, save_chain
from omniroute.errors import NotFound
from omniroute.schema import CamelModel, Line, ModelName, Name, StrictModel, Success

router = Router(tags=["Routing"], by_alias=True)


class ChainEntry(StrictModel):
    provider: ModelName
    """Asked for the same model; also taken: `provider/model`, or a combo."""
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """The lowest is asked first."""
    enabled: StrictBool = True


class ChainIn(StrictModel):
    """`model` and `chain`: the providers of one model. `name` and `models`: what every request falls back on."""

    model: Line = ""
    chain: Annotated[list[ChainEntry], Field(max_length=200)] = []
    name: Name | None = None
    models: Annotated[list[ModelName], Field(max_length=200)] = []
    is_active: StrictBool = True


class NamedChain(CamelModel):
    name: str
    model: str
    """Empty: for every request."""
    models: list[str]
    is_active: bool


class Chains(CamelModel):
    chains: dict[str, list[ChainEntry]]
    """Those of a single model, by its name."""
    named: list[NamedChain]
    """All of them."""


class ChainGone(StrictModel):
    model: Line = ""
    name: Line = ""


@router.get("/fallback/chains", response=Chains)
def list_chains(request: HttpRequest) -> Chains:
    """What is tried when everything that a request named has failed: for one model, or for every request."""
    rows = list(FallbackChain.objects.prefetch_related("entries"))
    return Chains(
        chains={
            row.model: [_entry(entry, place) for place, entry in enumerate(row.entries.all(), 1)]
            for row in rows
            if row.model
        },
        named=[_named(row) for row in rows],
    )


@router.post("/fallback/chains", response=NamedChain)
def put_chain(request: HttpRequest, body: ChainIn) -> NamedChain:
    """Make a chain, or replace the one of this model or name."""
    if not body.model and not body.name:
        raise ValidationError({"model": "Name the model that falls back, or give the chain a name."})
    entries = [
        Fallback(each.provider, each.enabled) for each in sorted(body.chain, key=lambda each: each.priority)
    ]
    entries += [Fallback(model) for model in body.models]
    name = body.name or body.model[:120]
    return _named(save_chain(name, body.model, entries, is_active=body.is_active))


@router.delete("/fallback/chains", response=Success)
def delete_chain(
    request: HttpRequest, body: ChainGone | None = None, model: str = "", name: str = ""
) -> Success:
    """By `model` or `name`, in the body or in the query."""
    model, name = (body.model if body else "") or model, (body.name if body else "") or name
    if not model and not name:
        raise ValidationError({"model": "model or name is required"})
    found = FallbackChain.objects.filter(**({"model": model} if model else {"name": name})).first()
    if found is None:
        raise NotFound("There is no such fallback chain")
    with transaction.atomic():
        found.delete()
    return Success()


def _entry(entry: FallbackEntry, place: int) -> ChainEntry:
    return ChainEntry(provider=entry.target, priority=place, enabled=entry.is_active)


def _named(row: FallbackChain) -> NamedChain:
    entries = row.entries.order_by("position", "id")
    return NamedChain(
        name=row.name,
        model=row.model,
        models=[entry.target for entry in entries if entry.is_active],
        is_active=row.is_active,
    )
