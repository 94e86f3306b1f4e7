"""The socket behind the home page's live requests, `/ws/live`."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.template.loader import render_to_string

from billing.models import UsageRecord
from billing.queries import recent_requests
from gateway.handler import Receive, Scope, Send
from gateway.records.live import FIELDS, GROUP, ROWS, live
from omniroute.net import is_own_origin

SESSION_S = 300.0
"""A socket is told nothing more after this: the page connects again, and its session is looked at anew."""
EXPIRED = 4001


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Tells an administrator's page each finished request: `requests` as values, `html` as rows of the page's table.

    The first message says what is there already (`replace`), so that a page that was offline is complete again.
    """

    _expires = 0.0
    _closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            live.unwatch(self)

    async def connect(self) -> None:
        """Refused with 403 unless the session may see requests."""
        if not await _may_watch(self.scope["user"]):
            await self.close()
            return
        self._expires = time.monotonic() + SESSION_S
        await self.accept()
        await self.channel_layer.group_add(GROUP, self.channel_name)
        live.watch(self)
        await self.send_json({"replace": True, **await _recent()})

    async def disconnect(self, code: int) -> None:
        live.unwatch(self)
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, text_data: Any = None, bytes_data: Any = None, **kwargs: Any) -> None:
        """A page has nothing to say."""

    async def live_requests(self, event: dict[str, Any]) -> None:
        if self._closed:
            return
        if time.monotonic() > self._expires:
            self._closed = True
            await self.close(EXPIRED)
            return
        await self.send_json({"replace": False, **await _rendered(event["requests"])})


class OwnPagesOnly:
    """Refuses sockets that the page of another site opened: a browser sends the session's cookie along with them."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        if is_own_origin(origin, host, settings.CSRF_TRUSTED_ORIGINS):
            await self._application(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close"})


live_application = OwnPagesOnly(AuthMiddlewareStack(LiveConsumer.as_asgi()))


@database_sync_to_async
def _may_watch(user: Any) -> bool:
    return bool(user.is_active and user.is_staff and user.has_perm("billing.view_usagerecord"))


@database_sync_to_async
def _recent() -> dict[str, Any]:
    rows = list(recent_requests(ROWS))
    return {"requests": [_values(row) for row in rows], "html": _html(rows)}


@database_sync_to_async
def _rendered(requests: list[dict[str, Any]]) -> dict[str, Any]:
    """Newest first, as the page has them."""
    newest = requests[::-1]
    return {"requests": newest, "html": _html([_record(values) for values in newest])}


def _html(rows: list[UsageRecord]) -> str:
    return render_to_string("admin/gateway/request_rows.html", {"requests": rows})


def _values(row: UsageRecord) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in FIELDS}
    cost = None if row.cost is None else str(row.cost)
    return {**values, "created_at": row.created_at.isoformat(), "cost": cost}


def _record(values: dict[str, Any]) -> UsageRecord:
    cost = values["cost"]
    changed = {
        "created_at": datetime.fromisoformat(values["created_at"]),
        "cost": None if cost is None else Decimal(cost),
    }
    return UsageRecord(**{**values, **changed})
