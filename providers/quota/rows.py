"""Windows between memory and database. Blocking, but for `follow`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, transaction

from providers.cooling import account_key
from providers.models import Account, QuotaWindow
from providers.quota import Window, store

logger = logging.getLogger(__name__)

FOLLOW_S = 5.0
"""How old at most the windows are that another process learned."""
_COLUMNS = (
    *("key", "label", "kind", "used_percent", "used", "limit", "remaining", "unlimited", "resets_at"),
    *("paid_extra", "source", "fetched_at"),
)
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def of_account(account: int) -> list[Window]:
    return [window_of(row) for row in QuotaWindow.objects.filter(account_id=account)]


def save(account: int, windows: Iterable[Window], *, whole: bool) -> None:
    """`whole`: what is not among them is gone, but for what is counted here. Nothing is written for an account that is
    gone itself."""
    found = list(windows)
    with transaction.atomic():
        if not Account.objects.filter(pk=account).exists():
            return
        rows = QuotaWindow.objects.filter(account_id=account)
        if whole:
            others = rows.exclude(source="counted")
            others.exclude(key__in=[window.key for window in found]).delete()
        for window in found:
            values = {name: getattr(window, name) for name in _COLUMNS}
            values |= {"key": window.key[:200], "label": window.label[:200]}
            values["scope_models"] = list(window.scope_models)
            rows.update_or_create(account_id=account, key=values.pop("key"), defaults=values)


def load(since: datetime | None = None) -> datetime:
    """Put the accounts whose rows are newer into this process's memory. Return the newest moment that was seen."""
    newest = since or _BEGINNING
    changed = QuotaWindow.objects.filter(fetched_at__gt=newest).values_list("account_id", flat=True)
    rows: dict[int, list[Window]] = {}
    for row in QuotaWindow.objects.filter(account_id__in=set(changed)):
        rows.setdefault(row.account_id, []).append(window_of(row))
    for account, windows in rows.items():
        store.adopt(account_key(account), windows)
        newest = max(newest, *(window.fetched_at for window in windows))
    return newest


async def follow() -> None:
    """Keep memory as new as the rows, until cancelled."""
    seen: datetime | None = None
    while True:
        try:
            seen = await sync_to_async(_load_in_thread)(seen)
        except DatabaseError as error:
            logger.warning("Quota windows could not be read: %s", error)
        await asyncio.sleep(FOLLOW_S)


def _load_in_thread(since: datetime | None) -> datetime:
    close_old_connections()
    return load(since)


def window_of(row: QuotaWindow) -> Window:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return Window(**values, scope_models=tuple(row.scope_models))
