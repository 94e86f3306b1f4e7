"""Proxies in a real process: which one decides, and that nothing goes around one that is down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running
from tests.e2e.test_fallback import text_of
from tests.proxies import StandInProxy
from tests.proxies import running as started

PATH = "/api/settings/proxy"
LEVELS = ("key", "combo", "provider", "global", "environment")
HOSTS = {"provider.test": "127.0.0.1"}


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
