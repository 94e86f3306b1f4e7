"""Deletes what is older, or more, than the settings keep.

In small batches with pauses between them: SQLite has one writer, and requests' accounting must not wait for long.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Model, QuerySet

from billing.models import DailyUsage, KeptAnswer, RequestLog, UsageRecord, UsageSettings, UsageTotal
from billing.usage import kept_answers, request_logs
from billing.usage.rollups import KEPT

logger = logging.getLogger(__name__)

BATCH = 500
PAUSE_S = 0.02
TIME_S = 200.0
"""What is left by then waits for the next run."""


def prune(now: datetime | None = None) -> dict[str, int]:
    """How many rows of what were deleted."""
    now = now or datetime.now(UTC)
    settings = UsageSettings.load()
    deadline = time.monotonic() + TIME_S
    deleted = {"request log files": _prune_files(settings, now)}
    for name, rows in _overdue(settings, now):
        deleted[name] = deleted.get(name, 0) + _delete(rows, deadline)
    found = {name: count for name, count in deleted.items() if count}
    if found:
        logger.info(
            "Deleted of the history: %s", ", ".join(f"{count} {name}" for name, count in found.items())
        )
    return found


def _overdue(settings: UsageSettings, now: datetime) -> Iterable[tuple[str, QuerySet[Any]]]:
    """Rows that are to go, by the index that finds them."""
    requests = UsageRecord.objects.order_by("created_at")
    logs = RequestLog.objects.order_by("created_at")
    for name, rows, days, count in (
        ("requests", requests, settings.keep_requests_days, settings.keep_requests_rows),
        ("request logs", logs, settings.keep_logs_days, settings.keep_logs_rows),
    ):
        if days:
            yield name, rows.filter(created_at__lt=now - timedelta(days=days))
        if count and (newest := _nth_newest(rows, count)):
            yield name, rows.filter(created_at__lte=newest)
    if settings.keep_daily_days:
        first = now - timedelta(days=settings.keep_daily_days)
        yield "daily figures", DailyUsage.objects.filter(day__lt=first.date()).order_by("day")
        yield "daily figures", UsageTotal.objects.filter(span="day", start__lt=first).order_by("start")
    forgotten = KeptAnswer.objects.filter(created_at__lt=now - kept_answers.KEPT).order_by("created_at")
    yield "ids of answers", forgotten
    for span, kept in KEPT.items():
        yield f"{span}s", UsageTotal.objects.filter(span=span, start__lt=now - kept).order_by("start")


def _nth_newest(rows: QuerySet[Any], count: int) -> datetime | None:
    """The moment of the newest row that is too many."""
    moment: datetime | None = (
        rows.order_by("-created_at").values_list("created_at", flat=True)[count:].first()
    )
    return moment


def _delete(rows: QuerySet[Any], deadline: float) -> int:
    model: type[Model] = rows.model
    deleted = 0
    while time.monotonic() < deadline:
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        if keys:
            batch = model._default_manager.filter(pk__in=keys)
            deleted += batch._raw_delete(batch.db)
        if len(keys) < BATCH:
            break
        time.sleep(PAUSE_S)
    return deleted


def _prune_files(settings: UsageSettings, now: datetime) -> int:
    """Whole days at a time."""
    if not settings.keep_logs_days:
        return 0
    first = (now - timedelta(days=settings.keep_logs_days)).date()
    gone = [day for day in request_logs.days() if day < first]
    for day in gone:
        shutil.rmtree(request_logs.folder() / day.isoformat(), ignore_errors=True)
    return len(gone)
