"""Management API of model names: every `prefix/model`, and the aliases that stand for them."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router

from combos.models import ModelAlias
from combos.rules import save_alias
from omniroute.errors import NotFound
from omniroute.schema import CamelModel, Line, StrictModel, Success
from providers.config import load

router = Router(tags=["Models"], by_alias=True)


class KnownModel(CamelModel):
    provider: str
    model: str
    name: str
    type: str
    full_model: str
    """What clients send."""
    alias: str | None
    """An alias that stands for it, if there is one."""
    available: bool
    """Its provider has an account that is switched on, or needs none."""


class KnownModels(CamelModel):
    models: list[KnownModel]


class Aliases(CamelModel):
    aliases: dict[str, str]


class AliasIn(StrictModel):
    model: Line = ""
    alias: Line = ""


class AliasSaved(CamelModel):
    success: bool = True
    model: str
    alias: str


@router.get("/models", response=KnownModels)
def list_models(request: HttpRequest) -> KnownModels:
    """Every model that is known, with the aliases that lead to it."""
    config = load()
    aliases = {alias.target: alias.pattern for alias in ModelAlias.objects.filter(is_active=True)}
    known = []
    for spec in config.specs.values():
        for model in spec.models:
            full = f"{spec.shown_prefix}/{model.id}"
            known.append(
                KnownModel(
                    provider=spec.id,
                    model=model.id,
                    name=model.name or model.id,
                    type=model.kind,
                    full_model=full,
                    alias=aliases.get(full) or aliases.get(f"{spec.id}/{model.id}"),
                    available=config.is_connected(spec.id),
                )
            )
    return KnownModels(models=known)


@router.get("/models/alias", response=Aliases)
def list_aliases(request: HttpRequest) -> Aliases:
    """Alias, or pattern with `*` and `?`, -> the model or combo that it stands for."""
    return Aliases(aliases=dict(ModelAlias.objects.filter(is_active=True).values_list("pattern", "target")))


@router.put("/models/alias", response=AliasSaved)
def put_alias(request: HttpRequest, body: AliasIn) -> AliasSaved:
    """Make an alias, or lead one elsewhere."""
    if not body.model or not body.alias:
        raise ValidationError({"alias" if body.model else "model": "model and alias are required"})
    alias = save_alias(body.alias, body.model)
    return AliasSaved(model=alias.target, alias=alias.pattern)


@router.delete("/models/alias", response=Success)
def delete_alias(request: HttpRequest, alias: str = "") -> Success:
    """Delete an alias."""
    if not alias:
        raise ValidationError({"alias": "alias is required"})
    row = ModelAlias.objects.filter(pattern=alias).first()
    if row is None:
        raise NotFound("Alias not found")
    row.delete()
    return Success()
