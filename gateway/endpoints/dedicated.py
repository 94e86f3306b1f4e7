"""`/v1/providers/{provider}/...`: the wire endpoints, for one provider's models only (docs/routing.md).

The prefix may be left out. A model of another provider is refused, so that nothing is spent where it was not meant to.
"""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from gateway import pipeline
from gateway import snapshot as snapshots
from gateway.edge import uploads
from gateway.edge.auth import Caller
from gateway.edge.handler import WireRequest
from gateway.edge.inbound import parse
from gateway.edge.paths import format_for
from omniroute.errors import InvalidRequest
from omniroute.types import InboundRequest
from providers.config import ProvidersConfig
from providers.spec import ProviderSpec

router = Router()
_OPERATIONS = {
    "embeddings": "embed",
    "images/generations": "image",
    "moderations": "moderate",
    "rerank": "rerank",
    "audio/speech": "speak",
}
"""Whose answers are no streams."""


async def serve(request: HttpRequest, provider: str, endpoint: str) -> HttpResponseBase:
    assert isinstance(request, WireRequest)
    caller: Caller = request.caller
    operation = _OPERATIONS.get(endpoint)
    inbound = parse(
        request.body,
        format=format_for(f"/v1/{endpoint}"),
        path=request.path,
        headers=caller.headers,
        operation=operation or "generate",
        stream=False if operation else None,
    )
    return await pipeline.serve(await of_provider(inbound, provider), caller)


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


@router.post("/v1/providers/{provider}/chat/completions")
async def chat_completions(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "chat/completions")


@router.post("/v1/providers/{provider}/messages")
async def messages(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "messages")


@router.post("/v1/providers/{provider}/responses")
async def responses(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "responses")


@router.post("/v1/providers/{provider}/embeddings")
async def embeddings(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "embeddings")


@router.post("/v1/providers/{provider}/images/generations")
async def images(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "images/generations")


@router.post("/v1/providers/{provider}/moderations")
async def moderations(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "moderations")


@router.post("/v1/providers/{provider}/rerank")
async def rerank(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "rerank")


@router.post("/v1/providers/{provider}/audio/speech")
async def speech(request: HttpRequest, provider: str) -> HttpResponseBase:
    return await serve(request, provider, "audio/speech")


@router.post("/v1/providers/{provider}/audio/translations")
@router.post("/v1/providers/{provider}/audio/transcriptions")
async def transcriptions(request: HttpRequest, provider: str) -> HttpResponseBase:
    assert isinstance(request, WireRequest)
    caller = request.caller
    inbound = await uploads.parse(
        request.body, path=request.path, headers=caller.headers, operation="transcribe"
    )
    return await pipeline.serve(await of_provider(inbound, provider), caller)
