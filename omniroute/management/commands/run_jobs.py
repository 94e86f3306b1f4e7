"""`omniroute run_jobs`: the background worker (django-q2), as `serve` starts it."""

from __future__ import annotations

import os
import select
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run background jobs: token refresh, synchronisation, clean-up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stop-at-eof",
            action="store_true",
            help="End when standard input ends, so that the worker does not outlive the process that started it.",
        )

    def handle(self, *args: Any, stop_at_eof: bool = False, **options: Any) -> None:
        from django_q.cluster import Cluster

        cluster = Cluster()
        cluster.start()
        while stop_at_eof and cluster.is_running:
            readable, _, _ = select.select([sys.stdin], [], [], 1.0)
            if readable and not os.read(sys.stdin.fileno(), 1):
                cluster.stop()
                return
