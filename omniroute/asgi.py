"""The ASGI application: wire endpoints by the lean handler, everything else by Django, sockets by Channels.

Works under any ASGI server. Those that speak the lifespan protocol get a warm start and a clean end; under the others
(daphne) the first request does what start-up would have done.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
django.setup(set_prefix=False)

from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from gateway.edge import access  # noqa: E402
from gateway.edge.handler import Receive, Scope, Send, WireHandler  # noqa: E402
from gateway.edge.paths import canonical  # noqa: E402
from gateway.lifecycle import start, stop  # noqa: E402
from gateway.records.consumers import SOCKETS  # noqa: E402

django_application = ASGIHandler()
wire_application = WireHandler("gateway.urls")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    kind = scope["type"]
    path = canonical(scope["path"]) if kind == "http" else None
    if kind != "lifespan" and (reason := await access.refusal(scope)):
        await access.refuse(scope, send, reason, wire=path is not None)
    elif kind == "http":
        if path is None:
            await django_application(scope, receive, send)
        else:
            scope["path"] = path
            await wire_application(scope, receive, send)
    elif kind == "lifespan":
        await _lifespan(receive, send)
    elif kind == "websocket":
        await SOCKETS.get(scope["path"], _refuse_socket)(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    background: list[asyncio.Task[Any]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            background = await start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await stop(background)
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Codex asks for one under /v1/responses, and falls back to HTTP at once on 426."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 426, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close"})
