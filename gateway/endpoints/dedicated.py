"""`/v1/providers/{provider}/...`: the wire endpoints, for one provider's models only (docs/routing.md).

The prefix may be left out. A model of another provider is refused, so that nothing is spent where it was not meant to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from gateway import pipeline
from gateway import snapshot as snapshots
from gateway.edge import uploads
from gateway.edge.handler import WireRequest
from gateway.edge.inbound import parse
from gateway.edge.paths import format_for
from omniroute.errors import InvalidRequest
from omniroute.types import InboundRequest
from providers.config import ProvidersConfig
from providers.spec import ProviderSpec

router = Router()
_OPERATIONS = {
    "chat/completions": "generate",
    "messages": "generate",
    "responses": "generate",
    "embeddings": "embed",
    "images/generations": "image",
    "moderations": "moderate",
    "rerank": "rerank",
    "audio/speech": "speak",
}
"""What the endpoints with a JSON body ask for."""


def operation_of(endpoint: str) -> Callable[[HttpRequest, str], Awaitable[HttpResponseBase]]:
    """The ninja operation of one of `_OPERATIONS`."""
    format, operation = format_for(f"/v1/{endpoint}"), _OPERATIONS[endpoint]
    streams = operation == "generate"

    async def serve(request: HttpRequest, provider: str) -> HttpResponseBase:
        assert isinstance(request, WireRequest)
        caller = request.caller
        inbound = parse(
            request.body,
            format=format,
            path=request.path,
            headers=caller.headers,
            operation=operation,
            stream=None if streams else False,
        )
        return await pipeline.serve(await of_provider(inbound, provider), caller)

    return serve


for endpoint in _OPERATIONS:
    router.post(f"/v1/providers/{{provider}}/{endpoint}")(operation_of(endpoint))


async def of_provider(inbound: InboundRequest, provider: str) -> InboundRequest:
    """The request with the provider's prefix in front of the model. Raise `InvalidRequest`."""
    snapshot = await snapshots.current()
    spec = snapshot.providers.find(provider)
    if spec is None and (newer := await snapshots.newer_than(snapshot)) is not None:
        snapshot = newer
        spec = snapshot.providers.find(provider)
    if spec is None:
        raise InvalidRequest(f"There is no provider {provider[:60]!r}", code="unknown_provider")
    return replace(inbound, model=prefixed(inbound.model, spec, snapshot.providers))


def prefixed(model: str, spec: ProviderSpec, providers: ProvidersConfig) -> str:
    """`prefix/model` for what may come with this provider's prefix or without any.

    Ids with slashes of their own are told from prefixes by what the provider lists: `openai/gpt-4o` is a model of
    OpenRouter's, which names its models by their makers. Raise `InvalidRequest` for another provider's prefix.
    """
    first, slash, rest = model.partition("/")
    if not slash or spec.model_spec(model) is not None:
        return f"{spec.shown_prefix}/{model}"
    named = providers.find(first)
    if named is not None and named.id == spec.id:
        return f"{spec.shown_prefix}/{rest}"
    if named is not None and not any(known.id.startswith(f"{first}/") for known in spec.models):
        raise InvalidRequest(
            f"The model {model!r} belongs to {named.name}; expected prefix {spec.shown_prefix}/",
            code="provider_mismatch",
            param="model",
        )
    return f"{spec.shown_prefix}/{model}"


@router.post("/v1/providers/{provider}/audio/translations")
@router.post("/v1/providers/{provider}/audio/transcriptions")
async def transcriptions(request: HttpRequest, provider: str) -> HttpResponseBase:
    assert isinstance(request, WireRequest)
    caller = request.caller
    inbound = await uploads.parse(
        request.body, path=request.path, headers=caller.headers, operation="transcribe"
    )
    return await pipeline.serve(await of_provider(inbound, provider), caller)
