"""A real gateway process for tests, configured through its own management API."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.e2e import template
from tests.e2e.template import PASSWORD as PASSWORD

START_S = 180
SETTLED_S = 30


class Gateway:
    """`omniroute serve` with a data folder of its own, which had its first start, unless it is to be `fresh`. `http` is
    a client without a key, `manage` has a manage key; `ids` is the test's to fill: providers by their prefix."""

    def __init__(
        self,
        folder: Path,
        env: dict[str, str] | None = None,
        arguments: Sequence[str] = (),
        *,
        fresh: bool = False,
    ) -> None:
        self.folder, self.arguments = folder, list(arguments)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **template.environment(folder),
            "PORT": str(self.port),
            **(env or {}),
        }
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None
        self.key = "" if fresh or template.BREAKING & (env or {}).keys() else template.KEY
        if self.key and not (data := Path(self.env["DATA_DIR"])).exists():
            template.copy(data)
        self.ids: dict[str, str] = {}

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "omniroute", "serve", *(self.arguments or ["--no-jobs"])],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if self.http.get("/api/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError(f"The gateway did not start:\n{self.log}")

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """End it and return its exit code; -9 if it does not obey within 20 s."""
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal_number)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.process = None
        return process.returncode

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def command(self, *arguments: str) -> str:
        """Standard output of `omniroute ...`."""
        done = subprocess.run(
            [sys.executable, "-m", "omniroute", *arguments],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        if not self.key:
            self.key = self.command("create_api_key", "tests", "--scope", "manage").strip()
        answer = self.http.request(method, path, json=body, headers={"authorization": f"Bearer {self.key}"})
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def configuration(self) -> int:
        """The version that the asked process works with."""
        return int(self.manage("GET", "/api/monitoring/health")["system"]["configuration"])

    def settle(self) -> None:
        """Wait until every web process works with the newest configuration."""
        count = int(dict(zip(self.arguments, self.arguments[1:], strict=False)).get("--workers", 1))
        headers = {"authorization": f"Bearer {self.key}", "connection": "close"}
        known: dict[int, int] = {}
        deadline = time.monotonic() + SETTLED_S
        while len(known) < count or len(set(known.values())) > 1:
            if time.monotonic() > deadline:
                raise RuntimeError(f"Configurations by process, of {count}: {known}")
            system = self.http.get("/api/monitoring/health", headers=headers).json()["system"]
            known[system["pid"]] = system["configuration"]
            time.sleep(0.02)

    def add_provider(
        self,
        prefix: str,
        base_url: str,
        *,
        kind: str = "openai-compatible",
        api: str = "chat",
        key: str = "sk-up",
    ) -> str:
        """A custom provider with one account. Returns its id."""
        node = self.manage(
            "POST",
            "/api/provider-nodes",
            {"name": prefix, "prefix": prefix, "type": kind, "baseUrl": base_url, "apiType": api},
        )["node"]
        self.manage(
            "POST", "/api/providers", {"provider": node["id"], "apiKey": key, "name": f"{prefix} account"}
        )
        return str(node["id"])

    def add_combo(self, name: str, *models: str) -> None:
        self.manage("POST", "/api/combos", {"name": name, "models": list(models)})

    def rows(self, query: str = "SELECT * FROM billing_usagerecord ORDER BY id") -> list[dict[str, Any]]:
        """Straight from the database file, as somebody would who does not trust the gateway."""
        import sqlite3

        with sqlite3.connect(self.folder / "data" / "omniroute.sqlite3") as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def chat(self, model: str, text: str = "Say hello", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.http.post("/v1/chat/completions", json=body)


@contextmanager
def running(
    folder: Path,
    env: dict[str, str] | None = None,
    arguments: Sequence[str] = (),
    *,
    fresh: bool = False,
) -> Iterator[Gateway]:
    gateway = Gateway(folder, env, arguments, fresh=fresh)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()
        gateway.http.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
