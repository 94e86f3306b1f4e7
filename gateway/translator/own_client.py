"""A client inside of the process: a request goes through the wire endpoint as any other, and all of it is watched.

It needs no API key. Instead its ASGI scope carries a `Grant`, which no request from outside can have. It is
authenticated, routed, limited, accounted and logged like every request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gateway.edge.auth import GRANT, Grant
from gateway.edge.handler import WireHandler
from gateway.records import request_log
from gateway.records.request_log import KEPT_BYTES, Call
from omniroute.types import JSONDict

USER_AGENT = "OmniRoute-translator"
POLL_S = 0.02
"""How often a running call is looked at for what it sent by now."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`path` is canonical; `address` the peer's in whose name it is asked."""

    path: str
    query: str
    body: bytes
    grant: Grant
    address: str = "127.0.0.1"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happened:
    """`kind`: upstream (a request goes out: what it is, so far), head (status and headers), body (bytes of the answer),
    end (the whole exchange, redacted, and its id)."""

    kind: str
    value: Any


@cache
def _handler() -> WireHandler:
    return WireHandler("gateway.urls")


async def watch(ask: Ask) -> AsyncIterator[Happened]:
    """What happens, as it happens. Leaving early is what a client does that hangs up."""
    events: asyncio.Queue[Happened | None] = asyncio.Queue()
    left = asyncio.Event()
    context = copy_context()  # one for both: the teller sees which call the request's own task logs to
    task = asyncio.create_task(_serve(ask, events, left), name="translator's own request", context=context)
    teller = asyncio.create_task(_tell_upstream(events), name="translator's upstream", context=context)
    try:
        while (happened := await events.get()) is not None:
            yield happened
        await task
    finally:
        left.set()
        teller.cancel()
        if not task.done():
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def whole(ask: Ask) -> tuple[int, bytes, JSONDict]:
    """Status and body of the answer, and the exchange as in `end`."""
    status, parts, exchange = 0, [], {}
    async for happened in watch(ask):
        if happened.kind == "head":
            status = happened.value["status"]
        elif happened.kind == "body":
            parts.append(happened.value)
        elif happened.kind == "end":
            exchange = happened.value
    return status, b"".join(parts), exchange


async def _serve(ask: Ask, events: asyncio.Queue[Happened | None], left: asyncio.Event) -> None:
    scope = _scope(ask)
    is_read = False

    async def receive() -> Mapping[str, Any]:
        nonlocal is_read
        if not is_read:
            is_read = True
            return {"type": "http.request", "body": ask.body, "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            value = {"status": message["status"], "headers": _decoded(message["headers"])}
            events.put_nowait(Happened("head", value))
        elif body := message.get("body"):
            events.put_nowait(Happened("body", body))

    _, heard = request_log.begin(scope, ask.body, send)
    try:
        await _handler()(scope, receive, heard)
    finally:
        if (call := request_log.current.get()) is not None:
            shown = await asyncio.to_thread(call.shown, KEPT_BYTES)
            events.put_nowait(Happened("end", {"id": call.request_id, **shown}))
        events.put_nowait(None)


async def _tell_upstream(events: asyncio.Queue[Happened | None]) -> None:
    """Each request to a provider, soon after it went out."""
    told = 0
    while True:
        await asyncio.sleep(POLL_S)
        call: Call | None = request_log.current.get()
        sent = call.sent_by_now if call is not None else []
        for each in sent[told:]:
            events.put_nowait(Happened("upstream", each.shown(KEPT_BYTES)))
        told = len(sent)


def _scope(ask: Ask) -> dict[str, Any]:
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "x-omniroute-no-cache": "true",
        **ask.headers,
    }
    return {
        "type": "http",
        "method": "POST",
        "path": ask.path,
        "query_string": ask.query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "client": (ask.address, 0),
        GRANT: ask.grant,
    }


def _decoded(headers: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
