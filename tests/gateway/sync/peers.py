"""A place to sync that can be told to misbehave, over a real socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WickedPeer:
    """Keeps one envelope. `answer` (status, content type, body) is sent instead of the truth; `before_push` is called
    once, between the fetch and the push of a device."""

    def __init__(self) -> None:
        self.version, self.envelope = 0, None
        self.answer: tuple[int, str, bytes] | None = None
        self.is_cut = False
        self.delay_s = 0.0
        self.protocol = 1
        self.ahead_ms = 0
        self.before_push: Any = None
        self.requests: list[str] = []
        self.url = ""

    def reply(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/lease"):
            return 200, {"granted": True}
        if method == "DELETE":
            self.version, self.envelope = 0, None
        if method == "POST":
            if hook := self.before_push:
                self.before_push = None
                hook()
            if body["base"] != self.version:
                return 409, {"error": {"message": "no"}}
            self.version, self.envelope = self.version + 1, body["envelope"]
        have = path.partition("?have=")[2]
        envelope = self.envelope if method == "GET" and have != str(self.version) else None
        return 200, {"version": self.version, "envelope": envelope}


@contextmanager
def wicked_peer() -> Iterator[WickedPeer]:
    peer = WickedPeer()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "null")
            peer.requests.append(f"{self.command} {self.path.partition('?')[0]}")
            time.sleep(peer.delay_s)
            if peer.answer:
                status, kind, data = peer.answer
            else:
                status, found = peer.reply(self.command, self.path, body)
                now = round(time.time() * 1000) + peer.ahead_ms
                kind, data = (
                    "application/json",
                    json.dumps({"protocol": peer.protocol, "now": now, **found}).encode(),
                )
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data) + (100 if peer.is_cut else 0)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    peer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
