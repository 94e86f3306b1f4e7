"""The sockets behind pages of live requests: the home page's, `/ws/live`, and the translator's, `/ws/translations`."""

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
from django.utils import timezone

from billing.models import UsageRecord
from billing.usage.queries import recent_requests
from gateway.edge.handler import Receive, Scope, Send
from gateway.records.live import PATH, TRANSLATIONS_PATH, Live, live, translations
from omniroute.net import is_own_origin
from omniroute.viewer import zone_of

SESSION_S = 300.0
"""A socket is told nothing more after this: the page connects again, and its session is looked at anew."""
EXPIRED = 4001


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Tells an administrator's page each finished request: `requests` as values, `html` as rows of the page's table.

    The first message says what is there already (`replace`), so that a page that was offline is complete again.
    """

    feed: Live = live
    template = "admin/gateway/request_rows.html"

    _expires = 0.0
    _closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.feed.unwatch(self)

    async def connect(self) -> None:
        """Refused with 403 unless the session may see requests."""
        if not await _may_watch(self.scope["user"]):
            await self.close()
            return
        self._expires = time.monotonic() + SESSION_S
        await self.accept()
        await self.channel_layer.group_add(self.feed.group, self.channel_name)
        self.feed.watch(self)
        await self.send_json({"replace": True, **await self._recent()})

    async def disconnect(self, code: int) -> None:
        self.feed.unwatch(self)
        await self.channel_layer.group_discard(self.feed.group, self.channel_name)

    async def receive(self, text_data: Any = None, bytes_data: Any = None, **kwargs: Any) -> None:
        """A page has nothing to say."""

    async def live_requests(self, event: dict[str, Any]) -> None:
        if self._closed:
            return
        if time.monotonic() > self._expires:
            self._closed = True
            await self.close(EXPIRED)
            return
        await self.send_json({"replace": False, **await self._rendered(event["requests"])})

    @database_sync_to_async
    def _recent(self) -> dict[str, Any]:
        rows = list(recent_requests(self.feed.rows))
        return {"requests": [_values(row, self.feed.fields) for row in rows], "html": self._html(rows)}

    @database_sync_to_async
    def _rendered(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        """Newest first, as the page has them."""
        newest = requests[::-1]
        return {"requests": newest, "html": self._html([_record(values) for values in newest])}

    def _html(self, rows: list[UsageRecord]) -> str:
        with timezone.override(zone_of(self.scope["cookies"])):
            return render_to_string(self.template, {"requests": rows})


class TranslationsConsumer(LiveConsumer):
    """The same with what became of formats."""

    feed = translations
    template = "admin/gateway/translator/rows.html"


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


SOCKETS = {
    path: OwnPagesOnly(AuthMiddlewareStack(consumer.as_asgi()))
    for path, consumer in ((PATH, LiveConsumer), (TRANSLATIONS_PATH, TranslationsConsumer))
}


@database_sync_to_async
def _may_watch(user: Any) -> bool:
    return bool(user.is_active and user.is_staff and user.has_perm("billing.view_usagerecord"))


def _values(row: UsageRecord, fields: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in fields}
    cost = None if row.cost is None else str(row.cost)
    return {**values, "created_at": row.created_at.isoformat(), "cost": cost}


def _record(values: dict[str, Any]) -> UsageRecord:
    cost = values["cost"]
    changed = {
        "created_at": datetime.fromisoformat(values["created_at"]),
        "cost": None if cost is None else Decimal(cost),
    }
    return UsageRecord(**{**values, **changed})
