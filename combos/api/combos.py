"""Management API of combos."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from combos import rules
from combos.api.settings import ComboConfig
from combos.models import Combo, ComboTarget
from combos.validation import Names, known_names
from omniroute.errors import NotFound
from omniroute.schema import CamelModel, Count, Line, ModelName, Name, StrictModel, Success, row_id

router = Router(tags=["Combos"], by_alias=True)


class TargetModel(StrictModel):
    model: ModelName
    weight: Count = 1
    is_active: bool = True


class ComboIn(StrictModel):
    name: Name
    models: Annotated[list[ModelName | TargetModel], Field(max_length=200)] = []
    strategy: Name = "priority"
    description: Line = ""
    is_active: bool = True
    config: ComboConfig = ComboConfig()


class ComboOut(CamelModel):
    id: str
    name: str
    models: list[str | TargetModel]
    strategy: str
    description: str
    is_active: bool
    config: ComboConfig
    warnings: list[str]
    """Targets that cannot be used as things stand, and why. They are passed over until that changes."""
    created_at: datetime
    updated_at: datetime


class ComboPatch(StrictModel):
    shown_as = ComboOut

    name: Name | None = None
    models: Annotated[list[ModelName | TargetModel], Field(max_length=200)] | None = None
    strategy: Name | None = None
    description: Line | None = None
    is_active: bool | None = None
    config: ComboConfig | None = None


class ComboList(CamelModel):
    combos: list[ComboOut]


@router.get("/combos", response=ComboList)
def list_combos(request: HttpRequest) -> ComboList:
    """All combos with their targets."""
    names = known_names()
    return ComboList(combos=[_shown(combo, names) for combo in Combo.objects.prefetch_related("targets")])


@router.post("/combos", response={201: ComboOut})
def create_combo(request: HttpRequest, body: ComboIn) -> Status[ComboOut]:
    """`models` takes `provider/model`, names of other combos, and `{model, weight}`."""
    combo = Combo(name=body.name)
    return Status(201, _save(combo, ComboPatch(**dict(body))))


@router.get("/combos/{id}", response=ComboOut)
def get_combo(request: HttpRequest, id: str) -> ComboOut:
    """One combo."""
    return _shown(_find(id), known_names())


@router.put("/combos/{id}", response=ComboOut)
def update_combo(request: HttpRequest, id: str, body: ComboPatch) -> ComboOut:
    """Only the fields that are present change. Combos and aliases that use it follow a new name."""
    return _save(_find(id), body)


@router.delete("/combos/{id}", response=Success)
def delete_combo(request: HttpRequest, id: str) -> Success:
    """Delete a combo. Combos and aliases that name it stay, and skip it."""
    _find(id).delete()
    return Success()


def _find(id: str) -> Combo:
    combo = Combo.objects.filter(pk=row_id(id)).first()
    if combo is None:
        raise NotFound("Combo not found")
    return combo


def _save(combo: Combo, body: ComboPatch) -> ComboOut:
    for name in ("name", "description", "is_active"):
        if (value := getattr(body, name)) is not None:
            setattr(combo, name, value)
    if body.strategy is not None:
        combo.strategy = body.strategy.replace("-", "_")
    if body.config is not None:
        body.config.apply(combo)
    targets = None
    if body.models is not None:
        targets = [
            rules.Target(item)
            if isinstance(item, str)
            else rules.Target(item.model, item.weight, item.is_active)
            for item in body.models
        ]
    return _shown(rules.save_combo(combo, targets), known_names())


def _shown(combo: Combo, names: Names) -> ComboOut:
    targets = combo.targets.all()
    return ComboOut(
        id=str(combo.pk),
        name=combo.name,
        models=[_shown_target(target) for target in targets],
        strategy=combo.strategy.replace("_", "-"),
        description=combo.description,
        is_active=combo.is_active,
        config=ComboConfig.of(combo),
        warnings=rules.target_warnings([target.model for target in targets], names),
        created_at=combo.created_at,
        updated_at=combo.updated_at,
    )


def _shown_target(target: ComboTarget) -> str | TargetModel:
    """The short form wherever it says everything."""
    if target.weight == 1 and target.is_active:
        return target.model
    return TargetModel(model=target.model, weight=target.weight, is_active=target.is_active)
