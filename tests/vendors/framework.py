"""A vendor as a small ASGI application under uvicorn, in a thread of the test."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl

import uvicorn

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request, as the vendor got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        if "form" not in self.headers.get("content-type", ""):
            return {}
        return {name: items[0] for name, items in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Json:
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").partition(" ")[2]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def chunks(self) -> list[bytes]:
        """What is sent one by one: a list of bytes as it is, anything else in one piece."""
        if isinstance(self.body, list) and self.body and isinstance(self.body[0], bytes):
            return self.body
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return [text.encode()]


class Refused(Exception):
    """Ends a handler with an error answer."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        super().__init__(status)
        self.reply = Reply(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


Handler = Callable[[Any, Asked], Any]
_ROUTES = "_route"


def on(route: str) -> Callable[[Handler], Handler]:
    """Serve "METHOD /path" with this method, which returns JSON, a `Reply` or text, or raises `Refused`."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, _ROUTES, route)
        return handler

    return mark


class VendorApp:
    """`asked` is everything that came; `fails` are replies to give instead, one by one, by route."""

    provider = ""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.fails: dict[str, list[Reply]] = {}
        self.delay_s = 0.0
        self.lock = threading.Lock()
        marked = (getattr(self, name) for name in dir(type(self)) if not name.startswith("__"))
        self.routes = {getattr(each, _ROUTES): each for each in marked if hasattr(each, _ROUTES)}

    def overlay_lines(self) -> dict[str, str]:
        """Fields of `[providers.<id>.oauth]`, as TOML values."""
        return {}

    @property
    def overlay(self) -> str:
        lines = "".join(f"{name} = {value}\n" for name, value in self.overlay_lines().items())
        return f"[providers.{self.provider}.oauth]\n{lines}"

    def calls(self, route: str) -> list[Asked]:
        method, _, path = route.partition(" ")
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]

    def fail(self, route: str, *replies: Reply) -> None:
        self.fails.setdefault(route, []).extend(replies)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = await _read(scope, receive)
        import asyncio

        reply = await asyncio.to_thread(self._answer, asked)
        kind = "text/html" if isinstance(reply.body, str) else "application/json"
        headers = {"content-type": kind, **reply.headers}
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        for chunk in reply.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _answer(self, asked: Asked) -> Reply:
        route = f"{asked.method} {asked.path}"
        time.sleep(self.delay_s)
        with self.lock:
            self.asked.append(asked)
            if self.fails.get(route):
                return self.fails[route].pop(0)
            handler = self.routes.get(route) or self.routes.get(
                f"{asked.method} {asked.path.rsplit('/', 1)[0]}/*"
            )
            if handler is None:
                return Reply(404, "<html>Not Found</html>")
            try:
                found = handler(asked)
            except Refused as refused:
                return refused.reply
        return found if isinstance(found, Reply) else Reply(200, found)


async def _read(scope: Any, receive: Any) -> Asked:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    return Asked(scope["method"], scope["path"], query, headers, b"".join(chunks))


App = TypeVar("App", bound=VendorApp)


class _Server(uvicorn.Server):
    """Ends at once: uvicorn's own looks every 0.1 s whether it is to end, and gives its connections as long."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended: Future[None] = Future()

    async def main_loop(self) -> None:
        await asyncio.wrap_future(self.ended)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()


@contextmanager
def running(app: App) -> Iterator[App]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    app.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield app
    finally:
        server.ended.set_result(None)
        thread.join(10)
        listener.close()


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def jwt(claims: Json) -> str:
    def part(value: Json) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}.c2lnbmF0dXJl"
