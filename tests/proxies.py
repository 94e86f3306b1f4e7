"""Proxies over real sockets: HTTP (CONNECT and absolute addresses) and SOCKS5, with or without credentials.

They resolve names by a table of their own, so a name that only they know shows where it was resolved.
"""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class StandInProxy:
    """`asked` holds (host, port) of every connection that was wanted, `refused` whether credentials were."""

    kind: str = "http"
    username: str = ""
    password: str = ""
    hosts: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    port: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)
    refused: int = 0
    numeric: int = 0
    """SOCKS5 requests that named an IP address instead of a host."""

    @property
    def hosts_asked(self) -> set[str]:
        return {host for host, _ in self.asked}

    def connect(self, host: str, port: int) -> socket.socket:
        self.asked.append((host, port))
        return socket.create_connection((self.hosts.get(host, host), port), timeout=10)

    def serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client:
            client.settimeout(20)
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
            (self._http if self.kind == "http" else self._socks)(client)

    # -- HTTP
    def _http(self, client: socket.socket) -> None:
        head, rest = _read_head(client)
        method, target, _ = head[0].split(" ", 2)
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in head[1:])}
        if self.username and headers.get("proxy-authorization") != self._basic:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            upstream = self.connect(host, int(port))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            upstream = self.connect(parts.hostname or "", parts.port or 80)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            kept = [line for line in head[1:] if not line.lower().startswith(("proxy-", "connection"))]
            lines = [f"{method} {path or '/'} HTTP/1.1", *kept, "Connection: close", "", ""]
            upstream.sendall("\r\n".join(lines).encode())
        upstream.sendall(rest)
        _pump(client, upstream)

    @property
    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    # -- SOCKS5 (RFC 1928, RFC 1929)
    def _socks(self, client: socket.socket) -> None:
        _, count = _read(client, 2)
        methods = _read(client, count)
        if self.username:
            if 2 not in methods:
                self.refused += 1
                client.sendall(b"\x05\xff")
                return
            client.sendall(b"\x05\x02")
            name = _read(client, _read(client, 2)[1])
            password = _read(client, _read(client, 1)[0])
            if (name.decode(), password.decode()) != (self.username, self.password):
                self.refused += 1
                client.sendall(b"\x01\x01")
                return
            client.sendall(b"\x01\x00")
        else:
            client.sendall(b"\x05\x00")
        _, _, _, kind = _read(client, 4)
        if kind == 3:
            host = _read(client, _read(client, 1)[0]).decode()
        else:
            self.numeric += 1
            host = socket.inet_ntop(
                *((socket.AF_INET, _read(client, 4)) if kind == 1 else (socket.AF_INET6, _read(client, 16)))
            )
        (port,) = struct.unpack("!H", _read(client, 2))
        try:
            upstream = self.connect(host, port)
        except OSError:
            client.sendall(b"\x05\x04\x00\x01" + bytes(6))
            return
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        _pump(client, upstream)


@contextmanager
def running(proxy: StandInProxy) -> Iterator[StandInProxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.port = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(listener, proxy), daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, proxy: StandInProxy) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = client.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _read_head(client: socket.socket) -> tuple[list[str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(4096)
        if not piece:
            raise EOFError
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), rest


def _pump(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_copy, args=(other, one), daemon=True)
    back.start()
    _copy(one, other)
    back.join(20)
    other.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
