"""A lean ASGI handler for the wire endpoints, and for them only.

Django's own handler makes a thread pool per request, runs the sync receivers of `request_started` in threads, and
closes the response through another: 1.15 ms of CPU before the first line of a view (docs/decisions.md). This one reads
the body, builds the request, resolves the URL and sends the response, with none of these hops, and without middleware:
sessions, CSRF and templates have no business here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver
from django.utils.functional import cached_property

from gateway.edge import encodings
from gateway.edge.auth import GRANT, Caller, count_wrong_key
from gateway.edge.inbound import request_id
from gateway.edge.paths import format_for
from gateway.edge.responses import Pulse, Streaming, error_response
from gateway.records import request_log
from gateway.wire import get_format
from omniroute.errors import GatewayError, MethodNotAllowed, NotFound

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

WATCH_AFTER_S = 0.05
"""Requests that take less never pay for watching whether their client is still there."""
DRAIN_FACTOR = 4
"""How many times the limit is read and thrown away, so that a client that sends too much gets to read why."""


_ENDPOINTS = (
    "Endpoints are /v1/chat/completions, /v1/responses, /v1/messages, "
    "/v1beta/models/{model}:generateContent and /v1/models"
)


class ClientLeft(Exception):
    """The connection closed before the request was complete."""


class WireHandler:
    """ASGI application for canonical paths (see `paths`). `urlconf` names the module with the wire endpoints."""

    def __init__(self, urlconf: str) -> None:
        self._resolve = lru_cache(maxsize=2048)(get_resolver(urlconf).resolve)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        watcher = _Watcher(receive, task)
        call: request_log.Call | None = None
        try:
            body = await _read_body(scope, receive)
            if encoding := headers.get("content-encoding"):
                body = await asyncio.to_thread(encodings.decode, body, encoding, settings.MAX_BODY_BYTES)
            if settings.ENABLE_REQUEST_LOGS:
                call, send = request_log.begin(scope, body, send)
            watcher.start()
            await _send(await self._respond(scope, headers, body), send, origin)
        except ClientLeft:
            return
        except asyncio.CancelledError:
            if not watcher.saw_client_leave:
                raise
            task.uncancel()
        except GatewayError as error:
            format = get_format(format_for(scope["path"], headers))
            told = count_wrong_key(error, peer(scope))
            await _send(error_response(format, told, {"x-request-id": request_id()}), send, origin)
        finally:
            watcher.stop()
            if call is not None:
                request_log.writer().submit(call)

    async def _respond(self, scope: Scope, headers: dict[str, str], body: bytes) -> HttpResponseBase:
        """Raise `GatewayError`, and nothing else."""
        if scope["method"] == "OPTIONS":
            return _preflight(headers)
        request = WireRequest(scope, headers, body)
        try:
            match = self._resolve(request.path_info)
        except Resolver404:
            raise NotFound(f"There is no {request.method} {request.path[:200]} here. {_ENDPOINTS}") from None
        request.resolver_match = match
        try:
            response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
        except GatewayError:
            raise
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            raise GatewayError("The gateway failed; its log says why") from None
        if response.status_code == 405:
            raise MethodNotAllowed(f"{request.path[:200]} does not take {scope['method']}")
        return response


class WireRequest(HttpRequest):
    """As much of Django's request as an endpoint looks at, its body at hand, and who sent it.

    Its headers are the caller's: `META` has none, since putting them there takes longer than anybody who reads them.
    """

    def __init__(self, scope: Scope, headers: dict[str, str], body: bytes) -> None:
        self.method, self.path = _asked(scope["method"]), scope["path"]
        self.path_info = self.path
        query = scope["query_string"].decode("latin-1")
        self.META = {"REQUEST_METHOD": self.method, "QUERY_STRING": query}
        self.caller = Caller(peer(scope), headers, query, grant=scope.get(GRANT))
        self._body = body

    @cached_property
    def GET(self) -> QueryDict:  # type: ignore[override]  # Django's is an attribute, and as immutable
        return QueryDict(self.META["QUERY_STRING"])


def peer(scope: Scope) -> str:
    """The client's address. A forwarding header counts only from a trusted proxy: the server has settled that."""
    client = scope.get("client")
    return client[0] if client else "127.0.0.1"


def _asked(method: str) -> str:
    """HEAD is answered like GET; the server leaves the body out."""
    return "GET" if method == "HEAD" else method


def _preflight(headers: dict[str, str]) -> HttpResponse:
    """A browser asks what it may send. It holds no key yet, so the answer is the same for everybody."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": "86400",
    }
    return HttpResponse(status=204, headers=allowed)


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """Raise `RequestTooLarge` once the body is known to be too large; what still comes is read and dropped."""
    limit = settings.MAX_BODY_BYTES
    message = await receive()
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk = message.get("body", b"")
        size += len(chunk)
        if not message.get("more_body", False):
            break
        if size <= limit:
            chunks.append(chunk)
        elif size > DRAIN_FACTOR * limit:
            break
        message = await receive()
    if size > limit:
        raise encodings.too_large(limit)
    return b"".join((*chunks, chunk)) if chunks else chunk


async def _send(response: HttpResponseBase, send: Send, origin: str | None = None) -> None:
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    if origin is not None:
        headers += [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*")]
    if isinstance(response, Streaming):
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})

        async def write(part: bytes) -> None:
            pulse.beat()
            await send({"type": "http.response.body", "body": part, "more_body": True})

        pulse = Pulse(write, response.sign_of_life, response.silence_s)
        try:
            await response.stream_to(write)
        finally:
            pulse.stop()
        await send({"type": "http.response.body", "body": b""})
        return
    body = response.content  # type: ignore[attr-defined]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Watcher:
    """Cancels the request's task when its client leaves. Costs one timer until a request is `WATCH_AFTER_S` old."""

    def __init__(self, receive: Receive, task: asyncio.Task[Any]) -> None:
        self._receive, self._task = receive, task
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self.saw_client_leave = False

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._timer = self._watch = None  # both hold the watcher

    def _begin(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.saw_client_leave = True
        self._task.cancel()
