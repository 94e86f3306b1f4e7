"""A request before its first attempt: who asks, for what, and whether they may."""

from __future__ import annotations

from django.conf import settings

from combos.resolve import Route, resolve
from gateway import policies
from gateway import snapshot as snapshots
from gateway.edge.auth import Caller, authenticate
from gateway.exchange import Exchange
from gateway.planning import is_connected
from gateway.records.telemetry import Laps
from gateway.snapshot import Snapshot
from omniroute.errors import ClientError, Forbidden
from omniroute.types import InboundRequest


async def open_exchange(inbound: InboundRequest, caller: Caller) -> tuple[Exchange, Snapshot]:
    """Who asks, and for what. What misses is looked up once more in the newest configuration before it is refused."""
    snapshot = await snapshots.current()
    try:
        exchange = _admit(inbound, caller, snapshot)
        if is_connected(exchange.route, snapshot):
            return exchange, snapshot
        newer = await snapshots.newer_than(snapshot)
        if newer is None:
            return exchange, snapshot
    except ClientError:
        newer = await snapshots.newer_than(snapshot)
        if newer is None:
            raise
    return _admit(inbound, caller, newer), newer


def _admit(inbound: InboundRequest, caller: Caller, snapshot: Snapshot) -> Exchange:
    laps = Laps(caller.received, "parse")
    key = authenticate(caller, snapshot.billing, required=settings.REQUIRE_API_KEY)
    laps.end("validate")
    route = route_of(inbound.model, snapshot)
    if key is not None and not key.allows(inbound.model):
        raise Forbidden(f"This API key may not use the model {inbound.model!r}", param="model")
    laps.end("resolve")
    inbound = policies.apply(inbound, snapshot.policies)
    laps.end("policy")
    only = caller.grant.account_id if caller.grant is not None else 0
    return Exchange(inbound, route, key, caller.address, only_account=only, laps=laps)


def route_of(model: str, snapshot: Snapshot) -> Route:
    """`resolve`, remembered for as long as the configuration stands."""
    route = snapshot.routes.get(model)
    if route is None:
        route = resolve(model, snapshot.combos, snapshot.providers)
        snapshots.remembered(snapshot.routes, model, route)
    return route
