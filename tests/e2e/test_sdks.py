"""The vendors' own SDKs, each talking to providers of every wire format through the running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.simulator import Simulator
from tests.e2e.sdk_clients import CLIENTS, SCHEMA, Ask, Chat, Client, Gemini, Messages
from tests.e2e.server import Gateway, running

MODELS = {
    "openai_chat": "sdkchat/gpt-5.4",
    "openai_responses": "sdkresp/gpt-5.4",
    "anthropic_messages": "sdkanth/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
}
PATHS = {
    "openai_chat": "/chat/completions",
    "openai_responses": "/responses",
    "anthropic_messages": "/messages",
    "gemini": "enerateContent",
}
PAIRS = [
    pytest.param(client, provider, id=f"{client}-{provider}") for client in CLIENTS for provider in MODELS
]
MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module")
def sdks(_gateway: Gateway, _simulator: Simulator) -> dict[str, Client]:
    """Clients of all formats, and providers of all formats behind the gateway."""
    if "sdkchat" not in _gateway.ids:  # another file of this process may have asked before
        _gateway.ids["sdkchat"] = _gateway.add_provider("sdkchat", _simulator.openai_url)
        _gateway.add_provider("sdkresp", _simulator.openai_url, api="responses")
        _gateway.add_provider("sdkanth", _simulator.anthropic_url, kind="anthropic-compatible")
        account = {"provider": "gemini", "apiKey": "AIza-made-up", "name": "gemini"}
        account["providerSpecificData"] = {"baseUrl": _simulator.gemini_url}  # type: ignore[assignment]
        _gateway.manage("POST", "/api/providers", account)
    return {name: client(_gateway.url, _gateway.key) for name, client in CLIENTS.items()}  # type: ignore[call-arg]


@pytest.fixture(autouse=True)
def _fresh(gateway: Gateway) -> None:
    """No cooldowns and no rules from the test before."""


def ends_with(simulator: Simulator, provider: str) -> bool:
    return simulator.requests[-1].path.endswith(PATHS[provider])


@MODES
@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_a_question_gets_its_answer(
    sdks: dict[str, Client], simulator: Simulator, client: str, provider: str, stream: bool
) -> None:
    said = sdks[client].ask(MODELS[provider], Ask("Grüße  an\nalle 🌍", stream=stream))
    assert said.text == "You said: Grüße  an\nalle 🌍"
    assert said.finish in ("stop", "completed", "end_turn", "STOP")
    assert all(said.tokens)
    assert not stream or said.events > 2
    assert ends_with(simulator, provider)


@MODES
@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_parallel_calls_go_out_and_their_results_come_back(
    sdks: dict[str, Client], client: str, provider: str, stream: bool
) -> None:
    prompt = (
        'Use the tool get_weather with {"city": "Bern"} and use the tool get_time with {"city": "Zürich"}'
    )
    called = sdks[client].ask(MODELS[provider], Ask(prompt, stream=stream, tools=True, think=True))
    assert called.calls == [("get_weather", {"city": "Bern"}), ("get_time", {"city": "Zürich"})]
    assert called.finish in ("tool_calls", "completed", "tool_use", "STOP")
    results = ['{"degrees": 20}', "half past ten"]
    history = sdks[client].answered(called, results)
    final = sdks[client].ask(
        MODELS[provider], Ask(prompt, stream=stream, tools=True, think=True, history=history)
    )
    assert "20" in final.text
    assert "half past ten" in final.text
    assert not final.calls


@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_images_structured_answers_and_thoughts_arrive(
    sdks: dict[str, Client], client: str, provider: str
) -> None:
    seen = sdks[client].ask(MODELS[provider], Ask("What is this?", image=True, stream=True))
    assert seen.text == "You said: What is this? [1 attachment]"
    structured = sdks[client].ask(MODELS[provider], Ask("How warm is it?", schema=True))
    assert json.loads(structured.text).keys() == SCHEMA["properties"].keys()
    for stream in (False, True):
        thought = sdks[client].ask(MODELS[provider], Ask("Think.", think=True, stream=stream))
        assert thought.text == "You said: Think."
        assert thought.thought == "The user wants an answer. I will give one."


@pytest.mark.parametrize("status", [400, 401, 404, 429])
@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_a_refusal_raises_what_the_sdk_has_for_it(
    sdks: dict[str, Client], simulator: Simulator, client: str, provider: str, status: int
) -> None:
    simulator.behave(str(status))
    with pytest.raises(sdks[client].errors[status]) as raised:
        sdks[client].ask(MODELS[provider], Ask("Hi"))
    told = getattr(raised.value, "status_code", None) or raised.value.code  # type: ignore[attr-defined]
    assert told == status


@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_model_is_told_in_the_sdks_own_way(sdks: dict[str, Client], client: str) -> None:
    with pytest.raises(sdks[client].errors[404], match="nowhere"):
        sdks[client].ask("nowhere/at-all", Ask("Hi"))


def test_an_unknown_key_is_told_in_every_sdks_own_way(tmp_path: Path) -> None:
    with running(tmp_path, {"REQUIRE_API_KEY": "true"}) as strict:
        for client in CLIENTS.values():
            stranger = client(strict.url, "sk-nobody")  # type: ignore[call-arg]
            with pytest.raises(stranger.errors[401]) as raised:
                stranger.ask("any", Ask("Hi"))
            assert "401" in str(raised.value)


TOO_LONG: dict[str, Any] = {
    "openai_chat": {
        "error": {
            "message": "This model's maximum context length is 128000 tokens. However, your messages resulted in "
            "250000 tokens.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
    "anthropic_messages": {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "prompt is too long: 250000 tokens > 200000 maximum",
        },
    },
}


@pytest.mark.parametrize(
    ("client", "provider", "wording"),
    [
        ("anthropic_messages", "openai_chat", "prompt is too long: 250000 tokens > 128000 maximum"),
        ("openai_chat", "anthropic_messages", "context_length_exceeded"),
        ("openai_responses", "anthropic_messages", "context_length_exceeded"),
    ],
)
def test_a_conversation_that_is_too_long_is_told_in_the_words_that_clients_act_upon(
    sdks: dict[str, Client], simulator: Simulator, client: str, provider: str, wording: str
) -> None:
    simulator.reply(TOO_LONG[provider], status=400)
    with pytest.raises(sdks[client].errors[400]) as raised:
        sdks[client].ask(MODELS[provider], Ask("Hi"))
    assert wording in f"{raised.value} {getattr(raised.value, 'code', '')}"


@pytest.mark.parametrize("provider", MODELS)
def test_tokens_are_counted_for_every_family(sdks: dict[str, Client], provider: str) -> None:
    messages, gemini = sdks["anthropic_messages"], sdks["gemini"]
    assert isinstance(messages, Messages)
    assert isinstance(gemini, Gemini)
    question = [{"role": "user", "content": "How many tokens are these?"}]
    counted = messages.sdk.messages.count_tokens(model=MODELS[provider], messages=question)  # type: ignore[arg-type]
    assert 3 <= counted.input_tokens <= 60
    assert (
        gemini.sdk.models.count_tokens(model=MODELS[provider], contents="How many?").total_tokens or 0
    ) >= 3


def test_models_are_listed_and_described_in_each_familys_shape(
    sdks: dict[str, Client], gateway: Gateway
) -> None:
    chat, messages, gemini = sdks["openai_chat"], sdks["anthropic_messages"], sdks["gemini"]
    assert isinstance(chat, Chat)
    assert isinstance(messages, Messages)
    assert isinstance(gemini, Gemini)
    name = "gemini/gemini-2.5-flash"
    assert name in [model.id for model in chat.sdk.models.list()]
    assert chat.sdk.models.retrieve(name).id == name
    assert name in [model.id for model in messages.sdk.models.list(limit=1000)]
    assert messages.sdk.models.retrieve(name).id == name
    for version in ("v1", "v1beta"):
        sdk = Gemini(gateway.url, gateway.key, version).sdk
        assert f"models/{name}" in [model.name for model in sdk.models.list()]
        assert sdk.models.get(model=name).name == f"models/{name}"


def test_codex_is_told_of_no_models_whose_system_prompt_it_would_take(gateway: Gateway) -> None:
    listed = gateway.http.get("/v1/models", params={"client_version": "0.169.0"}).json()
    assert listed["models"] == []
    assert listed["data"]
    assert "models" not in gateway.http.get("/v1/models").json()


def test_the_earlier_paths_of_google_genai_work(sdks: dict[str, Client], gateway: Gateway) -> None:
    early = Gemini(gateway.url, gateway.key, "v1beta")
    assert early.ask(MODELS["anthropic_messages"], Ask("Hi", stream=True)).text == "You said: Hi"


def test_what_only_the_provider_knows_reaches_it_byte_for_byte(
    sdks: dict[str, Client], simulator: Simulator
) -> None:
    chat = sdks["openai_chat"]
    assert isinstance(chat, Chat)
    odd = {"vendor_field": {"deep": [1, {"x": None}]}, "temperature": 0.70}
    answer = chat.sdk.chat.completions.create(
        model=MODELS["openai_chat"],
        messages=[{"role": "user", "content": "Hi"}],
        n=2,
        logprobs=True,
        top_logprobs=2,
        extra_body=odd,
    )
    received = simulator.requests[-1]
    assert received.json == {
        "model": "gpt-5.4",
        "messages": [{"role": "user", "content": "Hi"}],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
        **odd,
    }
    assert len(answer.choices) == 2
    assert answer.choices[1].logprobs is not None


def test_the_stream_of_a_client_that_wants_no_usage_has_a_choice_in_every_chunk(
    sdks: dict[str, Client],
) -> None:
    sdk = openai.OpenAI(base_url=str(sdks["openai_chat"].sdk.base_url), api_key="x")  # type: ignore[attr-defined]
    sdk.api_key = sdks["openai_chat"].sdk.api_key  # type: ignore[attr-defined]
    for model in MODELS.values():
        chunks = sdk.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: Hi"
