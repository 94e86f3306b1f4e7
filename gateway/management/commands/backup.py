"""`omniroute backup`: the database into a file, while the gateway runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from gateway.backups import shelf
from gateway.backups.writing import write_backup
from omniroute.commands import DatabaseCommand
from omniroute.errors import GatewayError


class Command(DatabaseCommand):
    help = "Back up the database, and print where. Credentials are in it, encrypted: keep DATA_DIR's keys with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="A file (default: a new one in DATA_DIR/db_backups).")
        parser.add_argument("--no-history", action="store_true", help="The configuration alone.")

    def handle(self, *args: Any, output: Path | None, no_history: bool, **options: Any) -> None:
        try:
            if output is None:
                made = shelf.make("manual", history=not no_history)
                assert made is not None
                shelf.prune()
                output = made.path
            else:
                write_backup(output.absolute(), history=not no_history)
        except (GatewayError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(output))
