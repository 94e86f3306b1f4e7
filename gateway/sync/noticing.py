"""Notices that something shared was changed here: when, so that the later change wins, and to sync soon after."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Q
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from gateway.models import SyncObject, SyncSettings
from gateway.sync.groups import kinds_of
from gateway.sync.muting import is_muted
from omniroute import portable

TASK = "gateway.tasks.sync_soon"
LOST_AFTER = timedelta(minutes=2)
"""A task that was queued so long ago and did not begin is not waited for."""


def watch_models() -> None:
    """Settings are edited by proxy models, too, which send signals of their own."""
    watched = {each.model for each in portable.kinds().values()}
    for each in portable.kinds().values():
        for name in each.children:
            related: Any = each.model._meta.get_field(name).related_model
            watched.add(related)
    for model in apps.get_models():
        if model._meta.concrete_model in watched:
            post_save.connect(_on_change, sender=model, dispatch_uid=f"sync-save-{model._meta.label}")
            post_delete.connect(_on_change, sender=model, dispatch_uid=f"sync-delete-{model._meta.label}")


def _on_change(sender: type[models.Model], instance: models.Model, raw: bool = False, **kwargs: Any) -> None:
    if raw or is_muted():
        return
    groups = SyncSettings.objects.filter(is_enabled=True).values_list("groups", flat=True).first()
    if groups is None:
        return
    for kind, each in kinds_of(groups).items():
        if each.model is sender._meta.concrete_model:
            _note(kind, portable.key_of(instance, kind))
        elif whole := _whole(each, sender, instance):
            _note(kind, portable.key_of(whole, kind))
    transaction.on_commit(queue, robust=True)


def _whole(
    each: portable.Portable, sender: type[models.Model], instance: models.Model
) -> models.Model | None:
    """The row whose child changed."""
    for name in each.children:
        relation: Any = each.model._meta.get_field(name)
        if relation.related_model is sender:
            return each.model._default_manager.filter(pk=getattr(instance, relation.field.attname)).first()
    return None


def _note(kind: str, key: str) -> None:
    moment = round(time.time() * 1000)
    SyncObject.objects.update_or_create(kind=kind, key=key, defaults={"edited_at": moment})


def queue() -> None:
    """Have the background worker sync. What changes until it begins is part of the same sync."""
    now = timezone.now()
    waiting = Q(queued_at=None) | Q(queued_at__lt=now - LOST_AFTER)
    if SyncSettings.objects.filter(waiting, is_enabled=True).update(queued_at=now):
        from django_q.tasks import async_task  # here: it reaches for its broker when it is imported

        async_task(TASK)  # type: ignore[no-untyped-call]
