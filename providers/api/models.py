"""Management API of models: the catalog, and ids that were added by hand."""

from __future__ import annotations

from datetime import datetime

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from omniroute.schema import CamelModel, Line, StrictModel
from providers.accounts import find_spec
from providers.api.accounts import required_spec
from providers.config import load
from providers.listing.sync import sync
from providers.models import CustomModel

router = Router(tags=["Models"], by_alias=True)


class CatalogModel(CamelModel):
    id: str
    name: str
    type: str
    custom: bool = False
    available: bool = True
    """False: it vanished from the provider's own list."""
    alias_of: str | None = None
    """Another name for this model."""


class CatalogProvider(CamelModel):
    provider: str
    name: str
    tier: str
    active: bool
    """It has an account that is switched on, or needs none."""
    models: list[CatalogModel]


class Catalog(CamelModel):
    catalog: dict[str, CatalogProvider]
    """By the prefix that clients write."""


class AddedModelIn(StrictModel):
    provider: Line = ""
    model_id: Line = ""
    model_name: Line = ""
    type: CustomModel.Kind = CustomModel.Kind.CHAT


class AddedModel(CamelModel):
    id: str
    name: str
    provider: str
    type: str


class AddedModelBody(CamelModel):
    model: AddedModel


class AddedModels(CamelModel):
    models: list[AddedModel] | dict[str, list[AddedModel]]


class Removed(CamelModel):
    removed: bool


@router.get("/models/catalog", response=Catalog)
def get_catalog(request: HttpRequest) -> Catalog:
    """Every provider's models with their kinds, and whether an account makes them usable."""
    config = load()
    custom = set(CustomModel.objects.values_list("provider", "model_id"))
    return Catalog(
        catalog={
            spec.shown_prefix: CatalogProvider(
                provider=spec.id,
                name=spec.name,
                tier=spec.tier,
                active=config.is_connected(spec.id),
                models=[
                    CatalogModel(
                        id=name,
                        name=model.name or model.id,
                        type=model.kind,
                        custom=(spec.id, name) in custom,
                        available=not model.missing,
                        alias_of=model.id if name != model.id else None,
                    )
                    for name, model in spec.named_models()
                ],
            )
            for spec in config.specs.values()
        }
    )


class SyncIn(StrictModel):
    provider: Line = ""
    """Empty: every provider with an account."""


class Synced(CamelModel):
    provider: str
    total: int
    added: list[str]
    vanished: list[str]
    error: str | None


class ModelsSynced(CamelModel):
    results: list[Synced]
    synced_at: datetime


@router.post("/models/sync", response=ModelsSynced)
def sync_models(request: HttpRequest, body: SyncIn) -> ModelsSynced:
    """Read what providers list: new models are there to be used from now on, vanished ones are marked. Read once, a
    list is read again every day."""
    wanted = [required_spec(body.provider).id] if body.provider else list(load().accounts)
    results = async_to_sync(sync)(wanted)
    return ModelsSynced(
        results=[
            Synced(
                provider=result.provider,
                total=result.total,
                added=list(result.added),
                vanished=list(result.vanished),
                error=result.error or None,
            )
            for result in results
        ],
        synced_at=timezone.now(),
    )


@router.get("/provider-models", response=AddedModels)
def list_added_models(request: HttpRequest, provider: str = "") -> AddedModels:
    """The models that were added by hand: of one provider as a list, else of all as a map by provider."""
    if provider:
        spec = find_spec(provider)
        rows = CustomModel.objects.filter(provider=spec.id) if spec else CustomModel.objects.none()
        return AddedModels(models=[_shown(row) for row in rows])
    groups: dict[str, list[AddedModel]] = {}
    for row in CustomModel.objects.all():
        groups.setdefault(row.provider, []).append(_shown(row))
    return AddedModels(models=groups)


@router.post("/provider-models", response=AddedModelBody)
def add_model(request: HttpRequest, body: AddedModelIn) -> AddedModelBody:
    """Add any model id to a provider, or rename one that was added before."""
    if not body.provider or not body.model_id:
        missing = "provider" if not body.provider else "model_id"
        raise ValidationError({missing: "provider and modelId are required"})
    spec = required_spec(body.provider)
    row = CustomModel.objects.filter(provider=spec.id, model_id=body.model_id).first()
    row = row or CustomModel(provider=spec.id, model_id=body.model_id)
    row.name, row.kind = body.model_name, body.type
    row.full_clean()
    row.save()
    return AddedModelBody(model=_shown(row))


@router.delete("/provider-models", response=Removed)
def remove_model(request: HttpRequest, provider: str = "", model: str = "") -> Removed:
    """Take back a model that was added by hand."""
    if not provider or not model:
        raise ValidationError({"model" if provider else "provider": "provider and model are required"})
    spec = find_spec(provider)
    row = CustomModel.objects.filter(provider=spec.id if spec else provider, model_id=model).first()
    if row:
        row.delete()
    return Removed(removed=row is not None)


def _shown(row: CustomModel) -> AddedModel:
    return AddedModel(id=row.model_id, name=row.name or row.model_id, provider=row.provider, type=row.kind)
