"""The vendors' own SDKs before providers of every format that misbehave: whole answers, or errors they understand."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from gateway.simulator import Simulator
from tests.e2e.sdk_clients import SCHEMA, Ask, Client
from tests.e2e.server import Gateway
from tests.e2e.test_sdks import MODELS, MODES, PAIRS, sdks

__all__ = ["sdks"]

each_pair = pytest.mark.parametrize(("client", "provider"), PAIRS)
IN_THE_STREAM: dict[str, tuple[type[Exception], ...]] = {
    "openai_chat": (openai.APIError,),
    "openai_responses": (openai.APIError, RuntimeError),
    "anthropic_messages": (anthropic.APIStatusError,),
    "gemini": (genai.errors.APIError,),
}
"""What each SDK raises for an error behind the first event. OpenAI's own misses the closing event of a response."""


@pytest.fixture(autouse=True)
def _fresh(gateway: Gateway) -> None:
    """No cooldowns and no rules from the test before."""


@pytest.mark.parametrize("fault", ["cut1", "end1", "inband1"])
@each_pair
def test_what_breaks_behind_the_first_word_is_never_taken_for_an_answer(
    sdks: dict[str, Client], simulator: Simulator, client: str, provider: str, fault: str
) -> None:
    simulator.behave(fault)
    with pytest.raises(IN_THE_STREAM[client]):
        sdks[client].ask(MODELS[provider], Ask("Say a few words", stream=True))


BEFORE = ["cut0", "empty", "error200", "malformed"]


@pytest.mark.parametrize(
    ("fault", "stream"),
    [("inband0", True), *((fault, stream) for fault in BEFORE for stream in (False, True))],
)
@each_pair
def test_what_breaks_before_it_is_a_refusal(
    sdks: dict[str, Client], simulator: Simulator, client: str, provider: str, fault: str, stream: bool
) -> None:
    simulator.behave(fault)
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError, genai.errors.APIError)) as raised:
        sdks[client].ask(MODELS[provider], Ask("Say a few words", stream=stream))
    status = getattr(raised.value, "status_code", None) or raised.value.code  # type: ignore[attr-defined]
    assert status >= 429


@pytest.mark.parametrize(
    ("fault", "stream"), [("json-to-stream", True), ("sse-to-plain", False), ("split1+comments", True)]
)
@each_pair
def test_an_answer_in_another_shape_than_asked_for_is_an_answer(
    sdks: dict[str, Client], simulator: Simulator, client: str, provider: str, fault: str, stream: bool
) -> None:
    simulator.behave(fault)
    said = sdks[client].ask(MODELS[provider], Ask("Grüße 🌍", stream=stream))
    assert said.text == "You said: Grüße 🌍"
    called = sdks[client].ask(
        MODELS[provider], Ask('Use the tool get_weather with {"city": "Zürich"}', stream=stream, tools=True)
    )
    assert called.calls == [("get_weather", {"city": "Zürich"})]


@MODES
@each_pair
def test_tools_are_called_over_several_turns(
    sdks: dict[str, Client], client: str, provider: str, stream: bool
) -> None:
    prompt = 'Use the tool get_weather with {"city": "Bern"}'
    sdk = sdks[client]
    called = sdk.ask(MODELS[provider], Ask(prompt, stream=stream, tools=True))
    history = sdk.answered(called, ["20 degrees"]) + sdk.answered(called, ["20 degrees and rain"])
    final = sdk.ask(MODELS[provider], Ask(prompt, stream=stream, tools=True, history=history))
    assert "20 degrees and rain" in final.text


@each_pair
def test_images_whole_and_structured_answers_streamed(
    sdks: dict[str, Client], client: str, provider: str
) -> None:
    seen = sdks[client].ask(MODELS[provider], Ask("What is this?", image=True))
    assert seen.text == "You said: What is this? [1 attachment]"
    structured = sdks[client].ask(MODELS[provider], Ask("How warm is it?", schema=True, stream=True))
    assert json.loads(structured.text).keys() == SCHEMA["properties"].keys()


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.usefixtures("sdks")
def test_a_gemini_client_without_sse_gets_one_json_array(gateway: Gateway, provider: str) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Grüße"}]}]}
    answer = gateway.http.post(f"/v1beta/models/{MODELS[provider]}:streamGenerateContent", json=body)
    assert answer.headers["content-type"].startswith("application/json")
    chunks = [types.GenerateContentResponse.model_validate(chunk) for chunk in answer.json()]
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]  # type: ignore[index]
    assert "".join(part.text or "" for part in parts) == "You said: Grüße"
    assert chunks[-1].candidates[0].finish_reason == "STOP"  # type: ignore[index]
    assert chunks[-1].usage_metadata
