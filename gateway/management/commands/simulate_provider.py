"""`omniroute simulate_provider`: a local provider to try combos with, without spending a cent."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.simulator import server

DEFAULT_PORT = 20129


class Command(BaseCommand):
    help = "Serve a simulated provider that speaks all four wire formats and misbehaves on request."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to bind to (default: 127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help=f"0 takes a free port (default: {DEFAULT_PORT})"
        )

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        try:
            listener = server.bind(host, port)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error}") from None
        url = server.address(listener)
        self.stdout.write(f"Simulated provider on {url}")
        self.stdout.write(f"  OpenAI base URL     {url}/v1")
        self.stdout.write(f"  Anthropic base URL  {url}/v1")
        self.stdout.write(f"  Gemini base URL     {url}/v1beta")
        self.stdout.write(
            "Any API key will do. Models: sim, sim-429-retry7, sim-500, sim-cut3, ... (docs/simulator.md)"
        )
        self.stdout.flush()
        with listener, suppress(KeyboardInterrupt):
            server.make_server().run([listener])
