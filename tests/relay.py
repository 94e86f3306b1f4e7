"""A line to a server that can be held up: what is sent meanwhile arrives later, and nobody is told."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    def __init__(self, host: str, port: int) -> None:
        self.target = host, port
        self._flows = threading.Event()
        self._flows.set()

    def hold(self, seconds: float) -> None:
        """Nothing passes for so long."""
        self._flows.clear()
        timer = threading.Timer(seconds, self._flows.set)
        timer.daemon = True
        timer.start()

    def carry(self, client: socket.socket) -> None:
        with suppress(OSError), socket.create_connection(self.target) as server:
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            self._pump(client, server)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def relay_to(url: str) -> Iterator[tuple[Relay, str]]:
    """The line, and the address of its near end, alike but for the port."""
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "127.0.0.1", parts.port or 6379)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            relay.carry(self.request)

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        user, at, _ = parts.netloc.rpartition("@")
        yield relay, parts._replace(netloc=f"{user}{at}127.0.0.1:{server.server_address[1]}").geturl()
        server.shutdown()
