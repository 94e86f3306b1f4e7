"""When the background worker syncs: at an interval, soon after a change, and less often while the peer is away."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from gateway.models import SyncSettings
from gateway.sync.errors import SyncError
from gateway.sync.flow import synchronise


def by_schedule() -> str:
    row, now = SyncSettings.load(), timezone.now()
    if not row.is_enabled:
        return "off"
    interval = timedelta(minutes=row.interval_minutes) - timedelta(seconds=20)
    if row.tried_at and now - row.tried_at < interval:
        return "not due"
    return _run(row, "schedule")


def after_change() -> str:
    """What is changed from now on is for the next one."""
    SyncSettings.objects.filter(pk=1).update(queued_at=None)
    row = SyncSettings.load()
    return _run(row, "change") if row.is_enabled else "off"


def _run(row: SyncSettings, cause: str) -> str:
    if row.next_try_at and timezone.now() < row.next_try_at:
        return "waiting for the peer"
    try:
        run = synchronise(cause)
    except SyncError as error:
        return error.message
    return f"sent {len(run.sent)}, took {len(run.taken)}"
