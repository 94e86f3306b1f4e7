"""TLS with an authority of the tests' own."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from omniroute.errors import UpstreamTimeout, UpstreamUnreachable
from providers import outgoing
from providers.proxies import Proxy
from tests.gateway.upstream.provider import Visit, answer_all, ask, asked, serving
from tests.proxies import StandInProxy, running

DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates of servers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        made = self._builder(self._name, self._key.public_key(), DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._signed(made))

    def context(self, host: str, valid_for: datetime.timedelta = DAY) -> ssl.SSLContext:
        """A server's, with a certificate for `host`, a name or an IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        made = self._builder(x509.Name([]), key.public_key(), valid_for)
        made = made.add_extension(x509.SubjectAlternativeName([name]), critical=True)
        file = self._folder / "server.pem"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(key.private_bytes(*form) + self._signed(made))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, valid_for: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + valid_for)
        )

    def _signed(self, made: x509.CertificateBuilder) -> bytes:
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def _trust(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    outgoing.tls_context.cache_clear()
    yield
    outgoing.tls_context.cache_clear()


async def test_a_certificate_of_an_authority_that_is_trusted_will_do(authority: Authority):
    async with serving(answer_all, authority.context("127.0.0.1")) as provider:
        assert [await asked(provider.url) for _ in range(3)] == [b"ok"] * 3
        assert len(provider.visits) == 1


async def test_the_server_is_told_which_host_is_meant_and_that_it_is_http_1(authority: Authority):
    context, told = authority.context("localhost"), []
    context.sni_callback = lambda connection, name, context: told.append(name)
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with serving(answer_all, context) as provider:
        assert await asked(provider.url.replace("127.0.0.1", "localhost")) == b"ok"
        chosen = provider.visits[0].writer.get_extra_info("ssl_object").selected_alpn_protocol()
    assert (told, chosen) == (["localhost"], "http/1.1")


@pytest.mark.parametrize(
    ("host", "valid_for", "reason"),
    [
        ("other.test", DAY, "mismatch|doesn't match|not valid for"),
        ("127.0.0.1", -DAY, "expired"),
    ],
)
async def test_a_certificate_must_be_for_the_host_and_in_force(
    authority: Authority, host: str, valid_for: datetime.timedelta, reason: str
):
    async with serving(answer_all, authority.context(host, valid_for)) as provider:
        with pytest.raises(UpstreamUnreachable, match="not to be trusted") as raised:
            await asked(provider.url)
        assert raised.match(reason)
        assert provider.visits == []


async def test_nobody_else_is_trusted(authority: Authority, tmp_path_factory: pytest.TempPathFactory):
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    async with serving(answer_all, stranger.context("127.0.0.1")) as provider:
        with pytest.raises(UpstreamUnreachable, match="not to be trusted"):
            await asked(provider.url)


async def test_a_server_without_tls_is_told_as_such():
    async def behave(visit: Visit) -> None:
        await visit.reader.read(1)
        await visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.see_off()

    async with serving(behave) as provider:
        with pytest.raises(UpstreamUnreachable, match="TLS failed"):
            await asked(provider.url.replace("http:", "https:"))


async def test_a_handshake_that_never_ends_is_no_connection():
    async def behave(visit: Visit) -> None:
        await visit.see_off()

    async with serving(behave) as provider:
        with pytest.raises(UpstreamTimeout, match="no connection in"):
            await ask(provider.url.replace("http:", "https:"), connect_s=0.2)
        await asyncio.wait_for(provider.visits[0].left.wait(), 5)


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
async def test_a_proxy_leads_to_a_provider_that_is_still_the_one_who_must_prove_itself(
    authority: Authority, kind: str
):
    tls = authority.context("127.0.0.1") if kind == "https" else None
    stand_in = StandInProxy(
        "socks5" if kind == "socks5" else "http", hosts={"provider.test": "127.0.0.1"}, tls=tls
    )
    with running(stand_in):
        proxy = Proxy(kind, "127.0.0.1", stand_in.port)
        async with serving(answer_all, authority.context("provider.test")) as provider:
            url = provider.url.replace("127.0.0.1", "provider.test")
            assert [await asked(url, proxy=proxy) for _ in range(2)] == [b"ok"] * 2
            assert len(stand_in.asked) == 1
        async with serving(answer_all, authority.context("other.test")) as provider:
            url = provider.url.replace("127.0.0.1", "provider.test")
            with pytest.raises(UpstreamUnreachable, match="not to be trusted") as raised:
                await asked(url, proxy=proxy)
            assert raised.value.code == "upstream_unreachable"


async def test_large_bodies_pass_in_both_directions(authority: Authority):
    async def behave(visit: Visit) -> None:
        request = await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(request) + request)

    async with serving(behave, authority.context("127.0.0.1")) as provider:
        answer = await asked(provider.url, bytes(3_000_000))
        assert answer.endswith(bytes(3_000_000))
