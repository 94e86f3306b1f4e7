"""Servers of one's own that behave as told, well or badly."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers import catalog, outgoing
from providers.proxies import ProxyTable, environment


@dataclass
class Answer:
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Upstream:
    """An HTTP server with `answers` by "METHOD path"; a list is used up one by one. Anything else is a 404."""

    url: str = ""
    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def on(self, route: str, status: int = 200, body: Any = None, **headers: str) -> None:
        self.answers[route] = Answer(status, {} if body is None else body, headers)

    def take(self, route: str) -> Answer:
        found = self.answers.get(route, Answer(404, "<html>Not Found</html>"))
        return found.pop(0) if isinstance(found, list) else found


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length)
            headers = {name.lower(): text for name, text in self.headers.items()}
            body = json.loads(sent) if sent else None
            upstream.calls.append(Call(self.command, self.path, headers, body))
            answer = upstream.take(f"{self.command} {self.path}")
            if answer.status == 0:  # hangs up without a word
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def _serve(upstream: Upstream, context: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream))
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    upstream.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield upstream
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_proxy_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests without a database: nothing is configured but what the environment says."""
    monkeypatch.setattr(outgoing, "load_proxies", lambda: ProxyTable(environment=environment()))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    yield from _serve(Upstream())


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[Upstream]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    yield from _serve(Upstream(), context)


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def overlay_file(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The overlay file, empty at first. The catalog is read anew in the test and after it."""
    settings.PROVIDERS_FILE = tmp_path / "providers.toml"
    catalog.load.cache_clear()
    yield settings.PROVIDERS_FILE
    catalog.load.cache_clear()
