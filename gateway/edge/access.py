"""Access by address, for whatever comes in: requests to models, the admin, the API, sockets."""

from __future__ import annotations

import time

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from gateway import snapshot as snapshots
from gateway.edge.handler import Scope, Send, peer
from gateway.edge.inbound import request_id
from gateway.edge.paths import format_for
from gateway.edge.responses import error_response
from gateway.wire import get_format, json
from omniroute.errors import Forbidden
from resilience.ip_filter import IpFilter


async def refusal(scope: Scope) -> str:
    """Why the peer may not talk to the gateway; "" where it may."""
    snapshot = await snapshots.current()
    rules = snapshot.patience.config.ip_filter
    if rules.is_idle:
        return ""
    return rules.refusal(peer(scope), time.time())


async def refuse(scope: Scope, send: Send, reason: str, *, wire: bool) -> None:
    """403 in the client's wire format, `{"error": reason}` elsewhere."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    if wire:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        error = Forbidden(reason, code="address_refused")
        own = {"x-request-id": request_id()}
        body = error_response(get_format(format_for(scope["path"], headers)), error, own).content
    else:
        own, body = {}, json.dumps({"error": reason})
    headers_out = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers_out += [(name.encode(), value.encode()) for name, value in own.items()]
    await send({"type": "http.response.start", "status": 403, "headers": headers_out})
    await send({"type": "http.response.body", "body": body})


def refuse_own_lockout(request: HttpRequest, rules: IpFilter) -> None:
    """Raise `ValidationError` where the rules would lock out the very address that sets them."""
    address = request.META.get("REMOTE_ADDR", "")
    if rules.refusal(address, time.time()):
        raise ValidationError(f"This would lock you out: your own address is {address}.")
