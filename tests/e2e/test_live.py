"""Live requests over real sockets: one process, several, a browser; and the whole application under daphne."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from gateway.records.live import PATH, TRANSLATIONS_PATH
from gateway.simulator import Simulator
from tests.e2e.server import PASSWORD, START_S, Gateway, running
from tests.omniroute.test_admin_browser import ARGS
from tests.services import chromium


def cookies_of(gateway: Gateway) -> str:
    """An administrator's session, as a browser would send it."""
    with httpx.Client(base_url=gateway.url, trust_env=False) as browser:
        page = browser.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        answer = browser.post("/admin/login/", data=form, headers={"referer": gateway.url})
        assert answer.status_code == 302, answer.text
        return f"omniroute_session={browser.cookies['omniroute_session']}"


def watch(gateway: Gateway, cookies: str, path: str = PATH, origin: str | None = None) -> ClientConnection:
    url = gateway.url.replace("http", "ws") + path
    return connect(
        url, additional_headers={"cookie": cookies}, origin=Origin(origin or gateway.url), proxy=None
    )


def told(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return message


@contextmanager
def under_daphne(folder: Path, simulator: Simulator) -> Iterator[Gateway]:
    gateway = Gateway(folder)
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(gateway.port)]
    with (folder / "log").open("ab") as log:
        gateway.process = subprocess.Popen(
            [*command, "omniroute.asgi:application"], cwd=folder, env=gateway.env, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and gateway.process.poll() is None:
            try:
                gateway.http.get("/api/health")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        gateway.add_provider("sim1", simulator.openai_url)
        yield gateway
    finally:
        gateway.stop()
        gateway.http.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_open_page_is_told_of_a_request(gateway: Gateway, stream: bool) -> None:
    with watch(gateway, cookies_of(gateway)) as socket:
        assert told(socket)["replace"] is True
        gateway.chat("three", stream=stream)
        (request,) = told(socket)["requests"]
    assert (request["status"], request["requested_model"], request["served_model"]) == (200, "three", "first")
    assert request["output_tokens"] > 0
    assert gateway.rows()[-1]["request_id"] == request["request_id"]


def test_failures_are_told_as_well(gateway: Gateway, simulator: Simulator) -> None:
    simulator.behave("500")
    with watch(gateway, cookies_of(gateway)) as socket:
        told(socket)
        gateway.chat("three")
        (request,) = told(socket)["requests"]
    assert (request["status"], request["attempt_count"]) == (500, 3)


def status_of(gateway: Gateway, *args: Any) -> int:
    with pytest.raises(InvalidStatus) as refusal, watch(gateway, *args):
        pass
    return refusal.value.response.status_code


def test_strangers_are_refused(gateway: Gateway) -> None:
    cookies = cookies_of(gateway)
    assert status_of(gateway, "") == 403
    assert status_of(gateway, cookies, PATH, "https://evil.example") == 403
    assert status_of(gateway, cookies, PATH, "http://127.0.0.1:1") == 403


def test_codex_is_still_told_to_use_http(gateway: Gateway) -> None:
    for path in ("/v1/responses", "/responses", "/ws/other"):
        assert status_of(gateway, "", path) == 426


def test_the_server_stops_at_once_with_a_page_open(tmp_path: Path) -> None:
    with running(tmp_path) as gateway, watch(gateway, cookies_of(gateway)) as socket:
        told(socket)
        started = time.monotonic()
        assert gateway.stop() in (0, -15)  # uvicorn ends by the signal that it was sent
        assert time.monotonic() - started < 5
        assert "Traceback" not in gateway.log


@pytest.mark.cluster
def test_a_page_at_one_process_is_told_of_requests_at_another(
    tmp_path: Path, simulator: Simulator, redis_url: str
) -> None:
    env = {"REDIS_URL": redis_url, "JWT_SECRET": "s" * 50}
    (tmp_path / "two").mkdir()
    second = {**env, "DATA_DIR": str(tmp_path / "data")}
    with running(tmp_path, env) as one, running(tmp_path / "two", second) as two:
        one.add_provider("sim1", simulator.openai_url)
        cookies = cookies_of(one)
        for path in (PATH, TRANSLATIONS_PATH):
            with watch(one, cookies, path) as socket:
                told(socket)
                assert heard_of(two, socket)["requested_model"] == "sim1/elsewhere"


def heard_of(gateway: Gateway, socket: ClientConnection) -> dict[str, Any]:
    """The first request of this gateway's that the socket tells of: it learns within seconds that somebody watches."""
    for _ in range(60):
        assert gateway.chat("sim1/elsewhere").status_code == 200
        with suppress(TimeoutError):
            request: dict[str, Any] = json.loads(socket.recv(timeout=0.5))["requests"][0]
            return request
    pytest.fail("the page was told nothing")


@pytest.mark.browser
def test_the_home_page_shows_a_request_as_it_finishes(tmp_path: Path, simulator: Simulator) -> None:
    problems: list[str] = []
    with running(tmp_path) as gateway, sync_playwright() as playwright:
        gateway.add_provider("sim1", simulator.openai_url)
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        page = browser.new_page(base_url=gateway.url)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        state, rows = page.locator("#live-state"), page.locator("#last-requests tr")
        expect(page.get_by_text("Three steps to the first answer")).to_be_visible()
        expect(state).to_have_text("Live")
        gateway.chat("sim1/first")
        expect(page.get_by_text("Three steps to the first answer")).to_have_count(0)
        expect(rows).to_have_count(1)
        expect(state).to_have_text("Live")
        for number in range(10):
            gateway.chat(f"sim1/model-{number}")
        expect(rows).to_have_count(8)
        expect(rows.first).to_contain_text("sim1/model-9")
        expect(rows.last).to_contain_text("sim1/model-2")
        rows.first.get_by_role("link").click()
        expect(page.get_by_text("sim1/model-9").first).to_be_visible()
        page.go_back()
        expect(state).to_have_text("Live")
        gateway.stop()
        expect(state).to_have_text("Offline")
        gateway.start()
        gateway.chat("sim1/back-again")
        expect(state).to_have_text("Live", timeout=15_000)
        expect(rows.first).to_contain_text("sim1/back-again")
        browser.close()
    assert problems == []


def test_everything_answers_under_daphne(tmp_path: Path, simulator: Simulator) -> None:
    with under_daphne(tmp_path, simulator) as gateway:
        assert gateway.http.get("/api/health").json()["status"] == "ok"
        assert "Log in" in gateway.http.get("/admin/login/").text
        whole = gateway.chat("sim1/x", "Say hello")
        assert whole.json()["choices"][0]["message"]["content"] == "You said: Say hello"
        streamed = gateway.chat("sim1/x", stream=True)
        assert streamed.text.rstrip().endswith("data: [DONE]")
        assert gateway.http.get("/v1/models").status_code == 200
        with watch(gateway, cookies_of(gateway)) as socket:
            assert len(told(socket)["requests"]) == 2
            gateway.chat("sim1/live")
            assert told(socket)["requests"][0]["requested_model"] == "sim1/live"
        assert status_of(gateway, "") == 403
        assert len(gateway.rows()) == 3
        assert "Traceback" not in gateway.log
