"""A client's request as it would be sent: in another format, or to a provider, by the pipeline's own parts.

Nothing is sent, counted or kept; no address in it is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from combos.attempt import Attempt
from gateway import policies
from gateway.edge.inbound import check_model, parse
from gateway.opening import route_of
from gateway.passage.base import Ends, Passage
from gateway.passage.other_format import OtherFormat
from gateway.passage.requests import build_upstream_request, passage_for, profile
from gateway.passage.same_format import SameFormat
from gateway.records import redaction
from gateway.snapshot import Snapshot
from gateway.translator import changes, reading
from gateway.translator.changes import Change
from gateway.translator.formats import MODELS, VENDORS
from gateway.wire import get_format, ir, json
from gateway.wire.base import WireFormat
from omniroute.errors import InvalidRequest
from omniroute.types import InboundRequest, JSONDict
from providers.config import AccountConfig

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_completions": "/v1/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """A provider by id or prefix, and one of its accounts; 0: the first in use."""

    provider: str
    account: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    neutral: ir.Request
    target: WireFormat
    body: Any
    """In the target's format."""
    changes: list[Change]
    whole: JSONDict | None = None
    """Method, address, headers and body, for a destination."""
    name: str = ""


def path_of(format: str, model: str, stream: bool) -> str:
    """Path and query that a client of the format calls."""
    if format != "gemini":
        return PATHS[format]
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{model}:{method}"


def in_format(
    inbound: InboundRequest, source: WireFormat, target: WireFormat, model: str, snapshot: Snapshot
) -> Sent:
    """Raise `InvalidRequest`."""
    parsed = _parsed(inbound, source)
    way = _plain(inbound, source, target, model, snapshot)
    body = json.loads(json.dumps(way.fields()))
    found = _changes(way, body)
    if way.profile.model != inbound.model:
        found.append(Change("model", "changed", f"written for {way.profile.model}"))
    return Sent(parsed, target, body, found)


def to_provider(
    inbound: InboundRequest, source: WireFormat, destination: Destination, model: str, snapshot: Snapshot
) -> Sent:
    """Raise `InvalidRequest`."""
    parsed = _parsed(inbound, source)
    attempt = attempt_at(destination, model or inbound.model, snapshot)
    ruled = policies.apply(inbound, snapshot.policies)
    way, endpoint = passage_for(ruled, attempt)
    if isinstance(way, OtherFormat):
        way.keeps_signatures = False
    body = json.loads(json.dumps(way.fields()))
    request = build_upstream_request(way, endpoint, attempt)
    name = attempt.target.provider.name
    final = json.loads(request.body)
    named = attempt.target.model
    found = [
        *([Change("model", "changed", f"{named}, as {name} calls it")] if named != inbound.model else []),
        *changes.between(_decoded(inbound), _decoded(ruled), "a policy of this gateway: Gateway settings"),
        *_changes(way, body),
        *changes.between(body, final, f"made to fit {name}: what its catalog entry and experience say"),
    ]
    whole = {
        "method": request.method,
        "url": redaction.url(request.url),
        "headers": redaction.headers(request.headers.items()),
        "body": final,
    }
    return Sent(parsed, get_format(endpoint.format), body, changes.unique(found), whole, name)


def read(data: bytes, source: WireFormat, model: str = "", stream: bool = False) -> InboundRequest:
    """Raise `InvalidRequest` where the endpoint would, but for a model that is not there."""
    body = reading.object_of(data)
    named = body.get("model")
    known = named if isinstance(named, str) and named else model or MODELS[source.name]
    return parse(
        data,
        format=source.name,
        path=path_of(source.name, "model", stream).partition("?")[0],
        headers={},
        model=check_model(known.removeprefix("models/")),
        stream=stream if source.name == "gemini" else None,
    )


def attempt_at(destination: Destination, model: str, snapshot: Snapshot) -> Attempt:
    """Raise `InvalidRequest` for a provider, an account or a model that is not there."""
    spec = snapshot.providers.find(destination.provider)
    if spec is None:
        raise InvalidRequest(f"There is no provider {destination.provider[:100]!r}", param="provider")
    accounts = snapshot.providers.accounts.get(spec.id, ())
    account = next((each for each in accounts if destination.account in (0, each.id)), None)
    if account is None and (destination.account or spec.adapter):
        raise InvalidRequest(f"{spec.name} has no such active account", param="provider", code="no_account")
    name = check_model(model)
    prefixed = snapshot.providers.find(name.partition("/")[0]) is spec and "/" in name
    route = route_of(name if prefixed else f"{spec.shown_prefix}/{name}", snapshot)
    target = next((each for each in route.targets if each.provider.id == spec.id), None)
    if target is None:
        raise InvalidRequest(f"{name!r} leads to no model of {spec.name}", param="model")
    return Attempt(target, account or AccountConfig(0, spec.id, "no account"))


def _parsed(inbound: InboundRequest, source: WireFormat) -> ir.Request:
    return source.parse_request(_decoded(inbound), inbound.model, inbound.stream)


def _plain(
    inbound: InboundRequest, source: WireFormat, target: WireFormat, model: str, snapshot: Snapshot
) -> Passage:
    """Between two formats, for a model of the target's inventor: the one that is named, or one that can do it all."""
    spec = snapshot.providers.specs[VENDORS[target.name]]
    if not model:
        known = any(each.id == inbound.model for each in spec.models)
        model = inbound.model if known or source is target else MODELS[target.name]
    ends = Ends(inbound, source, target, profile(spec, model, target.name))
    if source is target:
        return SameFormat(ends)
    way = OtherFormat(ends)
    way.keeps_signatures = False
    return way


def _changes(way: Passage, body: Any) -> list[Change]:
    if isinstance(way, OtherFormat):
        return changes.of_passage(way)
    return changes.between(_decoded(way.inbound), body, "the model, and the wish for usage in streams")


def _decoded(inbound: InboundRequest) -> JSONDict:
    return json.decode_all(dict(inbound.fields))
