"""What goes over the wire, kept for the request log: only where ENABLE_REQUEST_LOGS says so, and beside the request.

While a request runs, the beginnings of what is sent and received are kept by reference. Everything that costs -
redaction, packing, the write - is done by a thread of its own, behind the answer's last byte. The handler makes a
`Call` the context's own; `upstream.send` adds to it what is exchanged with providers, whichever task asks for it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any

from django.db import DatabaseError, close_old_connections

from billing.usage import request_logs
from gateway.records import redaction
from omniroute.types import JSONDict, UpstreamRequest

logger = logging.getLogger(__name__)

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

KEPT_BYTES = 256 * 1024
"""Of each body, in memory. Redaction shortens it (images become stubs), then the setting's limit holds."""
MAX_PENDING_BYTES = 64 * 1024 * 1024
"""Of calls that wait for being written. Beyond it, calls go unlogged: a log must not become the trouble."""
BATCH = 20

current: ContextVar[Call | None] = ContextVar("request log", default=None)


class Body:
    """The beginning of what was sent, and how much it was."""

    __slots__ = ("_parts", "kept", "size")

    def __init__(self, part: bytes = b"") -> None:
        self._parts: list[bytes] = []
        self.kept = self.size = 0
        self.add(part)

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if part and self.kept < KEPT_BYTES:
            part = part[: KEPT_BYTES - self.kept]
            self._parts.append(part)
            self.kept += len(part)

    def shown(self, limit: int) -> Any:
        return redaction.body(b"".join(self._parts), self.size, limit)


@dataclass(slots=True)
class Sent:
    """One request to a provider, and its answer."""

    request: UpstreamRequest
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Body = field(default_factory=Body)
    error: str = ""
    """Why there was no answer."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, headers

    def shown(self, limit: int) -> JSONDict:
        request = self.request
        shown: JSONDict = {
            "request": {
                "method": request.method,
                "url": redaction.url(request.url),
                "headers": redaction.headers(request.headers.items()),
                "body": Body(request.body).shown(limit),
            }
        }
        if request.dropped:
            shown["dropped"] = list(request.dropped)
        if self.status is not None:
            shown["response"] = {
                "status": self.status,
                "headers": redaction.headers(self.headers.items()),
                "body": self.answer.shown(limit),
            }
        if self.error:
            shown["error"] = redaction.text(self.error)
        return shown


class Call:
    """A client's request with all that came of it. `request_id` is set once there is one; without it, nobody could look
    the call up."""

    __slots__ = ("_answer", "_body", "_headers", "_query", "_scope", "_sent", "_status", "request_id")

    def __init__(self, scope: Mapping[str, Any], body: bytes) -> None:
        self._scope, self._body = scope, body
        self._sent: list[Sent] = []
        self._status: int | None = None
        self._headers: Iterable[tuple[bytes, bytes]] = ()
        self._answer = Body()
        self.request_id = ""

    def sent(self, request: UpstreamRequest) -> Sent:
        sent = Sent(request)
        self._sent.append(sent)
        return sent

    @property
    def sent_by_now(self) -> list[Sent]:
        """A copy: more may be added."""
        return list(self._sent)

    def hearing(self, send: Send) -> Send:
        """`send`, keeping what goes through it."""

        async def heard(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._status, self._headers = message["status"], message["headers"]
            else:
                self._answer.add(message.get("body", b""))
            await send(message)

        return heard

    @property
    def weight(self) -> int:
        """Bytes in memory, about."""
        upstream = sum(len(sent.request.body) + sent.answer.kept for sent in self._sent)
        return len(self._body) + self._answer.kept + upstream

    def shown(self, limit: int) -> JSONDict:
        """Redacted, every body at most `limit` bytes."""
        scope = self._scope
        query = scope["query_string"].decode("latin-1")
        shown: JSONDict = {
            "request": {
                "method": scope["method"],
                "path": redaction.url(f"{scope['path']}?{query}" if query else scope["path"]),
                "headers": redaction.headers(_decoded(scope["headers"])),
                "body": Body(self._body).shown(limit),
            },
            "upstream": [sent.shown(limit) for sent in self._sent],
        }
        if self._status is not None:
            shown["response"] = {
                "status": self._status,
                "headers": redaction.headers(_decoded(self._headers)),
                "body": self._answer.shown(limit),
            }
        return shown


def begin(scope: Mapping[str, Any], body: bytes, send: Send) -> tuple[Call, Send]:
    """The call that is this task's from now on, and of the tasks that it starts; and what to send its answer with."""
    call = Call(scope, body)
    current.set(call)
    return call, call.hearing(send)


def note_id(request_id: str) -> None:
    """What the call's usage row will be called."""
    if (call := current.get()) is not None:
        call.request_id = request_id


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


class Writer:
    """One per process, with a thread of its own. What cannot be written is said so in the process's log, and lost."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._pending: deque[tuple[Call, int]] = deque()
        self._bytes = 0
        self._lost = 0
        self._lock = Lock()

    def submit(self, call: Call) -> None:
        """Returns at once."""
        if not call.request_id:
            return
        weight = call.weight
        with self._lock:
            if self._bytes + weight > MAX_PENDING_BYTES:
                self._lost += 1
                return
            self._bytes += weight
            self._pending.append((call, weight))
            idle = len(self._pending) == 1
        if idle:
            self._thread.submit(self._run)

    def flush(self) -> None:
        """Blocking: return when everything submitted so far is written."""
        self._thread.submit(lambda: None).result()

    def _run(self) -> None:
        close_old_connections()
        while self._pending:
            batch = [self._pending[number] for number in range(min(BATCH, len(self._pending)))]
            try:
                settings = request_logs.settings()
                request_logs.save(
                    [(call.request_id, call.shown(settings.body_limit)) for call, _ in batch], settings
                )
            except (DatabaseError, OSError) as error:
                logger.warning("Request logs were not written: %s", error)
            except Exception:
                logger.exception("Request logs could not be made")
            self._forget(batch)

    def _forget(self, batch: Sequence[tuple[Call, int]]) -> None:
        with self._lock:
            for _, weight in batch:
                self._pending.popleft()
                self._bytes -= weight
            lost, self._lost = self._lost, 0
        if lost:
            logger.warning("%d requests went unlogged: they come faster than their bodies are written", lost)


@cache
def writer() -> Writer:
    """The process's own."""
    return Writer()
