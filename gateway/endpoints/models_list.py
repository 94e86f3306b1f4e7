"""GET /v1/models in each family's shape: only names that can be used right now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from billing.config import KeyConfig
from gateway import snapshot as snapshots
from gateway.edge.auth import authenticate
from gateway.edge.handler import WireRequest
from gateway.edge.paths import format_for, is_method
from gateway.opening import route_of
from gateway.passage.base import JSON_TYPE
from gateway.snapshot import Snapshot
from gateway.wire import json
from gateway.wire.gemini import listing
from omniroute.errors import ClientError, MethodNotAllowed, ModelNotFound
from omniroute.types import JSONDict
from providers.families import profile_of
from providers.spec import ModelSpec

router = Router()
_CODEX_ASKS = "client_version"
"""Codex reads `models` alone, and takes `base_instructions` of each for its own system prompt
(codex-rs/protocol/src/openai_models.rs). A gateway has none to give; with an empty list Codex keeps its own."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One usable name. `spec` is None for a combo or an alias."""

    id: str
    owned_by: str
    spec: ModelSpec | None = None


@router.get("/v1/models")
async def list_models(request: HttpRequest) -> HttpResponse:
    snapshot, key = await _admit(request)
    entries = [entry for entry in _all(snapshot) if key is None or key.allows(entry.id)]
    listed = _LISTS[_family(request)](entries)
    if _CODEX_ASKS in request.GET:
        listed.setdefault("models", [])
    return _json(listed)


@router.get("/v1beta/models")
async def list_gemini_models(request: HttpRequest) -> HttpResponse:
    return await list_models(request)


@router.get("/v1/api/tags")
async def list_ollama_models(request: HttpRequest) -> HttpResponse:
    return await list_models(request)


@router.get("/v1/models/{path:model}")
async def get_model(request: HttpRequest, model: str) -> HttpResponse:
    if is_method(model):
        raise MethodNotAllowed(f"{request.path[:200]} takes POST")
    snapshot, key = await _admit(request)
    family = _family(request)
    name = model.removeprefix("models/") if family == "gemini" else model
    if key is not None and not key.allows(name):
        raise ModelNotFound(f"This API key may not use the model {name!r}", param="model")
    return _json(_ONES[family](_find(name, snapshot)))


@router.get("/v1beta/models/{path:model}")
async def get_gemini_model(request: HttpRequest, model: str) -> HttpResponse:
    return await get_model(request, model)


async def _admit(request: HttpRequest) -> tuple[Snapshot, KeyConfig | None]:
    """The newest configuration: who asks for the list wants to see what was just set up."""
    assert isinstance(request, WireRequest)
    snapshot = await snapshots.current()
    snapshot = await snapshots.newer_than(snapshot) or snapshot
    required = settings.REQUIRE_API_KEY or snapshot.require_key_for_models
    return snapshot, authenticate(request.caller, snapshot.billing, required=required)


def _family(request: HttpRequest) -> str:
    assert isinstance(request, WireRequest)
    return format_for(request.path, request.caller.headers)


def _find(name: str, snapshot: Snapshot) -> ModelEntry:
    """Raise `ModelNotFound` for a name that nothing serves."""
    listed = next((entry for entry in _all(snapshot) if entry.id == name), None)
    if listed is not None:
        return listed
    route = route_of(name, snapshot)
    if not any(snapshot.providers.is_connected(target.provider.id) for target in route.targets):
        raise ModelNotFound(f"No account is connected for the model {name!r}", param="model")
    target = route.targets[0]
    return ModelEntry(name, target.provider.id, profile_of(target.provider, target.model))


def _all(snapshot: Snapshot) -> Iterator[ModelEntry]:
    """Combos, aliases, then the models of every provider with an account. None that could not be answered."""
    for combo in snapshot.combos.combos.values():
        if _is_usable(combo.name, snapshot):
            yield ModelEntry(combo.name, "combo")
    for alias in snapshot.combos.aliases:
        if _is_usable(alias, snapshot):
            yield ModelEntry(alias, "alias")
    for spec in snapshot.providers.specs.values():
        if snapshot.providers.is_connected(spec.id):
            for name, model in spec.named_models():
                if model.missing or snapshot.combos.blocks(spec.id, model.id):
                    continue
                yield ModelEntry(f"{spec.shown_prefix}/{name}", spec.id, model)


def _is_usable(name: str, snapshot: Snapshot) -> bool:
    """Whether it leads to a target that has an account and is not blocked."""
    try:
        route = route_of(name, snapshot)
    except ClientError:
        return False
    targets = (*route.targets, *route.fallbacks)
    return any(snapshot.providers.is_connected(target.provider.id) for target in targets)


def _openai(entry: ModelEntry) -> JSONDict:
    """OpenAI's object with what clients like to know beside it. `created` 0: nobody knows when."""
    shape: JSONDict = {"id": entry.id, "object": "model", "created": 0, "owned_by": entry.owned_by}
    spec = entry.spec
    if spec is None:
        return shape
    if spec.kind != "chat":
        shape["type"] = spec.kind
    if spec.context_window:
        shape["context_length"] = spec.context_window
    if spec.max_output_tokens:
        shape["max_output_tokens"] = spec.max_output_tokens
    return shape


def _anthropic(entry: ModelEntry) -> JSONDict:
    name = entry.spec.name if entry.spec else ""
    return {
        "type": "model",
        "id": entry.id,
        "display_name": name or entry.id,
        "created_at": "1970-01-01T00:00:00Z",
    }


def _gemini(entry: ModelEntry) -> JSONDict:
    spec = entry.spec
    return listing.emit_model(
        entry.id,
        name=spec.name if spec else "",
        input_limit=spec.context_window if spec else None,
        output_limit=spec.max_output_tokens if spec else None,
    )


def _ollama(entry: ModelEntry) -> JSONDict:
    """Without what only a file on disk has: a digest and a size that mean something."""
    return {
        "name": entry.id,
        "model": entry.id,
        "modified_at": "1970-01-01T00:00:00Z",
        "size": 0,
        "digest": "",
        "details": {"format": "", "family": entry.owned_by, "families": [entry.owned_by]},
    }


def _anthropic_list(entries: list[ModelEntry]) -> JSONDict:
    data = [_anthropic(entry) for entry in entries]
    ends = (
        {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
        if data
        else {"first_id": None, "last_id": None}
    )
    return {"data": data, "has_more": False, **ends}


_ONES: dict[str, Callable[[ModelEntry], JSONDict]] = {
    "openai_chat": _openai,
    "anthropic_messages": _anthropic,
    "gemini": _gemini,
}
_LISTS: dict[str, Callable[[list[ModelEntry]], JSONDict]] = {
    "openai_chat": lambda entries: {"object": "list", "data": [_openai(entry) for entry in entries]},
    "anthropic_messages": _anthropic_list,
    "ollama": lambda entries: {"models": [_ollama(entry) for entry in entries]},
    "gemini": lambda entries: listing.emit_models([_gemini(entry) for entry in entries]),
}


def _json(value: JSONDict) -> HttpResponse:
    return HttpResponse(json.dumps(value), content_type=JSON_TYPE)
