"""A listener on the port that a vendor's sign-in comes back to (Codex: 1455, Kiro: 3128), while somebody signs in.

It sends the browser on to the gateway's own callback. It lives in a thread of the process that began the sign-in, at
the gateway's own address (in a container, loopback would be out of a browser's reach), and ends with the last callback
that is awaited, or with the sign-in's time.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

PATHS = ("/auth/callback", "/oauth/callback")
"""OpenAI's and Kiro's."""
_STEP_S = 0.5
_CLIENT_S = 5.0
_lock = threading.Lock()
_listening: dict[int, _Listener] = {}


def listen(ports: tuple[int, ...], home: str, life_s: float, host: str = "127.0.0.1") -> int | None:
    """The port that a listener waits at now: one of `ports`, the first that is free. None: none is, so the address has
    to be pasted. A listener that is there already goes on, and sends browsers to the newest `home`."""
    with _lock:
        for port, running in _listening.items():
            if port in ports and running.is_alive():
                running.home, running.deadline = home, time.monotonic() + life_s
                running.awaited += 1
                return port
        for port in ports:
            try:
                _listening[port] = _Listener(host, port, home, life_s)
            except OSError as error:
                logger.info("Port %s is taken: %s", port, error)
                continue
            _listening[port].start()
            return port
    return None


def stop_all() -> None:
    with _lock:
        running = list(_listening.values())
        _listening.clear()
    for each in running:
        each.deadline = 0.0
        each.join(_STEP_S * 4)


class _Listener(threading.Thread):
    def __init__(self, host: str, port: int, home: str, life_s: float) -> None:
        super().__init__(name=f"sign-in listener {port}", daemon=True)
        self.home, self.deadline = home, time.monotonic() + life_s
        self.awaited = 1
        """Sign-ins that are under way."""
        self._server = _Server((host, port), _handler(self))
        self._server.timeout = _STEP_S

    def come_back(self) -> None:
        """Somebody was sent on: with the last one, it ends."""
        with _lock:
            self.awaited -= 1
            if self.awaited <= 0:
                self.deadline = 0.0

    def run(self) -> None:
        try:
            while time.monotonic() < self.deadline:
                self._server.handle_request()
        finally:
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Threads, since browsers open connections ahead of time and leave them idle."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.info("A browser left before it was sent on")


def _handler(listener: _Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_S

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path not in PATHS or not parts.query:
                self.send_error(404)
                return
            self.send_response(302)
            self.send_header("location", f"{listener.home.rstrip('/')}/callback?{parts.query}")
            self.send_header("content-length", "0")
            self.send_header("connection", "close")
            self.end_headers()
            listener.come_back()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the address holds the code."""

    return Handler
