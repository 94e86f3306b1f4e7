"""`omniroute run_jobs`: the background worker (django-q2), as `serve` starts it."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from argparse import ArgumentParser
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, cast

from django.core.management.base import BaseCommand

LOOKS_EVERY_S = 1.0


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
        signals: list[int] = []
        for number in (
            signal.SIGTERM,
            signal.SIGINT,
        ):  # in place of the cluster's own, which stop it there and then
            signal.signal(number, lambda number, _: signals.append(number))
        try:
            cluster.start()
        except RuntimeError:
            if signals:  # its sentinel was told as well
                return
            raise
        sentinel = cast(BaseProcess, cluster.sentinel).sentinel
        inputs = [sys.stdin] if stop_at_eof else []
        while not signals and not wait([sentinel], timeout=0):
            readable, _, _ = select.select(inputs, [], [], LOOKS_EVERY_S)
            if readable and not os.read(sys.stdin.fileno(), 1):
                break
        # A signal to the whole group, as systemd sends it, ends the sentinel too, and `stop` may wait for ever to be
        # heard by it. Its end counts, however it comes.
        threading.Thread(target=cluster.stop, daemon=True).start()
        wait([sentinel])
