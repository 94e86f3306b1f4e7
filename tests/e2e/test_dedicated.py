"""One provider's own routes, embeddings and images, through a real process."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import openai
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway


@pytest.fixture(scope="module")
def _vendors(_gateway: Gateway, _simulator: Simulator) -> None:
    for provider, url in (
        ("openai", _simulator.openai_url),
        ("gemini", _simulator.gemini_url),
        ("anthropic", _simulator.anthropic_url),
        ("openrouter", _simulator.openai_url),
    ):
        _gateway.manage(
            "POST",
            "/api/providers",
            {
                "provider": provider,
                "apiKey": f"sk-{provider}-0123456789",
                "name": f"dedicated {provider}",
                "providerSpecificData": {"baseUrl": url},
            },
        )


pytestmark = pytest.mark.usefixtures("_vendors")


def post(gateway: Gateway, path: str, body: dict[str, Any], **headers: str) -> Any:
    return gateway.http.post(path, json=body, headers=headers)


def chat(gateway: Gateway, provider: str, model: str) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return post(gateway, f"/v1/providers/{provider}/chat/completions", body)


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        ("sim1", "first", "first"),
        ("sim1", "sim1/first", "first"),
        ("sim1", "meta-llama/Llama-3", "meta-llama/Llama-3"),
        ("openai", "gpt-4o", "gpt-4o"),
        ("openrouter", "openai/gpt-9-new", "openai/gpt-9-new"),
        ("openrouter", "openrouter/openai/gpt-9-new", "openai/gpt-9-new"),
    ],
)
def test_the_prefix_is_added_where_it_is_missing(
    gateway: Gateway, simulator: Simulator, provider: str, model: str, sent: str
) -> None:
    answer = chat(gateway, provider, model)
    assert answer.status_code == 200, answer.text
    assert simulator.requests[-1].model == sent


@pytest.mark.parametrize(
    ("provider", "model", "code"),
    [
        ("openai", "anthropic/claude-opus-4-6", "provider_mismatch"),
        ("openai", "sim1/first", "provider_mismatch"),
        ("openrouter", "sim1/first", "provider_mismatch"),
        ("nobody", "gpt-4o", "unknown_provider"),
    ],
)
def test_another_providers_model_and_an_unknown_provider_are_refused(
    gateway: Gateway, simulator: Simulator, provider: str, model: str, code: str
) -> None:
    answer = chat(gateway, provider, model)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert "expected prefix" in answer.text or code == "unknown_provider"
    assert simulator.requests == []


def test_the_other_formats_have_it_too_with_errors_of_their_own(gateway: Gateway) -> None:
    messages = {"model": "first", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    assert post(gateway, "/v1/providers/sim1/messages", messages).json()["type"] == "message"
    answer = post(gateway, "/v1/providers/sim1/responses", {"model": "first", "input": "Hi"})
    assert answer.json()["object"] == "response"
    refused = post(gateway, "/v1/providers/openai/messages", {**messages, "model": "sim1/x"})
    assert (refused.status_code, refused.json()["type"]) == (400, "error")


def test_the_sdk_gets_embeddings_in_the_encoding_that_it_asks_for(
    gateway: Gateway, simulator: Simulator
) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none")
    for model in ("openai/text-embedding-3-small", "gemini/gemini-embedding-001", "sim1/any-embedder"):
        packed = client.embeddings.create(model=model, input=["good morning", "good night"])
        plain = client.embeddings.create(
            model=model, input="good morning", encoding_format="float", dimensions=8
        )
        assert [len(each.embedding) for each in packed.data] == [64, 64]
        assert len(plain.data[0].embedding) == 8
        assert packed.usage.prompt_tokens > 0
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    assert (row["endpoint"], row["served_model"], row["input_tokens"]) == (
        "/v1/embeddings",
        "any-embedder",
        2,
    )


@pytest.mark.parametrize("model", ["gemini/gemini-embedding-001", "openai/text-embedding-3-small"])
def test_geminis_methods_embed_with_every_provider(gateway: Gateway, model: str) -> None:
    content = {"parts": [{"text": "good morning"}]}
    path = f"/v1beta/models/{model}"
    one = post(gateway, f"{path}:embedContent", {"content": content, "outputDimensionality": 8})
    assert len(one.json()["embedding"]["values"]) == 8
    body = {"requests": [{"model": f"models/{model}", "content": content}] * 2}
    several = post(gateway, f"{path}:batchEmbedContents", body).json()
    assert [len(each["values"]) for each in several["embeddings"]] == [64, 64]


def test_embeddings_fall_back_and_what_has_none_is_not_put_aside(
    gateway: Gateway, simulator: Simulator
) -> None:
    gateway.add_combo("embedders", "anthropic/claude-haiku-4-5", "sim1/first")
    body = {"model": "embedders", "input": "Hi"}
    assert post(gateway, "/v1/embeddings", body).json()["object"] == "list"
    alone = post(gateway, "/v1/embeddings", {**body, "model": "anthropic/claude-haiku-4-5"})
    assert (alone.status_code, alone.json()["error"]["code"]) == (400, "unsupported_operation")
    assert gateway.chat("anthropic/claude-haiku-4-5").status_code == 200


@pytest.mark.parametrize("given", [None, "", [], [1, 2], 7])
def test_what_gemini_cannot_embed_is_refused_by_name(gateway: Gateway, given: Any) -> None:
    body = {"model": "gemini/gemini-embedding-001", "input": given}
    answer = post(gateway, "/v1/embeddings", body)
    if given == "":
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")


def test_dedicated_embeddings_and_images(gateway: Gateway, simulator: Simulator) -> None:
    embedded = post(
        gateway, "/v1/providers/openai/embeddings", {"model": "text-embedding-3-small", "input": "a"}
    )
    assert embedded.json()["data"][0]["index"] == 0
    body = {"model": "accounts/x/models/flux", "prompt": "a cat", "n": 2, "size": "1024x1024"}
    drawn = post(gateway, "/v1/providers/sim1/images/generations", body).json()
    assert [bool(image["b64_json"]) for image in drawn["data"]] == [True, True]
    assert json.loads(simulator.requests[-1].body) == body
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    assert row["output_tokens"] == 100
    assert json.loads(row["priced_apart"])["output_images"] == 2


def test_images_are_paid_by_the_piece(gateway: Gateway) -> None:
    node = gateway.ids.get("sim1") or next(
        each["id"]
        for each in gateway.manage("GET", "/api/provider-nodes")["nodes"]
        if each["prefix"] == "sim1"
    )
    gateway.manage("PATCH", "/api/pricing", {node: {"painter": {"input": 0, "output": 0, "image": 0.04}}})
    post(gateway, "/v1/images/generations", {"model": "sim1/painter", "prompt": "a cat", "n": 3})
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    assert (float(row["cost"]), row["cost_source"]) == (0.12, "override")


def test_who_draws_one_image_at_a_time_is_asked_for_each(gateway: Gateway, simulator: Simulator) -> None:
    account = {
        "apiKey": "sk-draw-0123456789",
        "name": "draw",
        "providerSpecificData": {"baseUrl": simulator.openai_url},
    }
    gateway.manage("POST", "/api/providers", {"provider": "openai", **account})
    body = {"model": "dall-e-3", "prompt": "a cat", "n": 6, "seed": 7}
    path = "/v1/providers/openai/images/generations"
    simulator.behave("slow100")
    assert len(post(gateway, path, body).json()["data"]) == 6
    sent = [json.loads(asked.body) for asked in simulator.requests]
    assert {one["seed"] for one in sent} == {7, 8, 9, 10, 11, 12}
    assert not any("n" in one for one in sent)
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    assert (row["output_tokens"], row["attempt_count"]) == (600, 1)
    assert json.loads(row["priced_apart"])["output_images"] == 6
    assert post(gateway, path, {**body, "n": 11}).json()["error"]["param"] == "n"
    assert post(gateway, path, {**body, "n": "2"}).status_code == 400


def test_fireworks_draws_by_its_own_path(gateway: Gateway, simulator: Simulator) -> None:
    account = {
        "apiKey": "fw",
        "name": "fw",
        "providerSpecificData": {"baseUrl": f"{simulator.url}/inference/v1"},
    }
    gateway.manage("POST", "/api/providers", {"provider": "fireworks", **account})
    simulator.reply(
        {"id": "1", "base64": ["data:image/png;base64,QUJD"], "finishReason": "SUCCESS"}, path="text_to_image"
    )
    body = {
        "model": "accounts/fireworks/models/flux-1-schnell-fp8",
        "prompt": "a cat",
        "n": 1,
        "size": "1792x1024",
    }
    for path, model in (
        ("/v1/providers/fireworks/images/generations", body["model"]),
        ("/v1/images/generations", f"fireworks/{body['model']}"),
    ):
        answer = post(gateway, path, {**body, "model": model})
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == [{"b64_json": "QUJD"}]
        asked = simulator.requests[-1]
        assert asked.path.endswith(f"/inference/v1/workflows/{body['model']}/text_to_image")
        assert json.loads(asked.body) == {"prompt": "a cat", "aspect_ratio": "16:9"}
    simulator.reset()
    simulator.reply({"base64": [""], "finishReason": "CONTENT_FILTERED"}, path="text_to_image")
    refused = post(gateway, "/v1/providers/fireworks/images/generations", body)
    assert refused.status_code == 502
    assert "CONTENT_FILTERED" in refused.json()["error"]["message"]
    chat = {
        "model": "fireworks/accounts/fireworks/models/gpt-oss-120b",
        "messages": [{"role": "user", "content": "hi"}],
    }
    assert post(gateway, "/v1/chat/completions", chat).status_code == 200


def last(gateway: Gateway) -> dict[str, Any]:
    row: dict[str, Any] = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    return row


def test_the_sdk_speaks_and_is_paid_by_the_letter(gateway: Gateway, simulator: Simulator) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none")
    said = client.audio.speech.create(model="openai/tts-1", voice="alloy", input="Good morning")
    assert said.content.startswith(b"RIFF")
    assert said.response.headers["content-type"] == "audio/wav"
    row = last(gateway)
    assert (row["endpoint"], row["status"]) == ("/v1/audio/speech", 200)
    assert Decimal(str(row["cost"])) == 12 * Decimal("0.000015")
    client.audio.speech.create(
        model="openai/gpt-4o-mini-tts", voice="alloy", input="Good morning, all!" * 228
    )
    assert float(last(gateway)["cost"]) == pytest.approx(5_260 * 12e-6, rel=0.1)  # the sound, by its tokens
    gateway.add_combo("voices", "anthropic/claude-haiku-4-5", "sim1/sim-500", "openai/tts-1")
    body = {"model": "voices", "voice": "alloy", "input": "Hi"}
    assert post(gateway, "/v1/audio/speech", body).content.startswith(b"RIFF")
    assert last(gateway)["attempt_count"] == 2
    simulator.reply({"error": {"message": "no credits"}}, path="/audio/speech")
    broken = post(gateway, "/v1/audio/speech", {**body, "model": "openai/tts-1"})
    assert (broken.status_code, "no credits" in broken.text) == (502, True)
    refused = post(gateway, "/v1/audio/speech", {**body, "stream_format": "sse"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "stream_format")


def test_moderations_need_no_model(gateway: Gateway, simulator: Simulator) -> None:
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none")
    found = client.moderations.create(input=["hello", "I will kill you"])
    assert [result.flagged for result in found.results] == [False, True]
    assert json.loads(simulator.requests[-1].body)["model"] == "omni-moderation-latest"
    row = last(gateway)
    assert (row["endpoint"], row["served_model"]) == ("/v1/moderations", "omni-moderation-latest")
    assert row["input_tokens"] > 0
    assert (row["cost"], row["cost_source"]) == (0, "dataset")
    named = post(gateway, "/v1/providers/sim1/moderations", {"model": "strict", "input": "hello"})
    assert named.json()["results"][0]["flagged"] is False


def test_documents_are_ranked_and_cohere_is_asked_at_its_own_path(
    gateway: Gateway, simulator: Simulator
) -> None:
    body = {"query": "red apple", "documents": ["green pear", "red apple pie", "a car"], "top_n": 1}
    ranked = post(gateway, "/v1/rerank", {**body, "model": "sim1/reranker", "unknown": [1]}).json()
    assert [result["index"] for result in ranked["results"]] == [1]
    assert json.loads(simulator.requests[-1].body) == {**body, "model": "reranker", "unknown": [1]}
    assert json.loads(last(gateway)["priced_apart"]) == {"rerank_searches": 1}
    account = {"apiKey": "co", "name": "co"}
    account |= {"providerSpecificData": {"baseUrl": f"{simulator.url}/compatibility/v1"}}  # type: ignore[dict-item]
    gateway.manage("POST", "/api/providers", {"provider": "cohere", **account})
    assert post(gateway, "/v1/rerank", {**body, "model": "cohere/rerank-v3.5"}).json()["results"]
    assert simulator.requests[-1].path == "/v2/rerank"
    assert Decimal(str(last(gateway)["cost"])) == Decimal("0.002")
    assert gateway.chat("cohere/command-a-03-2025").status_code == 200
    assert simulator.requests[-1].path == "/compatibility/v1/chat/completions"
    refused = post(gateway, "/v1/rerank", {**body, "model": "sim1/reranker", "documents": "red apple"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "documents")
