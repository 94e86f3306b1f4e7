"""The wire endpoints: ninja operations that take the raw request and return raw responses.

Foreign bodies never become Schemas: what a client sends beyond what is known here reaches the provider as it is.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Router

from gateway import models_list, pipeline
from gateway import snapshot as snapshots
from gateway.auth import Caller, authenticate
from gateway.handler import WireRequest
from gateway.inbound import parse
from gateway.models_list import ModelEntry
from gateway.passage import JSON_TYPE
from gateway.snapshot import Snapshot
from gateway.wire import json
from omniroute.errors import ModelNotFound
from omniroute.types import JSONDict

router = Router()


async def serve(request: HttpRequest, format: str) -> HttpResponseBase:
    assert isinstance(request, WireRequest)
    caller = caller_of(request)
    inbound = parse(request.body, format=format, path=request.path, headers=caller.headers)
    return await pipeline.serve(inbound, caller)


def caller_of(request: WireRequest) -> Caller:
    client = request.scope.get("client")
    return Caller(client[0] if client else "127.0.0.1", request.wire_headers, request.META["QUERY_STRING"])


@router.post("/v1/chat/completions")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_chat")


@router.post("/v1/messages")
async def messages(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "anthropic_messages")


@router.post("/v1/responses")
async def responses(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_responses")


@router.get("/v1/models")
async def list_models(request: HttpRequest) -> HttpResponse:
    entries, _ = await _models(request)
    return json_response({"object": "list", "data": [models_list.emit_openai(entry) for entry in entries]})


@router.get("/v1/models/{path:model}")
async def get_model(request: HttpRequest, model: str) -> HttpResponse:
    entries, snapshot = await _models(request)
    for entry in entries:
        if entry.id == model:
            return json_response(models_list.emit_openai(entry))
    route = pipeline.route_of(model, snapshot)  # raises for an unknown name
    if not any(snapshot.providers.is_connected(target.provider.id) for target in route.targets):
        raise ModelNotFound(f"No account is connected for the model {model!r}", param="model")
    entry = ModelEntry(model, route.combo.name if route.combo else route.targets[0].provider.id)
    return json_response(models_list.emit_openai(entry))


async def _models(request: HttpRequest) -> tuple[list[ModelEntry], Snapshot]:
    assert isinstance(request, WireRequest)
    caller = caller_of(request)
    snapshot = await snapshots.current()
    snapshot = await snapshots.newer_than(snapshot) or snapshot
    required = settings.REQUIRE_API_KEY or snapshot.require_key_for_models
    key = authenticate(caller, snapshot.billing, required=required)
    return models_list.usable_models(snapshot, key), snapshot


def json_response(value: JSONDict) -> HttpResponse:
    return HttpResponse(json.dumps(value), content_type=JSON_TYPE)


wire_api = NinjaAPI(urls_namespace="wire", docs_url=None, openapi_url=None)
wire_api.add_router("", router)


@wire_api.exception_handler(Exception)
def reraise(request: HttpRequest, error: Exception) -> HttpResponse:
    """The handler knows what to do; ninja's own answers are in no wire format."""
    raise error
