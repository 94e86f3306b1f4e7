"""The hot path's client through real proxies."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.simulator import Simulator
from gateway.upstream import close_connections, send
from omniroute.errors import UpstreamError, UpstreamUnreachable
from omniroute.types import UpstreamRequest
from providers import outgoing
from providers.proxies import Proxy
from tests.gateway.upstream.provider import Behaviour, Visit, answer_all, ask, asked, serving
from tests.providers.conftest import _certificate
from tests.proxies import StandInProxy, running

HOSTS = {"provider.test": "127.0.0.1"}
KINDS = ["http", "socks5"]


@pytest.fixture(autouse=True)
async def _clients() -> AsyncIterator[None]:
    yield
    await close_connections()


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
    upstream.close()
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
    upstream.close()


@pytest.fixture
def tls_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInProxy]:
    """An HTTP proxy that is spoken to over TLS, with a certificate that `SSL_CERT_FILE` adds."""
    pem = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    for cached in (outgoing.tls_context,):
        cached.cache_clear()
    with running(StandInProxy("http", "user", "p@ss", HOSTS, tls=context)) as proxy:
        yield proxy
    for cached in (outgoing.tls_context,):
        cached.cache_clear()


async def test_an_https_proxy_is_spoken_to_over_tls(tls_proxy: StandInProxy, simulator: Simulator) -> None:
    proxy = Proxy("https", "127.0.0.1", tls_proxy.port, "user", "p@ss")
    upstream = await send(question(simulator), 5, 5, proxy=proxy)
    assert upstream.status == 200
    upstream.close()
    async with outgoing.through(proxy, 5) as http:
        url = simulator.openai_url.replace("127.0.0.1", "provider.test") + "/models"
        assert (await http.get(url)).status_code == 200
    assert tls_proxy.hosts_asked == {"provider.test"}


async def refuse(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nno\n")
    await visit.see_off()


async def hang_up(visit: Visit) -> None:
    await visit.request()


async def say_nothing(visit: Visit) -> None:
    await visit.see_off()


async def speak_first(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 Connected\r\n\r\nHello there")
    await visit.see_off()


async def be_no_socks(visit: Visit) -> None:
    await visit.reader.read(1)
    await visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await visit.see_off()


async def want_more(visit: Visit) -> None:
    await visit.reader.read(1)
    await visit.say(b"\x05\xff")
    await visit.see_off()


async def reach_nobody(visit: Visit) -> None:
    await visit.reader.readexactly(3)
    await visit.say(b"\x05\x00")
    await visit.reader.read(4)
    await visit.say(b"\x05\x04\x00\x01\0\0\0\0\0\0")
    await visit.see_off()


async def break_off(visit: Visit) -> None:
    await visit.reader.readexactly(3)
    await visit.say(b"\x05\x00")
    await visit.reader.read(4)
    await visit.say(b"\x05\x00\x00\x03\x09half")


@pytest.mark.parametrize(
    ("kind", "behave", "told"),
    [
        ("http", refuse, "it answered CONNECT with status 502"),
        ("http", hang_up, "it answered CONNECT with no status"),
        ("http", speak_first, "it answered CONNECT with status 200"),
        ("http", say_nothing, "in 0.3 s"),
        ("socks5", be_no_socks, "it does not speak SOCKS5"),
        ("socks5", want_more, "it wants other credentials"),
        ("socks5", reach_nobody, "host unreachable"),
        ("socks5", break_off, "it closed the connection"),
        ("socks5", say_nothing, "in 0.3 s"),
    ],
)
async def test_a_proxy_that_does_not_do_its_work_is_at_fault_itself(
    kind: str, behave: Behaviour, told: str
) -> None:
    async with serving(behave) as proxy:
        port = int(proxy.url.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(UpstreamError, match=re.escape(told)) as raised:
            await ask("https://provider.test/v1", connect_s=0.3, proxy=Proxy(kind, "127.0.0.1", port))
        assert raised.value.code == "proxy_failed"
        assert f"127.0.0.1:{port}" in raised.value.message
        if behave not in (hang_up, break_off):
            await asyncio.wait_for(proxy.visits[0].left.wait(), 5)


async def test_a_socks_proxy_may_answer_byte_by_byte() -> None:
    async def behave(visit: Visit) -> None:
        for expected, answer in ((3, b"\x05\x00"), (5 + 13 + 2, b"\x05\x00\x00\x03\x04name\x00\x50")):
            await visit.reader.readexactly(expected)
            for at in range(len(answer)):
                await visit.say(answer[at : at + 1])
                await asyncio.sleep(0.002)
        await answer_all(visit)

    async with serving(behave) as proxy:
        port = int(proxy.url.rsplit(":", 1)[1].partition("/")[0])
        assert await asked("http://provider.test/v1", proxy=Proxy("socks5", "127.0.0.1", port)) == b"ok"
