"""`omniroute configure TOOL --model NAME`: point a command-line tool at the gateway, where the tool is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gateway.cli_tools import by_hand, writing
from gateway.cli_tools.asking import make_choice
from gateway.cli_tools.places import shown
from gateway.cli_tools.rows import Tool
from gateway.cli_tools.status import status_of
from gateway.cli_tools.tools import TOOLS, get_tool
from omniroute.errors import ClientError


class Command(BaseCommand):
    help = "Point a command-line tool of this machine at the gateway; what else its settings hold stays."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tool", help=", ".join(TOOLS))
        parser.add_argument("--model", default="", help="A combo, an alias or provider/model of the gateway.")
        parser.add_argument("--small-model", default="", help="For titles and the like (default: the model).")
        parser.add_argument("--base-url", default=settings.BASE_URL, help="Of the gateway (%(default)s).")
        parser.add_argument(
            "--api-key", default="", help="Of the gateway; not needed where it asks for none."
        )
        parser.add_argument("--print", action="store_true", help="Write nothing, show what would be written.")
        parser.add_argument(
            "--reset", action="store_true", help="Take away what this command, or the admin, wrote."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tool = get_tool(options["tool"])
            if options["reset"]:
                self._reset(tool)
            else:
                self._configure(tool, options)
        except ClientError as error:
            raise CommandError(error.message) from None

    def _reset(self, tool: Tool) -> None:
        paths = writing.reset(tool)
        for path in paths:
            self.stdout.write(f"{shown(path)}: the gateway's entries are gone")
        if not paths:
            self.stdout.write(f"{tool.name} has nothing of the gateway's.")

    def _configure(self, tool: Tool, options: dict[str, Any]) -> None:
        choice = make_choice(
            tool,
            url=options["base_url"],
            key=options["api_key"] or (by_hand.YOUR_KEY if options["print"] else ""),
            model=options["model"],
            small=options["small_model"],
        )
        if options["print"] or not tool.is_automatic:
            for snippet in by_hand.snippets(tool, choice):
                self.stdout.write(f"# {snippet.title}\n{snippet.text}\n")
        else:
            for path in writing.configure(tool, choice):
                self.stdout.write(f"{shown(path)}: written")
            program = status_of(tool).program
            if not program.is_installed:
                self.stdout.write(f"{tool.name} itself was not found on this machine.")
        if tool.start:
            self.stdout.write(f"Start it with: {tool.start}")
        for note in tool.notes:
            self.stdout.write(f"* {note}")
