"""`omniroute create_api_key NAME`: make a key and print it, alone, on standard output."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from billing.keys import create_api_key
from billing.models import ApiKey
from omniroute import audit
from omniroute.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = "Make an API key and print it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="How you tell this key from the others.")
        parser.add_argument("--scope", choices=ApiKey.Scope.values, default=ApiKey.Scope.USE)

    def handle(self, *args: Any, name: str, scope: str, **options: Any) -> None:
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise CommandError("The name must have 1 to 100 printable characters.")
        key = create_api_key(name.strip(), scope)
        audit.note_command("added", target=f"API key {key.record}", details=f"scope {scope}")
        self.stdout.write(key.secret)
