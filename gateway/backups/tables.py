"""Which rows a backup holds.

A model says so by `in_backups`: "history" may be left out (it can be millions of rows), "never" is what only the
running gateway has a use for. Everything else of the product's own apps is configuration. Users of the admin and their
sessions are in no backup: a file must not decide who may log in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Max, Model

APPS = ("resilience", "providers", "combos", "billing", "gateway")
META = "omniroute_backup"
"""The table that tells a backup of this product from other databases: name, value."""
_BATCH = 2000
_PASSING = frozenset({"last_used_at", "refresh_lease", "refresh_lease_until"})
"""Columns that change by mere use. For their sake alone nobody wants a backup."""


def all_models() -> list[type[Model]]:
    return [
        model
        for label in APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def part_of(model: type[Model]) -> str:
    return getattr(model, "in_backups", "configuration")


def models_of(part: str) -> list[type[Model]]:
    return [model for model in all_models() if part_of(model) == part]


def columns_of(model: type[Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields]


def select(model: type[Model], order_by: str = "") -> str:
    """Every row as the database has it, encrypted columns encrypted."""
    names = ", ".join(f'"{name}"' for name in columns_of(model))
    order = f' ORDER BY "{order_by}"' if order_by else ""
    return f'SELECT {names} FROM "{model._meta.db_table}"{order}'  # noqa: S608


def stored_rows(model: type[Model], order_by: str = "") -> Iterator[list[tuple[Any, ...]]]:
    """In batches, without holding a long table in memory."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(select(model, order_by))
        while batch := cursor.fetchmany(_BATCH):
            yield batch


def digest() -> str:
    """Changes with every change of what a backup holds. Of the history, which only grows, the end is looked at."""
    hashing = hashlib.sha256()
    for model in models_of("configuration"):
        columns = columns_of(model)
        hashing.update(f"{model._meta.db_table} {columns}".encode())
        places = [place for place, name in enumerate(columns) if name not in _PASSING]
        for batch in stored_rows(model, str(model._meta.pk.column)):
            for row in batch:
                hashing.update(repr([row[place] for place in places]).encode())
    for model in models_of("history"):
        newest = model._default_manager.aggregate(newest=Max(model._meta.pk.name))["newest"]
        hashing.update(f"{model._meta.db_table} {newest}".encode())
    return hashing.hexdigest()
