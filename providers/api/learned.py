"""Management API of learned quirks: what refusals taught, and how to take it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router

from omniroute.errors import NotFound
from omniroute.schema import CamelModel, StrictModel, row_id
from providers.models import LearnedQuirk

router = Router(tags=["Learned quirks"], by_alias=True)


class LearnedOut(CamelModel):
    id: str
    provider: str
    model: str
    format: str
    kind: LearnedQuirk.Kind
    field: str
    value: Any
    """The new name (rename), [least, most] (clamp), the known words (one_of)."""
    effect: str
    reason: str
    """The provider's words."""
    hits: int
    is_active: bool
    learned_at: datetime


class LearnedList(CamelModel):
    learned_quirks: list[LearnedOut]


class LearnedBody(CamelModel):
    learned_quirk: LearnedOut


class LearnedPatch(StrictModel):
    is_active: bool


class QuirksForgotten(CamelModel):
    forgotten: int


@router.get("/learned-quirks", response=LearnedList)
def list_learned(request: HttpRequest, provider: str = "", model: str = "") -> LearnedList:
    """What providers refused, and what is changed about requests since then."""
    return LearnedList(learned_quirks=[_shown(row) for row in _chosen(provider, model)])


@router.patch("/learned-quirks/{id}", response=LearnedBody)
def switch_learned(request: HttpRequest, id: str, body: LearnedPatch) -> LearnedBody:
    """One that is switched off is neither applied nor learned again."""
    row = _required(id)
    row.is_active = body.is_active
    row.save(update_fields=["is_active"])
    return LearnedBody(learned_quirk=_shown(row))


@router.delete("/learned-quirks/{id}", response=QuirksForgotten)
def forget_one(request: HttpRequest, id: str) -> QuirksForgotten:
    """It is learned again when the provider refuses again."""
    _required(id).delete()
    return QuirksForgotten(forgotten=1)


@router.delete("/learned-quirks", response=QuirksForgotten)
def forget_all(request: HttpRequest, provider: str = "", model: str = "") -> QuirksForgotten:
    """All, or those of one provider or model."""
    count, _ = _chosen(provider, model).delete()
    return QuirksForgotten(forgotten=count)


def _chosen(provider: str, model: str) -> QuerySet[LearnedQuirk]:
    rows = LearnedQuirk.objects.all()
    if provider:
        rows = rows.filter(provider=provider)
    return rows.filter(model=model) if model else rows


def _required(id: str) -> LearnedQuirk:
    row = LearnedQuirk.objects.filter(pk=row_id(id)).first()
    if row is None:
        raise NotFound("There is no such learned quirk")
    return row


def _shown(row: LearnedQuirk) -> LearnedOut:
    return LearnedOut(
        id=str(row.pk),
        provider=row.provider,
        model=row.model,
        format=row.format,
        kind=LearnedQuirk.Kind(row.kind),
        field=row.field,
        value=row.value,
        effect=str(row.remedy),
        reason=row.reason,
        hits=row.hits,
        is_active=row.is_active,
        learned_at=row.learned_at,
    )
