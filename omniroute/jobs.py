"""Periodic background jobs: a function each, in its app's `tasks.py`, found at start.

    @job("Renew tokens", minutes=1)
    def renew_tokens() -> None: ...

Each becomes a row of django-q2's schedule when the database is migrated, which every start of `serve` does. A row that
is there is left alone: its interval can be changed in the admin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS

Run = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Job:
    title: str
    minutes: int
    path: str
    """Dotted, as the schedule calls it."""


_jobs: dict[str, Job] = {}


def job(title: str, *, minutes: int) -> Callable[[Run], Run]:
    """Register the function to run every so many minutes."""

    def register(run: Run) -> Run:
        path = f"{run.__module__}.{run.__name__}"
        _jobs[path] = Job(title, minutes, path)
        return run

    return register


def schedule(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """A receiver of `post_migrate`, which is sent for each app."""
    if sender.label == "django_q":
        schedule_all(using)


def schedule_all(database: str = DEFAULT_DB_ALIAS) -> None:
    """Write the rows that are missing."""
    from django_q.models import Schedule

    rows = Schedule.objects.using(database)
    known = set(rows.values_list("func", flat=True))
    rows.bulk_create(
        Schedule(
            name=each.title,
            func=each.path,
            schedule_type=Schedule.MINUTES,
            minutes=each.minutes,
        )
        for each in _jobs.values()
        if each.path not in known
    )
