"""Proxies in a real process: which one decides, and that nothing goes around one that is down."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running
from tests.e2e.test_fallback import text_of
from tests.proxies import StandInProxy
from tests.proxies import running as started

PATH = "/api/settings/proxy"
LEVELS = ("key", "combo", "provider", "global", "environment")
HOSTS = {"provider.test": "127.0.0.1", "pictures.test": "127.0.0.1"}
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[dict[str, StandInProxy]]:
    kinds = {"key": "socks5", "combo": "http", "provider": "socks5", "global": "http", "environment": "http"}
    with ExitStack() as stack:
        yield {
            level: stack.enter_context(started(StandInProxy(kinds[level], "u", f"{level}@pass", HOSTS)))
            for level in LEVELS
        }


@pytest.fixture(scope="module")
def proxied(
    tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator, stand_ins: dict[str, StandInProxy]
) -> Iterator[Gateway]:
    """A process whose provider has a name that only proxies know, and whose environment names one."""
    env = {"HTTP_PROXY": f"http://u:environment%40pass@127.0.0.1:{stand_ins['environment'].port}"}
    with running(tmp_path_factory.mktemp("proxied"), env) as gateway:
        node = gateway.add_provider("named", _simulator.openai_url.replace("127.0.0.1", "provider.test"))
        gateway.add_combo("one", "named/first")
        account = gateway.manage("GET", f"/api/providers?provider={node}")["connections"][0]["id"]
        gateway.ids = {"key": account, "combo": "one", "provider": node, "global": ""}
        yield gateway


def entry(proxy: StandInProxy) -> dict[str, object]:
    return {
        "type": proxy.kind,
        "host": "127.0.0.1",
        "port": str(proxy.port),
        "username": "u",
        "password": proxy.password,
    }


def put(gateway: Gateway, level: str, value: object) -> None:
    ids: dict[str, str] = gateway.ids
    gateway.manage("PUT", PATH, {"level": level, "id": ids[level], "proxy": value})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_most_specific_proxy_decides(
    proxied: Gateway, simulator: Simulator, stand_ins: dict[str, StandInProxy], stream: bool
) -> None:
    for level in LEVELS[:-1]:
        put(proxied, level, entry(stand_ins[level]))
    for level in LEVELS:
        before = {name: len(proxy.asked) for name, proxy in stand_ins.items()}
        answer = proxied.chat("one", "Hi", stream=stream)
        assert text_of(answer) == "You said: Hi"
        asked = {name for name, proxy in stand_ins.items() if len(proxy.asked) > before[name]}
        assert asked == {level} or (asked == set() and before[level])  # a connection that was kept open
        if level != "environment":
            put(proxied, level, None)
    assert {host for proxy in stand_ins.values() for host, _ in proxy.asked} == {"provider.test"}


def test_a_proxy_that_is_down_fails_the_request_and_nothing_goes_around_it(
    proxied: Gateway, simulator: Simulator
) -> None:
    put(proxied, "provider", {"type": "socks5", "host": "127.0.0.1", "port": 1})
    try:
        for stream in (False, True):
            answer = proxied.chat("one", stream=stream)
            assert answer.status_code == 502
            assert "proxy 127.0.0.1:1" in answer.json()["error"]["message"]
        assert simulator.requests == []
    finally:
        put(proxied, "provider", None)
        proxied.manage("POST", "/api/resilience/reset")


def test_direct_spares_a_provider_the_environments_proxy(
    proxied: Gateway, simulator: Simulator, stand_ins: dict[str, StandInProxy]
) -> None:
    node = proxied.add_provider("near", simulator.openai_url)
    proxied.manage("PUT", PATH, {"providers": {node: "direct"}})
    before = len(stand_ins["environment"].asked)
    assert proxied.chat("near/m", "Hi").status_code == 200
    assert len(stand_ins["environment"].asked) == before


class Pictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "image/gif")
        self.end_headers()
        self.wfile.write(GIF)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def picture() -> Iterator[str]:
    """The address of an image, by a name that only the proxies know."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://pictures.test:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("level", LEVELS)
def test_an_image_is_fetched_through_what_its_request_goes_through(
    proxied: Gateway, simulator: Simulator, stand_ins: dict[str, StandInProxy], picture: str, level: str
) -> None:
    base_url = simulator.gemini_url.replace("127.0.0.1", "provider.test")
    account = {"apiKey": "AI", "name": "eyes", "providerSpecificData": {"baseUrl": base_url}}
    made = proxied.manage("POST", "/api/providers", {"provider": "gemini", **account})["connection"]
    combo = proxied.manage("POST", "/api/combos", {"name": "seeing", "models": ["gemini/gemini-2.5-flash"]})
    ids = {"key": made["id"], "combo": "seeing", "provider": "gemini", "global": ""}
    if level != "environment":
        value = {"level": level, "id": ids[level], "proxy": entry(stand_ins[level])}
        proxied.manage("PUT", PATH, value)
    try:
        before = {name: len(proxy.asked) for name, proxy in stand_ins.items()}
        parts = [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": f"{picture}/{level}.gif"}},
        ]
        body = {"model": "seeing", "messages": [{"role": "user", "content": parts}]}
        answer = proxied.http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        sent = simulator.requests[-1].json["contents"][0]["parts"][1]
        assert base64.b64decode(sent["inlineData"]["data"]) == GIF
        for name, proxy in stand_ins.items():
            hosts = [host for host, _ in proxy.asked[before[name] :]]
            assert ("pictures.test" in hosts) == (name == level), (name, hosts)
    finally:
        if level != "environment":
            proxied.manage("PUT", PATH, {"level": level, "id": ids[level], "proxy": None})
        proxied.manage("DELETE", f"/api/combos/{combo['id']}")
        proxied.manage("DELETE", f"/api/providers/{made['id']}")


def test_an_image_is_not_fetched_around_a_proxy_that_is_down(
    proxied: Gateway, simulator: Simulator, picture: str
) -> None:
    base_url = {"baseUrl": simulator.gemini_url}
    account = {"provider": "gemini", "apiKey": "AI", "name": "eyes", "providerSpecificData": base_url}
    made = proxied.manage("POST", "/api/providers", account)["connection"]
    down = {"type": "http", "host": "127.0.0.1", "port": 1}
    proxied.manage("PUT", PATH, {"level": "provider", "id": "gemini", "proxy": down})
    url = picture.replace("pictures.test", "127.0.0.1")
    parts = [{"type": "image_url", "image_url": {"url": f"{url}/down.gif"}}]
    body = {"model": "gemini/gemini-2.5-flash", "messages": [{"role": "user", "content": parts}]}
    try:
        assert proxied.http.post("/v1/chat/completions", json=body).status_code >= 400
        assert simulator.requests == []
    finally:
        proxied.manage("PUT", PATH, {"level": "provider", "id": "gemini", "proxy": None})
        proxied.manage("DELETE", f"/api/providers/{made['id']}")
        proxied.manage("POST", "/api/resilience/reset")


def test_no_password_of_a_proxy_shows(proxied: Gateway, stand_ins: dict[str, StandInProxy]) -> None:
    put(proxied, "global", entry(stand_ins["global"]))
    shown = str(proxied.manage("GET", PATH))
    put(proxied, "global", None)
    for text in (
        shown,
        proxied.log,
        Path(proxied.folder / "data" / "omniroute.sqlite3").read_bytes().decode("latin-1"),
    ):
        assert "global@pass" not in text
