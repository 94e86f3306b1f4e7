"""The hot path's client through real proxies."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway import upstream as upstream_module
from gateway.simulator import Simulator
from gateway.upstream import close_clients, send
from omniroute.errors import UpstreamUnreachable
from omniroute.types import UpstreamRequest
from providers import outgoing
from providers.proxies import Proxy
from tests.providers.conftest import _certificate
from tests.proxies import StandInProxy, running

HOSTS = {"provider.test": "127.0.0.1"}
KINDS = ["http", "socks5"]


@pytest.fixture(autouse=True)
async def _clients() -> AsyncIterator[None]:
    yield
    await close_clients()


@pytest.fixture(params=KINDS)
def stand_in(request: pytest.FixtureRequest) -> Iterator[StandInProxy]:
    with running(StandInProxy(request.param, "user", "p@ss:w/ord", HOSTS)) as proxy:
        yield proxy


def through(stand_in: StandInProxy, **changes: str | int) -> Proxy:
    values = {"username": "user", "password": "p@ss:w/ord", "port": stand_in.port}
    return Proxy(stand_in.kind, "127.0.0.1", **{**values, **changes})  # type: ignore[arg-type]


def question(simulator: Simulator) -> UpstreamRequest:
    """To a name that only the proxy knows."""
    return UpstreamRequest(
        method="POST",
        url=simulator.openai_url.replace("127.0.0.1", "provider.test") + "/chat/completions",
        headers={"content-type": "application/json"},
        body=b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}',
        format="openai_chat",
        stream=False,
    )


async def test_requests_and_names_go_through_the_proxy(stand_in: StandInProxy, simulator: Simulator) -> None:
    upstream = await send(question(simulator), 5, 5, proxy=through(stand_in))
    assert b"You said: Hi" in await upstream.read_all()
    await upstream.close()
    assert stand_in.hosts_asked == {"provider.test"}
    assert stand_in.numeric == 0


async def test_a_proxy_that_is_down_is_an_unreachable_provider_and_nothing_goes_around_it(
    stand_in: StandInProxy, simulator: Simulator
) -> None:
    request = question(simulator)
    with pytest.raises(UpstreamUnreachable) as raised:
        await send(request, 5, 5, proxy=through(stand_in, port=1))
    assert (raised.value.status, raised.value.code) == (502, "proxy_failed")
    assert "127.0.0.1:1" in raised.value.message
    assert "p@ss" not in raised.value.message
    assert simulator.requests == []


async def test_wrong_credentials_are_told_as_the_proxys_refusal(
    stand_in: StandInProxy, simulator: Simulator
) -> None:
    with pytest.raises(UpstreamUnreachable) as raised:
        await send(question(simulator), 5, 5, proxy=through(stand_in, password="wrong"))
    assert raised.value.code == "proxy_failed"
    assert stand_in.refused >= 1
    assert simulator.requests == []


async def test_without_a_proxy_the_environments_is_not_asked_behind_the_tables_back(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    request = question(simulator)
    url = request.url.replace("provider.test", "127.0.0.1")
    upstream = await send(
        UpstreamRequest("POST", url, request.headers, request.body, "openai_chat", False), 5, 5
    )
    assert upstream.status == 200
    await upstream.close()


@pytest.fixture
def tls_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInProxy]:
    """An HTTP proxy that is spoken to over TLS, with a certificate that `SSL_CERT_FILE` adds."""
    pem = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    for cached in (upstream_module._own_certificates, outgoing.tls_context):
        cached.cache_clear()
    with running(StandInProxy("http", "user", "p@ss", HOSTS, tls=context)) as proxy:
        yield proxy
    for cached in (upstream_module._own_certificates, outgoing.tls_context):
        cached.cache_clear()


async def test_an_https_proxy_is_spoken_to_over_tls(tls_proxy: StandInProxy, simulator: Simulator) -> None:
    proxy = Proxy("https", "127.0.0.1", tls_proxy.port, "user", "p@ss")
    upstream = await send(question(simulator), 5, 5, proxy=proxy)
    assert upstream.status == 200
    await upstream.close()
    async with outgoing.through(proxy, 5) as http:
        url = simulator.openai_url.replace("127.0.0.1", "provider.test") + "/models"
        assert (await http.get(url)).status_code == 200
    assert tls_proxy.hosts_asked == {"provider.test"}
