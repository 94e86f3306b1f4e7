"""Starts what is measured: the upstream, and the gateway with a data directory of its own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import machine

ROOT = Path(__file__).resolve().parent.parent
STARTUP_S = 60


@dataclass(frozen=True, slots=True)
class Gateway:
    pid: int
    """Of the web process."""
    url: str
    startup_s: float
    """From the start of the process to its first status 200."""


class Installation:
    """A data directory with one provider, one account, one combo and one API key in it."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self._log = (folder / "gateway.log").open("wb")
        environment = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self._env = {**environment, "DATA_DIR": str(folder), "HOST": "127.0.0.1", "REQUIRE_API_KEY": "true"}
        self._upstream = upstream
        self.key = ""

    def fill(self, rows: int) -> None:
        """Migrate, then make the rows. Raise `subprocess.CalledProcessError`."""
        self._run("-m", "omniroute", "migrate", "--verbosity", "0")
        self._run("-m", "bench.fill", "--upstream", self._upstream, "--rows", str(rows))
        self.key = self._run("-m", "omniroute", "create_api_key", "bench").strip()

    def manage_key(self) -> str:
        """A key for the management API."""
        return self._run("-m", "omniroute", "create_api_key", "manage", "--scope", "manage").strip()

    @contextmanager
    def serve(self, path: str, body: bytes = b"") -> Iterator[Gateway]:
        """Run `omniroute serve` until the block ends. `path` is what must answer 200."""
        port = _free_port()
        command = [sys.executable, "-m", "omniroute", "serve", "--port", str(port)]
        web_core, other_core = machine.cores()
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=self._env, stdout=self._log, stderr=self._log, start_new_session=True
        )
        try:
            machine.pin(web_core, process.pid)
            startup = self._wait(process, port, path, body, began)
            for child in machine.children(process.pid):
                machine.pin(other_core, child)
            yield Gateway(process.pid, f"http://127.0.0.1:{port}", startup)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait(
        self, process: subprocess.Popen[bytes], port: int, path: str, body: bytes, began: float
    ) -> float:
        while time.perf_counter() - began < STARTUP_S and process.poll() is None:
            if self._status(port, path, body) == 200:
                return time.perf_counter() - began
            time.sleep(0.02)
        log = Path(self._log.name).read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the gateway did not answer {path} with 200 within {STARTUP_S} s:\n{log}")

    def _status(self, port: int, path: str, body: bytes) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            connection.request("POST" if body else "GET", path, body or None, headers if self.key else {})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout


@contextmanager
def upstream() -> Iterator[str]:
    """The upstream's address."""
    command = [sys.executable, "-m", "bench.upstream"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            machine.pin(machine.cores()[1], process.pid)
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
