"""The models that a provider says it has. Shapes: docs/protocol-notes.md, Lists of models."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urljoin

import httpx

from omniroute.errors import UpstreamBroken, UpstreamRefused, UpstreamUnreachable
from providers import outgoing, reach
from providers.credentials import auth_headers
from providers.endpoints import choose_endpoint
from providers.families import fill
from providers.spec import ModelKind, ModelSpec, ProviderSpec

TOTAL_S = 30.0
_MOST_PAGES = 20
_KINDS: tuple[tuple[ModelKind, tuple[str, ...]], ...] = (
    ("embedding", ("embed", "bge-", "rerank")),
    ("transcription", ("whisper", "transcri", "voxtral-mini")),
    ("image", ("dall-e", "gpt-image", "flux", "imagen", "stable-diffusion", "grok-imagine", "-image")),
)
_CONTEXT = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "inputTokenLimit",
    "max_input_tokens",
)
_OUTPUT = ("outputTokenLimit", "max_completion_tokens", "max_output_tokens", "max_tokens")


def join(base_url: str, path: str) -> str:
    """`path` behind the base URL when it starts with a slash, else relative to it (`../user/balance`)."""
    return base_url + path if path.startswith("/") else urljoin(base_url + "/", path)


async def list_models(
    spec: ProviderSpec,
    *,
    api_key: str,
    base_url: str = "",
    variant: str = "",
    region: str = "",
    account_id: int = 0,
) -> list[ModelSpec]:
    """The live list, in the provider's order; the catalog's own for a provider without one.

    Raises `UpstreamUnreachable`, `UpstreamRefused` or `UpstreamBroken`, whose message says what to do.
    """
    if not spec.models_path:
        return list(spec.models)
    endpoint = choose_endpoint(spec, variant=variant, region=region, base_url=base_url)
    url = join(endpoint.base_url, spec.models_path)
    entries: list[Any] = []
    try:
        async with asyncio.timeout(TOTAL_S), outgoing.client(provider=spec.id, account_id=account_id) as http:
            page: dict[str, str] | None = {}
            for _ in range(_MOST_PAGES):
                response = await http.get(url, headers=auth_headers(endpoint, api_key), params=page or None)
                body = _checked(response, api_key)
                entries += entries_of(body) or []
                page = _next_page(body)
                if page is None:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise UpstreamUnreachable(reach.explain(error, url)) from None
    return [model for model in map(model_of, entries) if model is not None]


def _checked(response: httpx.Response, api_key: str) -> Any:
    body = reach.body_of(response)
    if response.status_code >= 400:
        said = reach.without_secret(reach.message_of(body), api_key)
        status = response.status_code
        raise UpstreamRefused(f"The list of models was refused with {status}. {said}".strip(), status=status)
    if entries_of(body) is None:
        where = reach.place(str(response.url))
        raise UpstreamBroken(
            f"{where} answered with something that is no list of models. Is the address right?"
        )
    return body


def entries_of(body: Any) -> list[Any] | None:
    """The entries of `{data: []}`, `{models: []}` or a bare list; None for anything else."""
    if isinstance(body, dict):
        body = body["data"] if isinstance(body.get("data"), list) else body.get("models")
    return body if isinstance(body, list) else None


def _next_page(body: Any) -> dict[str, str] | None:
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("nextPageToken"), str) and body["nextPageToken"]:
        return {"pageToken": body["nextPageToken"]}
    if body.get("has_more") is True and isinstance(body.get("last_id"), str):
        return {"after_id": body["last_id"]}
    return None


def model_of(entry: Any) -> ModelSpec | None:
    """One entry of a list, with what it and the model's family say; None for one without a name."""
    if isinstance(entry, str):
        return fill(ModelSpec(id=entry, kind=_kind_of(entry, {})))
    if not isinstance(entry, dict):
        return None
    id = next((entry[key] for key in ("id", "name", "model") if isinstance(entry.get(key), str)), "")
    id = id.removeprefix("models/")
    if not id:
        return None
    names = (entry.get(key) for key in ("display_name", "displayName", "name"))
    name = next((name for name in names if isinstance(name, str) and name.removeprefix("models/") != id), "")
    top = entry.get("top_provider")
    return fill(
        ModelSpec(
            id=id,
            name=name,
            kind=_kind_of(id, entry),
            context_window=_number(entry, _CONTEXT),
            max_output_tokens=_number(entry, _OUTPUT)
            or _number(top if isinstance(top, dict) else {}, _OUTPUT),
        )
    )


def _number(entry: dict[str, Any], names: tuple[str, ...]) -> int | None:
    found = (entry.get(name) for name in names)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)


def _kind_of(id: str, entry: dict[str, Any]) -> ModelKind:
    methods = entry.get("supportedGenerationMethods")
    if isinstance(methods, list) and "embedContent" in methods and "generateContent" not in methods:
        return "embedding"
    said = f"{entry.get('type') if isinstance(entry.get('type'), str) else ''} {id}".lower()
    return next((kind for kind, marks in _KINDS if any(mark in said for mark in marks)), "chat")
