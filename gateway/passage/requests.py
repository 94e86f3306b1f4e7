"""What is sent upstream: a pure function of the client's request and the attempt. Same inputs, same bytes."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import lru_cache, partial

from combos.attempt import Attempt
from combos.resolve import Target
from gateway.exchange import Exchange
from gateway.passage import operations
from gateway.passage.base import Ends, Passage
from gateway.passage.other_format import OtherFormat
from gateway.passage.same_format import SameFormat
from gateway.policies import thinking_fit
from gateway.snapshot import Snapshot
from gateway.upstream import coding
from gateway.wire import get_format
from gateway.wire.base import ModelProfile
from omniroute import __version__
from omniroute.types import InboundRequest, UpstreamRequest
from providers import quirks
from providers.adapters import Draft, adapter_of
from providers.config import AccountConfig
from providers.credentials import auth_headers
from providers.endpoints import choose_endpoint
from providers.families import profile_of
from providers.proxies import Proxy
from providers.refusals.habits import RESPONSES_ONLY
from providers.spec import Endpoint, ProviderSpec

USER_AGENT = f"omniroute/{__version__}"
FORWARDED = ("anthropic-beta", "anthropic-version", "openai-beta")
"""Headers of the client that belong to its request in its own format. All others stay here: they may hold secrets."""
_TRAITS = frozenset(field.name for field in fields(ModelProfile))


def passage_for(inbound: InboundRequest, attempt: Attempt) -> tuple[Passage, Endpoint]:
    """The attempt's endpoint, and the way there: in the client's own format wherever the provider speaks it."""
    target, account = attempt.target, attempt.account
    client = get_format(inbound.format)
    endpoint = _endpoint(target, account, client.provider_format or client.name)
    provider = get_format(endpoint.format)
    known = profile(target.provider, target.model, endpoint.format)
    adapter = adapter_of(target.provider.adapter)
    if inbound.operation in operations.NAMES:
        own = adapter if adapter and inbound.operation in adapter.operations else None
        return operations.passage(Ends(inbound, client, provider, known, own)), endpoint
    plain = client is provider and not (adapter and inbound.array)  # an array is made of what adapters leave
    way = SameFormat if plain else OtherFormat
    return way(Ends(inbound, client, provider, known, adapter)), endpoint


def _endpoint(target: Target, account: AccountConfig, client_format: str) -> Endpoint:
    choose = partial(
        choose_endpoint,
        target.provider,
        variant=account.variant,
        region=account.region,
        base_url=account.base_url,
    )
    endpoint = choose(model=target.model, client_format=client_format)
    traits = quirks.traits_of(target.provider, target.model, endpoint.format)
    if RESPONSES_ONLY in traits:
        other = choose(client_format="openai_responses")
        return other if other.format == "openai_responses" else endpoint
    return endpoint


@lru_cache(maxsize=4096)
def profile(spec: ProviderSpec, model: str, format: str) -> ModelProfile:
    """What the catalog, the user and experience know of the model, for those who write its requests."""
    known = profile_of(spec, model, format)
    profile = ModelProfile(
        provider=spec.id,
        model=model,
        vendor=spec.vendor,
        max_output_tokens=known.max_output_tokens,
        reasoning=known.reasoning,
        vision=known.vision is not False,
        context_window=known.context_window,
    )
    traits = {name: trait for name, trait in quirks.traits_of(spec, model, format).items() if name in _TRAITS}
    return replace(profile, **traits)


def proxy_for(exchange: Exchange, attempt: Attempt, url: str, snapshot: Snapshot) -> Proxy | None:
    """What the attempt goes through; None: nothing."""
    table = snapshot.providers.proxies
    if table.is_empty:
        return None
    combo = exchange.route.combo
    return table.find(
        account=attempt.account.id,
        combo=combo.id if combo else 0,
        provider=attempt.target.provider.id,
        url=url,
    )


def build_upstream_request(way: Passage, endpoint: Endpoint, attempt: Attempt) -> UpstreamRequest:
    inbound, target = way.inbound, attempt.target
    streams = inbound.stream or way.only_streams
    body = way.fields()
    thinking_fit.fit(body, way)
    quirks.apply(body, target.provider, target.model, way.body_format)
    headers = {
        "accept": "text/event-stream" if streams and not way.array else "application/json",
        "accept-encoding": "identity" if streams else coding.ACCEPTED,  # a compressed stream comes in lumps
        "user-agent": USER_AGENT,
    }
    headers.update(auth_headers(endpoint, attempt.account.api_key))
    forwarded = (*endpoint.forward_headers, *(FORWARDED if way.client is way.provider else ()))
    headers.update({name: inbound.headers[name] for name in forwarded if name in inbound.headers})
    url = endpoint.base_url + way.path
    if way.adapter is not None:
        draft = Draft(
            url,
            headers,
            body,
            target.model,
            endpoint.format,
            inbound.stream,
            attempt.account,
            inbound,
            endpoint.preferred_url,
        )
        way.adapter.prepare(draft)
        url, body = draft.url, draft.fields
    content_type, content = way.packed(body)
    headers.setdefault("content-type", content_type)
    return UpstreamRequest(
        method="POST",
        url=url,
        headers=headers,
        body=content,
        format=endpoint.format,
        stream=inbound.stream,
        dropped=way.dropped,
    )
