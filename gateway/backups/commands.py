"""What the commands `restore` and `import_db` share."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from gateway.backups import taking
from gateway.backups.checking import Found, check_name, told
from omniroute import audit
from omniroute.commands import DatabaseCommand
from omniroute.errors import GatewayError


class TakingCommand(DatabaseCommand):
    """Shows what was found, asks, and takes it over."""

    reason = "pre-import"
    limit: int | None = None
    """Bytes; None: any number."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="A backup, a full archive, or the older OmniRoute's storage.sqlite.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--keep-history", action="store_true", help="Keep the requests that are here.")

    def find(self, file: str) -> Path:
        """Raise `GatewayError` or `CommandError`."""
        path = Path(file)
        check_name(path.name)
        if not path.is_file():
            raise CommandError(f"There is no file {file}")
        return path

    def handle(self, *args: Any, file: str, yes: bool, keep_history: bool, **options: Any) -> None:
        try:
            with taking.opened(self.find(file), limit=self.limit) as found:
                self.show(found)
                if not yes and input("Replace what is in the database by this? [y/N] ").lower() != "y":
                    raise CommandError("Nothing was changed")
                outcome = taking.take(found, history=not keep_history, reason=self.reason)
        except (GatewayError, OSError) as error:
            raise CommandError(str(error)) from None
        audit.note_command("replaced the database", target=Path(file).name)
        for note in outcome.notes:
            self.stdout.write(f"- {note}")
        self.stdout.write(f"Done. What was there before is in {outcome.saved.path}")

    def show(self, found: Found) -> None:
        kind = "A backup of this product" if found.is_ours else "A database of the older OmniRoute"
        self.stdout.write(f"{kind}: {told(found.counts)}")
        for note in found.notes if found.is_ours else ():
            self.stdout.write(f"- {note}")
