"""What the product's own commands share."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def is_up_to_date() -> bool:
    """Has the database every migration of this version?"""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


class DatabaseCommand(BaseCommand):
    """A command that needs a database of this version. Says so where there is another one, or none."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not is_up_to_date():
            raise CommandError(
                "The database is not that of this version. `omniroute serve` brings it up to date when it starts, "
                "and so does `omniroute migrate`."
            )
        return super().execute(*args, **options)
