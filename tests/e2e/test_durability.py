"""kill -9 under load: every answer that a client saw complete is in the database, and the service starts again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running

CONNECTIONS = 64
REQUESTS = 3_000


class Load:
    """Keep-alive clients that count only answers which arrived whole."""

    def __init__(self, gateway: Gateway, model: str) -> None:
        body = b'{"model":"%s","messages":[{"role":"user","content":"hi"}]}' % model.encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n"
        self.request, self.port = head.encode() + body, gateway.port
        self.complete: list[str] = []
        self.started = 0

    async def run(self, requests: int) -> None:
        await asyncio.gather(*(self._client(requests) for _ in range(CONNECTIONS)), return_exceptions=True)

    async def _client(self, requests: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while self.started < requests:
                self.started += 1
                writer.write(self.request)
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                if head.startswith("HTTP/1.1 200"):
                    request_id = re.search(r"x-request-id: (\S+)", head)
                    self.complete.append(request_id[1] if request_id else "")
        finally:
            writer.close()


@pytest.mark.parametrize(("logs", "requests"), [("false", REQUESTS), ("true", REQUESTS // 5)])
def test_kill_9_under_load_loses_no_row_of_a_complete_answer(
    logs: str, requests: int, tmp_path: Path, simulator: Simulator
) -> None:
    gateway = Gateway(tmp_path, {"ENABLE_REQUEST_LOGS": logs})
    gateway.start()
    try:
        gateway.add_provider("sim", simulator.openai_url)
        load = Load(gateway, "sim/x")

        async def load_and_kill() -> None:
            running_load = asyncio.create_task(load.run(requests))
            while len(load.complete) < requests // 2 and not running_load.done():
                await asyncio.sleep(0.01)
            assert gateway.process is not None
            os.killpg(gateway.process.pid, signal.SIGKILL)
            await running_load

        asyncio.run(load_and_kill())
        assert len(load.complete) >= requests // 2
        assert gateway.process is not None
        gateway.process.wait()
        rows = {row["request_id"] for row in gateway.rows("SELECT request_id FROM billing_usagerecord")}
        assert not set(load.complete) - rows
        gateway.start()
        assert gateway.chat("sim/x").status_code == 200
        count = gateway.rows("SELECT count(*) AS count FROM billing_usagerecord")[0]["count"]
        totals = "SELECT sum(requests) AS sum FROM billing_usagetotal WHERE span = '{}' AND dimension = '{}'"
        for query in (
            "SELECT sum(requests) AS sum FROM billing_dailyusage",
            *(totals.format(span, "all") for span in ("day", "hour", "minute")),
            *(totals.format("day", dimension) for dimension in ("provider", "model", "account", "key")),
        ):
            assert gateway.rows(query)[0]["sum"] == count, query
        logged = {row["request_id"] for row in gateway.rows("SELECT request_id FROM billing_requestlog")}
        assert bool(logged) == (logs == "true")
        assert logged <= {
            row["request_id"] for row in gateway.rows("SELECT request_id FROM billing_usagerecord")
        }
    finally:
        gateway.stop()
        gateway.http.close()


def test_open_streams_get_time_to_end_when_the_server_is_stopped(
    tmp_path: Path, simulator: Simulator
) -> None:
    with running(tmp_path, {"SHUTDOWN_GRACE_SECONDS": "10"}) as gateway:
        gateway.add_provider("sim", simulator.openai_url)
        simulator.behave("n20-i50", model="slow")
        body = {"model": "sim/slow", "stream": True, "messages": [{"role": "user", "content": "count"}]}
        with gateway.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = answer.iter_lines()
            next(lines)
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGINT)
            rest = "\n".join(lines)
        assert "data: [DONE]" in rest
        assert gateway.process.wait(10) in (0, -signal.SIGINT)
        assert gateway.rows()[0]["status"] == 200
        gateway.process = None


def test_ctrl_c_stops_the_web_process_and_the_background_worker(tmp_path: Path) -> None:
    with running(tmp_path, arguments=["--host", "127.0.0.1"]) as gateway:
        assert gateway.process is not None
        group = gateway.process.pid
        deadline = time.monotonic() + 10
        while not _workers(gateway) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _workers(gateway)
        gateway.process.send_signal(signal.SIGINT)
        gateway.process.wait(20)
        assert not _workers(gateway)
        assert group
        gateway.process = None


def test_a_history_is_not_copied_for_a_column_more_and_the_start_says_what_it_does(
    tmp_path: Path, simulator: Simulator
) -> None:
    with running(tmp_path) as gateway:
        gateway.add_provider("sim", simulator.openai_url)
        assert gateway.chat("sim/x").status_code == 200
        assert "being changed" not in gateway.log
        gateway.stop()
        gateway.command("migrate", "billing", "0006")
        where = "SELECT rootpage FROM sqlite_master WHERE name = 'billing_usagerecord'"
        before = gateway.rows(where)
        gateway.start()
        assert gateway.rows(where) == before
        assert "The database is being changed" in gateway.log
        assert gateway.chat("sim/x").status_code == 200
        assert [(row["status"], row["is_extra"]) for row in gateway.rows()] == [(200, 0), (200, 0)]


ALL_WORKERS = 5
"""Processes of django-q2: itself, its sentinel, a pusher, a worker and a monitor."""


def test_the_background_worker_does_not_outlive_a_killed_server(tmp_path: Path) -> None:
    with running(tmp_path, arguments=["--host", "127.0.0.1"]) as gateway:
        deadline = time.monotonic() + 10
        while not _workers(gateway) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _workers(gateway)
        assert gateway.process is not None
        gateway.process.kill()
        gateway.process.wait()
        deadline = time.monotonic() + 15
        while _workers(gateway) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _workers(gateway)
        gateway.process = None


def test_a_signal_to_all_its_processes_at_once_ends_them_all(tmp_path: Path) -> None:
    """As systemd stops a service."""
    with running(tmp_path, arguments=["--host", "127.0.0.1"]) as gateway:
        deadline = time.monotonic() + 30
        while len(_workers(gateway)) < ALL_WORKERS and time.monotonic() < deadline:
            time.sleep(0.1)
        assert gateway.process is not None
        for pid in [gateway.process.pid, *_workers(gateway)]:
            os.kill(pid, signal.SIGTERM)
        gateway.process.wait(20)
        deadline = time.monotonic() + 10
        while _workers(gateway) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _workers(gateway)
        gateway.process = None


def _workers(gateway: Gateway) -> list[int]:
    """Background processes of this gateway, told from others by the data folder in their environment."""
    marker = f"DATA_DIR={gateway.env['DATA_DIR']}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if (
                b"run_jobs" in (folder / "cmdline").read_bytes()
                and marker in (folder / "environ").read_bytes()
            ):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
