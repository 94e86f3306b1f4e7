"""Claude behind Google's own SDK: what it thought comes back with its tool calls, so that it may go on thinking."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import types

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running

MODEL = "thinkanth/claude-sonnet-4-5"
ASKED = 'Use the tool get_weather with {"city": "%s"}'


@pytest.fixture(scope="module")
def thinking(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("thinking")) as gateway:
        gateway.add_provider("thinkanth", _simulator.anthropic_url, kind="anthropic-compatible")
        yield gateway


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}"


def conversation(gateway: Gateway, automatic: bool) -> Any:
    options = types.HttpOptions(base_url=gateway.url, api_version="v1beta")
    config = types.GenerateContentConfig(
        tools=[get_weather],
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2048),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=not automatic),
    )
    client = genai.Client(api_key=gateway.key, http_options=options)
    return client, client.chats.create(model=MODEL, config=config)


def thoughts_sent(body: dict[str, Any]) -> int:
    """Checks a request as Anthropic does: no thought without its own signature, and none missing at a call's head."""
    assert body["thinking"]["type"] == "enabled"
    found = 0
    for turn in body["messages"]:
        blocks = turn["content"] if isinstance(turn["content"], list) else []
        for block in blocks:
            if block["type"] == "thinking":
                signed = base64.b64decode(block["signature"]).decode()
                assert signed == f"simulated:{block['thinking']}"
                found += 1
        if any(block["type"] == "tool_use" for block in blocks):
            assert blocks[0]["type"] == "thinking"
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_several_turns_with_tools_keep_their_thoughts(
    thinking: Gateway, simulator: Simulator, stream: bool
) -> None:
    client, chat = conversation(thinking, automatic=False)

    def say(message: Any) -> list[types.Part]:
        answers = chat.send_message_stream(message) if stream else [chat.send_message(message)]
        return [part for answer in answers for part in answer.candidates[0].content.parts]

    counted = []
    with client:
        for city in ("Oslo", "Rome"):
            parts = say(ASKED % city)
            call = next(part.function_call for part in parts if part.function_call)
            result = types.FunctionResponse(
                id=call.id, name=call.name, response={"result": get_weather(city)}
            )
            said = say(types.Part(function_response=result))
            assert any(part.text and not part.thought for part in said)
            counted.append(thoughts_sent(simulator.requests[-1].json))
    assert counted[0] >= 1
    assert counted[1] > counted[0]


def test_the_sdks_automatic_calls_keep_their_thoughts(thinking: Gateway, simulator: Simulator) -> None:
    client, chat = conversation(thinking, automatic=True)
    with client:
        assert "Oslo" in chat.send_message(ASKED % "Oslo").text
    assert thoughts_sent(simulator.requests[-1].json) == 1
