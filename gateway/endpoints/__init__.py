"""The wire endpoints: ninja operations that take the raw request and return raw responses.

Foreign bodies never become Schemas: what a client sends beyond what is known here reaches the provider as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Router

from gateway import pipeline
from gateway.edge import uploads
from gateway.edge.auth import Caller
from gateway.edge.handler import WireRequest
from gateway.edge.inbound import parse
from gateway.endpoints import counting
from gateway.endpoints.dedicated import router as dedicated_router
from gateway.endpoints.kept_answers import router as kept_answers_router
from gateway.endpoints.models_list import router as models_router
from gateway.passage.base import JSON_TYPE
from gateway.passage.passed_on import MODERATION_MODEL
from gateway.wire import json
from gateway.wire.gemini import listing
from omniroute.errors import GatewayError, NotFound
from omniroute.types import InboundRequest, JSONDict

router = Router()
OLLAMA_VERSION = "0.12.0"


async def serve(request: HttpRequest, format: str, **known: Any) -> HttpResponseBase:
    """`known` is what the format says outside of the body: see `inbound.parse`."""
    inbound, caller = receive(request, format, **known)
    return await pipeline.serve(inbound, caller)


async def counted(request: HttpRequest, format: str, model: str | None = None) -> int:
    inbound, caller = receive(request, format, model=model, stream=False, operation="count")
    return await counting.count(inbound, caller, counting.parse(inbound))


def receive(request: HttpRequest, format: str, **known: Any) -> tuple[InboundRequest, Caller]:
    assert isinstance(request, WireRequest)
    caller = request.caller
    return parse(request.body, format=format, path=request.path, headers=caller.headers, **known), caller


@router.post("/v1/chat/completions")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_chat")


@router.post("/v1/completions")
async def completions(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_completions")


@router.post("/v1/messages")
async def messages(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "anthropic_messages")


@router.post("/v1/responses")
async def responses(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_responses")


@router.post("/v1/responses/compact")
async def compact(request: HttpRequest) -> HttpResponseBase:
    """Codex' way to shorten a conversation, at providers that have it."""
    return await serve(request, "openai_responses", operation="compact", stream=False)


@router.post("/v1/messages/count_tokens")
async def count_tokens(request: HttpRequest) -> HttpResponse:
    return json_response({"input_tokens": await counted(request, "anthropic_messages")})


@router.post("/v1/responses/input_tokens")
async def input_tokens(request: HttpRequest) -> HttpResponse:
    tokens = await counted(request, "openai_responses")
    return json_response({"object": "response.input_tokens", "input_tokens": tokens})


@router.post("/v1/embeddings")
async def embeddings(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_chat", operation="embed", stream=False)


@router.post("/v1/images/generations")
async def images(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_chat", operation="image", stream=False)


@router.post("/v1/moderations")
async def moderations(request: HttpRequest) -> HttpResponseBase:
    return await serve(
        request, "openai_chat", operation="moderate", stream=False, default_model=MODERATION_MODEL
    )


@router.post("/v1/rerank")
async def rerank(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_chat", operation="rerank", stream=False)


@router.post("/v1/audio/speech")
async def speech(request: HttpRequest) -> HttpResponseBase:
    return await serve(request, "openai_chat", operation="speak", stream=False)


@router.post("/v1/audio/translations")
@router.post("/v1/audio/transcriptions")
async def transcriptions(request: HttpRequest) -> HttpResponseBase:
    assert isinstance(request, WireRequest)
    caller = request.caller
    inbound = await uploads.parse(
        request.body, path=request.path, headers=caller.headers, operation="transcribe"
    )
    return await pipeline.serve(inbound, caller)


@router.post("/v1/api/chat")
async def ollama_chat(request: HttpRequest) -> HttpResponseBase:
    """Ollama streams unless it is told not to."""
    inbound, caller = receive(request, "ollama")
    if "stream" not in inbound.fields:
        inbound = replace(inbound, stream=True)
    return await pipeline.serve(inbound, caller)


@router.get("/v1/api/version")
async def ollama_version(request: HttpRequest) -> HttpResponse:
    """Of the Ollama whose interface this is: clients ask before anything else."""
    return json_response({"version": OLLAMA_VERSION})


@router.get("/v1/responses")
async def responses_socket(request: HttpRequest) -> HttpResponse:
    """Codex asks for a WebSocket here; told 426 it falls back to HTTP at once, after a 404 it tries seven times."""
    raise GatewayError("Use POST; there is no WebSocket here", status=426, code="upgrade_required")


@models_router.post("/v1beta/models/{path:model}")
@models_router.post("/v1/models/{path:model}")
async def gemini(request: HttpRequest, model: str) -> HttpResponseBase:
    """`{model}:{method}`; google-genai 3 calls under /v1 what earlier ones call under /v1beta."""
    name, _, method = model.removeprefix("models/").rpartition(":")
    if method == "countTokens":
        return json_response(listing.emit_count(await counted(request, "gemini", name)))
    if method in ("embedContent", "batchEmbedContents"):
        return await serve(request, "gemini", model=name, stream=False, operation="embed")
    if method not in ("generateContent", "streamGenerateContent"):
        raise NotFound(
            f"There is no {request.path[:200]} here. Write models/{{model}}:generateContent, :streamGenerateContent, "
            ":countTokens, :embedContent or :batchEmbedContents"
        )
    stream = method == "streamGenerateContent"
    array = stream and request.GET.get("alt") != "sse"
    return await serve(request, "gemini", model=name, stream=stream, array=array)


def json_response(value: JSONDict) -> HttpResponse:
    return HttpResponse(json.dumps(value), content_type=JSON_TYPE)


class WireAPI(NinjaAPI):
    """Ninja without what raw responses make superfluous."""

    _unused = HttpResponse()

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Where ninja would gather headers for a response of its own: 25 µs a request, and no operation asks for it."""
        return self._unused


wire_api = WireAPI(urls_namespace="wire", docs_url=None, openapi_url=None)
wire_api.add_router("", router)
wire_api.add_router("", models_router)
wire_api.add_router("", dedicated_router)
wire_api.add_router("", kept_answers_router)


@wire_api.exception_handler(Exception)
def reraise(request: HttpRequest, error: Exception) -> HttpResponse:
    """The handler knows what to do; ninja's own answers are in no wire format."""
    raise error
