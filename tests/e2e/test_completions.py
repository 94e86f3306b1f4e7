"""The legacy endpoint, by OpenAI's own SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway
from tests.e2e.test_fallback import last_row


@pytest.fixture
def sdk(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def test_a_prompt_is_answered(sdk: openai.OpenAI, gateway: Gateway, simulator: Simulator) -> None:
    answer = sdk.completions.create(
        model="sim1/x", prompt="Say hello", max_tokens=50, temperature=0.5, stop=["END"], user="me"
    )
    assert answer.object == "text_completion"
    assert answer.id.startswith("cmpl-")
    choice = answer.choices[0]
    assert (choice.text, choice.finish_reason, choice.index) == ("You said: Say hello", "stop", 0)
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    received = simulator.requests[-1]
    assert received.path == "/v1/chat/completions"
    assert received.json["messages"] == [{"role": "user", "content": "Say hello"}]
    assert (received.json["max_tokens"], received.json["temperature"], received.json["user"]) == (
        50,
        0.5,
        "me",
    )
    row = last_row(gateway)
    assert (row["client_format"], row["provider_format"]) == ("openai_completions", "openai_chat")
    assert row["output_tokens"] == answer.usage.completion_tokens


def test_a_prompt_is_answered_as_a_stream(sdk: openai.OpenAI, gateway: Gateway) -> None:
    stream = sdk.completions.create(
        model="sim1/x", prompt=["Say hello"], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "You said: Say hello"
    assert len([text for text in texts if text]) > 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == last_row(gateway)["output_tokens"] > 0
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"


def test_several_answers_with_echo_and_logprobs(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="sim1/x", prompt="Say hello", n=2, echo=True, logprobs=1)
    texts = [choice.text for choice in answer.choices]
    assert texts == ["Say helloYou said: Say hello", "Say helloYou said: Say hello (choice 2)"]
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens
    assert "".join(logprobs.tokens) == "You said: Say hello"
    assert logprobs.text_offset
    assert logprobs.text_offset[0] == len("Say hello")
    streamed = sdk.completions.create(model="sim1/x", prompt="Say hello", echo=True, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == texts[0]


def test_a_length_limit_is_told(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="sim1/x", prompt="one two three four", max_tokens=3)
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_it_falls_back(gateway: Gateway, simulator: Simulator, stream: bool) -> None:
    simulator.behave("500", model="first")
    body = {"model": "three", "prompt": "Say hello", "stream": stream}
    answer = gateway.http.post("/v1/completions", json=body)
    assert answer.status_code == 200
    assert "text_completion" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n") is stream
    assert last_row(gateway)["served_model"] == "second"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "best_of": 3}, "best_of"),
        ({"prompt": "a", "stream": "yes"}, "stream"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_chat_cannot_do_is_refused(
    gateway: Gateway, simulator: Simulator, body: dict[str, Any], param: str, stream: bool
) -> None:
    answer = gateway.http.post("/v1/completions", json={"model": "sim1/x", "stream": stream, **body})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert simulator.count == 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_providers_error_arrives_as_openai_tells_it(
    sdk: openai.OpenAI, simulator: Simulator, stream: bool
) -> None:
    simulator.behave("429-retry7")
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.completions.create(model="sim1/x", prompt="Say hello", stream=stream)
    assert caught.value.response.headers["retry-after"] == "7"


def test_an_unknown_model_is_not_found(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        sdk.completions.create(model="nobody/x", prompt="Say hello")


def test_ollamas_chat_streams_lines_by_default(gateway: Gateway) -> None:
    body = {"model": "sim1/any", "messages": [{"role": "user", "content": "Hello"}]}
    for path in ("/api/chat", "/v1/api/chat"):
        streamed = gateway.http.post(path, json=body)
        assert streamed.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in streamed.text.splitlines()]
        assert "".join(line["message"]["content"] for line in lines) == "You said: Hello"
        assert (lines[-1]["done"], lines[-1]["done_reason"]) == (True, "stop")
        assert lines[-1]["eval_count"] > 0
    whole = gateway.http.post("/api/chat", json={**body, "stream": False}).json()
    assert whole["message"] == {"role": "assistant", "content": "You said: Hello"}
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    assert (row["client_format"], row["provider_format"]) == ("ollama", "openai_chat")
    assert "sim1/any" not in [each["name"] for each in gateway.http.get("/api/tags").json()["models"]]
    assert gateway.http.get("/api/version").json()["version"]
    lost = gateway.http.post("/api/chat", json={**body, "model": "nobody/knows"})
    assert (lost.status_code, list(lost.json())) == (404, ["error"])
    assert gateway.http.post("/api/chat", json={"model": "sim1/any"}).status_code == 400
