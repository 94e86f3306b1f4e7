"""`omniroute export_all`: everything but credentials, to share."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from gateway.backups.archive import write_archive
from omniroute.commands import DatabaseCommand
from omniroute.errors import GatewayError


class Command(DatabaseCommand):
    help = "Write a .tar.gz of database, settings, combos, providers and API keys, without any credential."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="A file (default: a new one in this folder).")
        parser.add_argument("--no-history", action="store_true", help="The configuration alone.")

    def handle(self, *args: Any, output: Path | None, no_history: bool, **options: Any) -> None:
        output = output or Path(f"omniroute-full-backup-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.tar.gz")
        try:
            write_archive(output.absolute(), history=not no_history)
        except (GatewayError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(output))
