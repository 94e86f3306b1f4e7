from __future__ import annotations

from typing import Any

import pytest

from omniroute.errors import UpstreamBroken, UpstreamRefused, UpstreamUnreachable
from providers import catalog
from providers.listing import join, list_models, model_of
from providers.spec import ModelSpec
from tests.providers.conftest import Answer, Upstream

pytestmark = pytest.mark.usefixtures("no_proxy_rules")

KEY = "sk-secret-0123456789abcdef"
SPECS = catalog.builtin()


async def listed(provider: str, url: str) -> list[ModelSpec]:
    return await list_models(SPECS[provider], api_key=KEY, base_url=url)


@pytest.mark.parametrize(
    ("provider", "route", "body"),
    [
        ("openai", "GET /v1/models", {"object": "list", "data": [{"id": "a"}, {"id": "b"}]}),
        ("together", "GET /v1/models", [{"id": "a"}, {"id": "b"}]),
        ("groq", "GET /openai/v1/models", {"models": [{"name": "a"}, "b"]}),
        ("cohere", "GET /v1/models?endpoint=chat&page_size=1000", {"models": [{"name": "a"}, {"name": "b"}]}),
        ("gemini", "GET /v1beta/models", {"models": [{"name": "models/a"}, {"name": "models/b"}]}),
    ],
)
async def test_every_shape_of_a_list_is_read(
    provider: str, route: str, body: Any, upstream: Upstream
) -> None:
    upstream.on(route, 200, body)
    assert [model.id for model in await listed(provider, upstream.url)] == ["a", "b"]


async def test_further_pages_are_fetched(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 200, {"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    upstream.on("GET /v1/models?after_id=a", 200, {"data": [{"id": "b"}], "has_more": False, "last_id": "b"})
    assert [model.id for model in await listed("anthropic", upstream.url)] == ["a", "b"]
    upstream.on("GET /v1beta/models", 200, {"models": [{"name": "models/c"}], "nextPageToken": "t"})
    upstream.on("GET /v1beta/models?pageToken=t", 200, {"models": [{"name": "models/d"}]})
    assert [model.id for model in await listed("gemini", upstream.url)] == ["c", "d"]


async def test_a_list_without_an_end_ends(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 200, {"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    upstream.on("GET /v1/models?after_id=a", 200, {"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    assert len(upstream.calls) < 30
    assert await listed("anthropic", upstream.url)


async def test_a_provider_without_a_list_has_the_catalogs() -> None:
    assert await list_models(SPECS["perplexity"], api_key=KEY) == list(SPECS["perplexity"].models)


async def test_what_the_list_says_goes_before_what_the_family_says() -> None:
    entry = {
        "name": "models/gemini-2.5-pro",
        "displayName": "Gemini 2.5 Pro",
        "inputTokenLimit": 1_000,
        "outputTokenLimit": 100,
        "supportedGenerationMethods": ["generateContent"],
    }
    assert model_of(entry) == ModelSpec(
        id="gemini-2.5-pro",
        name="Gemini 2.5 Pro",
        context_window=1_000,
        max_output_tokens=100,
        reasoning="budget",
        vision=True,
    )
    openrouter = model_of({"id": "x/y", "context_length": 5, "top_provider": {"max_completion_tokens": 3}})
    assert openrouter == ModelSpec(id="x/y", context_window=5, max_output_tokens=3)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"id": "text-embedding-3-small"}, "embedding"),
        ({"id": "whisper-1"}, "transcription"),
        ({"id": "dall-e-3"}, "image"),
        ({"id": "gpt-4o"}, "chat"),
        ({"id": "x", "type": "embedding"}, "embedding"),
        ({"name": "models/x", "supportedGenerationMethods": ["embedContent"]}, "embedding"),
    ],
)
def test_the_kind_is_told_by_what_is_there(entry: dict[str, Any], kind: str) -> None:
    model = model_of(entry)
    assert model
    assert model.kind == kind


@pytest.mark.parametrize("entry", [None, 5, [], {}, {"id": 5}, {"id": ""}])
def test_nonsense_is_left_out(entry: Any) -> None:
    assert model_of(entry) is None


async def test_a_refusal_says_what_the_provider_says_without_the_key(upstream: Upstream) -> None:
    upstream.on("GET /v1/models", 401, {"error": {"message": f"bad key {KEY}"}})
    with pytest.raises(UpstreamRefused) as caught:
        await listed("openai", upstream.url)
    assert caught.value.status == 401
    assert caught.value.message == "The list of models was refused with 401. bad key …"


@pytest.mark.parametrize("body", ["<html></html>", {"data": {}}, {}, "null"])
async def test_something_else_than_a_list_is_an_error(body: Any, upstream: Upstream) -> None:
    upstream.answers["GET /v1/models"] = Answer(200, body)
    with pytest.raises(UpstreamBroken):
        await listed("openai", upstream.url)


async def test_an_unreachable_provider_is_named(closed_port: str) -> None:
    with pytest.raises(UpstreamUnreachable, match="connection was refused"):
        await listed("openai", closed_port)


def test_a_path_is_behind_the_base_or_relative_to_it() -> None:
    assert join("https://h/v1", "/models") == "https://h/v1/models"
    assert join("https://h/v1", "../user/balance") == "https://h/user/balance"
    assert join("https://h/compatibility/v1", "../../v1/models?a=b") == "https://h/v1/models?a=b"
