"""`omniroute serve`: everything that one machine needs, in one command."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.migrations import Migration
from django.db.models.signals import pre_migrate

from omniroute import first_start
from omniroute.commands import is_up_to_date

logger = logging.getLogger("omniroute")

RESTART_S = 5.0
"""Pause before a background worker that died is started again."""


class Command(BaseCommand):
    help = "Migrate the database, make the first administrator, and serve: web and background jobs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="Address to bind to (HOST).")
        parser.add_argument("--port", type=int, default=settings.PORT, help="Port to bind to (PORT).")
        parser.add_argument(
            "--workers", type=int, default=1, help="Web processes. More than one needs REDIS_URL."
        )
        parser.add_argument(
            "--no-jobs", action="store_true", help="Leave the background worker to another process."
        )

    def handle(self, *args: Any, host: str, port: int, workers: int, no_jobs: bool, **options: Any) -> None:
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError(
                "--workers needs REDIS_URL: without Redis, cooldowns, limits and live events would differ from "
                "process to process."
            )
        if host != settings.HOST and not first_start.may_bind(host):
            raise CommandError(
                f"Set HOST={host} instead of --host: it decides whether API keys are required."
            )
        check_host(host)
        pre_migrate.connect(self.announce)
        if not is_up_to_date():
            call_command("migrate", verbosity=0, interactive=False)
        self.greet(host, port, first_start.ensure_admin())
        jobs = None if no_jobs else JobProcess()
        try:
            run_web(host, port, workers)
        finally:
            if jobs is not None:
                jobs.stop()

    def announce(self, plan: Sequence[tuple[Migration, bool]] = (), **_: Any) -> None:
        """Once, and not where everything is new."""
        pre_migrate.disconnect(self.announce)
        if plan and not any(migration.initial for migration, _ in plan):
            self.stdout.write(
                "The database is being changed for this version; a long history takes its time."
            )
            self.stdout.flush()

    def greet(self, host: str, port: int, login: str | None) -> None:
        name = f"[{host}]" if ":" in host else host
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else name  # noqa: S104
        self.stdout.write(f"OmniRoute    http://{shown}:{port}/admin/   (clients: http://{shown}:{port}/v1)")
        if login:
            self.stdout.write(f"Log in as    {login}")
        self.stdout.write(f"Data         {settings.DATA_DIR}")
        self.stdout.flush()


def check_host(host: str) -> None:
    """Before anything is made or told: the web server would say no more than that a name is not known."""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        raise CommandError(f"HOST: {host!r} is neither an address nor a name that leads to one") from None


def run_web(host: str, port: int, workers: int) -> None:
    """Serve until SIGINT or SIGTERM; open streams get `SHUTDOWN_GRACE_S` to end, a second signal ends them."""
    import uvicorn

    with suppress(KeyboardInterrupt):
        uvicorn.run(
            "omniroute.asgi:application",
            host=host,
            port=port,
            workers=workers,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level="warning",
            proxy_headers=bool(settings.TRUSTED_PROXIES),
            forwarded_allow_ips=settings.TRUSTED_PROXIES,
            server_header=False,
            date_header=False,
            backlog=4096,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=settings.SHUTDOWN_GRACE_S,
        )


class JobProcess:
    """The background worker, started again when it dies, ended when this process ends, however it ends."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process = self._start()
        self._guard = threading.Thread(target=self._watch, name="job process guard", daemon=True)
        self._guard.start()

    def stop(self) -> None:
        self._stopping.set()
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # those that it started as well
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "omniroute", "run_jobs", "--stop-at-eof"]
        # A session of its own: Ctrl-C reaches this process only, which ends the worker in its turn.
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def _watch(self) -> None:
        while True:
            code = self._process.wait()
            if self._stopping.wait(RESTART_S):
                return
            logger.error("The background worker ended with code %s; starting it again", code)
            self._process = self._start()
