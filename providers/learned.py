"""What refusals taught: rows into quirks, and remedies that helped into rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import F

from providers.models import LearnedQuirk
from providers.refusals.remedies import Remedy, quirk_of
from providers.spec import Quirk

logger = logging.getLogger(__name__)

Lesson = tuple[str, str, str, str, str]
"""Provider, model, wire format, kind, field."""
MAX_REASON = 500
MAX_FIELD = 200
MAX_PER_MODEL = 40
MAX_PER_PROVIDER = 1000
"""Clients choose the names of parameters and of models: what they teach has a limit."""


def load() -> tuple[Mapping[str, tuple[Quirk, ...]], frozenset[Lesson]]:
    """The active ones as quirks by provider, and those that were switched off."""
    quirks: dict[str, tuple[Quirk, ...]] = {}
    barred: set[Lesson] = set()
    for row in LearnedQuirk.objects.order_by("pk"):
        if not row.is_active:
            barred.add((row.provider, row.model, row.format, row.kind, row.field))
            continue
        try:
            quirk = quirk_of(row.remedy, row.model, row.format)
        except (TypeError, ValueError):
            logger.warning("The learned quirk %s is unreadable and left out", row.pk)
            continue
        quirks[row.provider] = (*quirks.get(row.provider, ()), quirk)
    return quirks, frozenset(barred)


def is_memorable(remedy: Remedy) -> bool:
    """Holds later as well, and has a name that a row can hold."""
    return remedy.lasting and len(remedy.field) <= MAX_FIELD and remedy.field.isprintable()


def lesson_of(provider: str, model: str, format: str, remedy: Remedy) -> Lesson:
    return provider, model, format, remedy.kind, remedy.field


def remember(provider: str, model: str, format: str, helped: Sequence[tuple[Remedy, str]]) -> None:
    """Keep remedies that helped, each with the refusal. Blocking."""
    with transaction.atomic():
        for remedy, reason in helped:
            _remember(provider, model, format, remedy, reason)


def _remember(provider: str, model: str, format: str, remedy: Remedy, reason: str) -> None:
    """A newer value replaces the old one; a row that was switched off stays so."""
    key = {"provider": provider, "model": model, "format": format, "kind": remedy.kind, "field": remedy.field}
    known = LearnedQuirk.objects.filter(provider=provider)
    reason = reason.replace("\0", "").encode("utf-8", "replace").decode()[:MAX_REASON]
    row = known.filter(**key).first()
    if row is None:
        if known.count() < MAX_PER_PROVIDER and known.filter(model=model).count() < MAX_PER_MODEL:
            LearnedQuirk.objects.get_or_create(**key, defaults={"value": remedy.value, "reason": reason})
        return
    if not row.is_active:
        return
    known.filter(pk=row.pk).update(hits=F("hits") + 1)
    if row.value != remedy.value:
        row.value, row.reason = remedy.value, reason
        row.save(update_fields=["value", "reason"])
