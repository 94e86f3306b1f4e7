"""`omniroute recost --since DATE`: what past requests cost, by the prices of now."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from gateway import snapshot
from gateway.pricing.recosting import recost
from omniroute import audit
from omniroute.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = (
        "Work out anew what past requests cost, with their roll-ups and budgets. Costs that a provider reported itself "
        "stay as they are. Try --dry-run first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", required=True, type=_moment, metavar="DATE", help="From this day (UTC) on."
        )
        parser.add_argument(
            "--until", type=_moment, metavar="DATE", help="Up to this day, which is left out."
        )
        parser.add_argument("--provider", default="", metavar="ID", help="Only this provider's.")
        parser.add_argument("--model", default="", metavar="ID", help="Only this model's.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would change.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["until"] and options["until"] <= options["since"]:
            raise CommandError("--until must be later than --since")
        result = recost(
            options["since"],
            options["until"],
            provider=options["provider"],
            model=options["model"],
            dry_run=options["dry_run"],
        )
        if result.changed and not options["dry_run"]:
            snapshot.changed()
            named = ("since", "until", "provider", "model")
            wish = ", ".join(f"{name} {options[name]}" for name in named if options[name])
            audit.note_command("recost", target=f"{result.changed} requests", details=wish)
        for name, count in result.models.most_common():
            self.stdout.write(f"{count:>9}  {name}")
        verb = "would change" if options["dry_run"] else "changed"
        sums = f"${result.before:.6f} before, ${result.after:.6f} after"
        self.stdout.write(f"{result.changed} of {result.rows} requests {verb}: {sums}.")


def _moment(text: str) -> datetime:
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no date; write 2026-11-01")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
