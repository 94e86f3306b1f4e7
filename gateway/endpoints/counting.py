"""How many tokens a request has: the provider's own count where it offers one, else an honest local estimate.

Clients call this often and treat a failure as fatal, so beyond the client's own mistakes nothing here fails
(docs/protocol-notes.md, Counting). Counting costs nothing and is not in the usage.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from combos.attempt import Attempt
from gateway.edge.auth import Caller
from gateway.exchange import Exchange
from gateway.opening import open_exchange
from gateway.passage.requests import build_upstream_request, passage_for, proxy_for
from gateway.planning import rehearsal
from gateway.preparation.steps import ready
from gateway.snapshot import Snapshot
from gateway.upstream import send
from gateway.wire import get_format, ir, json, tokens
from gateway.wire.gemini import listing
from omniroute.errors import GatewayError, InvalidRequest
from omniroute.types import InboundRequest, JSONDict, UpstreamRequest
from providers.oauth import renewal

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
_COUNTED = frozenset(
    {
        "messages",
        "model",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "cache_control",
        "output_config",
        "speed",
    }
    | {"output_format", "context_management", "mcp_servers", "compaction"}
)
"""All that Anthropic's count_tokens takes (`MessageCountTokensParams` of its SDK, betas included)."""


async def count(inbound: InboundRequest, caller: Caller, request: ir.Request) -> int:
    """Input tokens. `request` is the inbound one, parsed. Raise `ClientError` for an unknown key or model."""
    exchange, snapshot = await open_exchange(inbound, caller)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            counted = await _ask(exchange, snapshot)
    except (GatewayError, TimeoutError) as error:
        logger.info("Tokens are estimated, %s does not count them: %s", inbound.model, error)
        counted = None
    return tokens.estimate(request) if counted is None else counted


async def _ask(exchange: Exchange, snapshot: Snapshot) -> int | None:
    """The first target's word; another model's count would be no better than an estimate."""
    plan = rehearsal(exchange.route, snapshot, stream=False, key=exchange.key)
    attempt = next(iter(plan), None)
    if attempt is None:
        return None
    if attempt.account.stale_at <= time.time():
        attempt = replace(attempt, account=await renewal.ready(attempt.account))
    asked = _question(exchange.inbound, await ready(attempt))
    if asked is None:
        return None
    request, read = asked
    proxy = proxy_for(exchange, attempt, request.url, snapshot)
    upstream = await send(request, snapshot.timeouts.connect, snapshot.timeouts.idle, proxy=proxy)
    try:
        answer = json.loads(await upstream.read_all())
    finally:
        upstream.close()
    return read(answer) if isinstance(answer, dict) else None


def _question(
    inbound: InboundRequest, attempt: Attempt
) -> tuple[UpstreamRequest, Callable[[JSONDict], int]] | None:
    """The request to the endpoint that counts, and how to read its answer; None where the format has no such thing."""
    way, endpoint = passage_for(inbound, attempt)
    fields = way.fields()
    if way.adapter is not None and not way.adapter.counts_tokens:
        return None
    if endpoint.format == "anthropic_messages":
        path, reader = "/messages/count_tokens", _anthropic_count
        fields = {name: value for name, value in fields.items() if name in _COUNTED}
    elif endpoint.format == "gemini":
        body, model, reader = json.decode_all(fields), attempt.target.model, listing.parse_count
        own = way.adapter.count_request(body, model) if way.adapter is not None else None
        path, fields = own or (listing.count_path(model), listing.emit_count_request(body, model))
    else:
        return None
    request = build_upstream_request(way, endpoint, attempt)
    query = f"?{parts.query}" if (parts := urlsplit(request.url)).query else ""
    return replace(request, url=endpoint.base_url + path + query, body=json.dumps(fields)), reader


def _anthropic_count(body: JSONDict) -> int:
    counted = body.get("input_tokens")
    if not isinstance(counted, int):
        raise InvalidRequest("The provider did not count the tokens")
    return counted


def parse(inbound: InboundRequest) -> ir.Request:
    """The request in the neutral form. Raise `InvalidRequest`."""
    body = json.decode_all(dict(inbound.fields))
    if inbound.format == "gemini":
        return listing.parse_count_request(body, inbound.model)
    return get_format(inbound.format).parse_request(body, inbound.model, False)
