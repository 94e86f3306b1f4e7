"""Reading what providers list, and remembering it: new models are there to be used, vanished ones are marked.

A list that cannot be read changes nothing. Of the catalog's own models only those are marked that were listed before:
many providers serve more than they list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.db import transaction
from django.utils import timezone

from omniroute.errors import GatewayError
from providers.listing.models import ListedModel, ModelSync
from providers.models import Account
from providers.spec import ModelSpec
from providers.validation import list_account_models

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class SyncResult:
    provider: str
    total: int = 0
    added: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    error: str = ""


async def sync(providers: Iterable[str]) -> list[SyncResult]:
    """Each provider by its first active account. Raises nothing for what a provider does."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(provider: str) -> SyncResult:
        async with slots:
            return await _sync(provider)

    return list(await asyncio.gather(*map(one, dict.fromkeys(providers))))


async def _sync(provider: str) -> SyncResult:
    account = (
        await Account.objects.filter(provider=provider, is_active=True).order_by("priority", "id").afirst()
    )
    try:
        listed = await list_account_models(account or Account(provider=provider, name="(no key)"))
    except GatewayError as error:
        return await sync_to_async(_fail)(provider, error.message)
    if not listed:
        return await sync_to_async(_fail)(provider, "The list is empty.")
    return await sync_to_async(remember)(provider, listed)


def _fail(provider: str, error: str) -> SyncResult:
    row = ModelSync.objects.filter(pk=provider).first() or ModelSync(provider=provider)
    row.synced_at, row.error = timezone.now(), error[:300]
    row.save()
    return SyncResult(provider, error=error)


def remember(provider: str, listed: Sequence[ModelSpec]) -> SyncResult:
    now = timezone.now()
    models = {model.id[:250]: model for model in listed}
    with transaction.atomic():
        known = {row.model_id: row for row in ListedModel.objects.filter(provider=provider)}
        added = [id for id in models if id not in known]
        vanished = [id for id, row in known.items() if id not in models and row.missing_since is None]
        ListedModel.objects.bulk_create(
            [_filled(ListedModel(provider=provider, model_id=id, first_seen=now), models[id]) for id in added]
        )
        seen = [_filled(row, models[id]) for id, row in known.items() if id in models]
        ListedModel.objects.bulk_update(
            seen, ["name", "kind", "context_window", "max_output_tokens", "missing_since"], batch_size=100
        )
        ListedModel.objects.filter(provider=provider, model_id__in=vanished).update(missing_since=now)
        # The one row that is saved by itself: whoever watches models notices.
        ModelSync(provider=provider, synced_at=now, total=len(models)).save()
    return SyncResult(provider, len(models), tuple(added), tuple(vanished))


def _filled(row: ListedModel, model: ModelSpec) -> ListedModel:
    row.name, row.kind = model.name[:250], model.kind
    row.context_window, row.max_output_tokens = model.context_window, model.max_output_tokens
    row.missing_since = None
    return row
