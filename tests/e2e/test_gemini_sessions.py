"""Gemini behind clients of other formats: signatures over several turns, structured output beside tools, images."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running
from tests.e2e.test_fallback import events, last_row

MODEL = "gemini/gemini-3-pro-preview"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def connect(gateway: Gateway, simulator: Simulator) -> None:
    """The built-in provider, its account pointed at the simulator."""
    account = {"provider": "gemini", "apiKey": "AIza-x", "name": "sim"}
    there = {"baseUrl": simulator.gemini_url}
    gateway.manage("POST", "/api/providers", {**account, "providerSpecificData": there})


@pytest.fixture(scope="module")
def gemini(tmp_path_factory: pytest.TempPathFactory, _simulator: Simulator) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("gemini")) as gateway:
        connect(gateway, _simulator)
        yield gateway


def chat(gateway: Gateway, messages: list[Any], **more: Any) -> dict[str, Any]:
    """One turn of an OpenAI client that keeps nothing it does not know; its ids lose their underscores."""
    tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
    body = {"model": MODEL, "messages": messages, "tools": [tool], "reasoning_effort": "high", **more}
    answer = gateway.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    message = _streamed(answer) if more.get("stream") else answer.json()["choices"][0]["message"]
    kept = {"role": "assistant", "content": message.get("content")}
    if calls := message.get("tool_calls"):
        kept["tool_calls"] = [
            {"id": call["id"].replace("_", ""), "type": "function", "function": call["function"]}
            for call in calls
        ]
    return kept


def _streamed(answer: Any) -> dict[str, Any]:
    calls: list[dict[str, Any]] = []
    text = ""
    for event in events(answer):
        for choice in event["choices"] if isinstance(event, dict) else ():
            delta = choice["delta"]
            text += delta.get("content") or ""
            for piece in delta.get("tool_calls") or ():
                if piece["index"] == len(calls):
                    calls.append({"id": piece["id"], "function": {"name": "", "arguments": ""}})
                function = calls[piece["index"]]["function"]
                function["name"] += piece.get("function", {}).get("name") or ""
                function["arguments"] += piece.get("function", {}).get("arguments") or ""
    return {"content": text or None, "tool_calls": calls}


def sent_calls(simulator: Simulator) -> list[tuple[Any, Any]]:
    """(id, signature) of every tool call of the last request, as the provider got it."""
    contents = simulator.requests[-1].json["contents"]
    parts = [part for content in contents for part in content["parts"] if "functionCall" in part]
    return [(part["functionCall"].get("id"), part.get("thoughtSignature")) for part in parts]


def given(id: str) -> str:
    """The signature that the simulator gave with this call."""
    return base64.b64encode(b"simulated:" + id.encode()).decode()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_signatures_come_back_over_three_turns_of_an_openai_client(
    gemini: Gateway, simulator: Simulator, stream: bool
) -> None:
    messages: list[Any] = [{"role": "user", "content": 'Please use the tool weather with {"city": "Oslo"}'}]
    for turn in (1, 2):
        called = chat(gemini, messages, stream=stream)
        id = called["tool_calls"][0]["id"]
        messages += [called, {"role": "tool", "tool_call_id": id, "content": "Rain"}]
        messages.append(chat(gemini, messages, stream=stream))
        assert messages[-1]["content"] == 'The tool said: {"result": "Rain"}'
        calls = sent_calls(simulator)
        assert len(calls) == turn
        assert [signature for _, signature in calls] == [given(id) for id, _ in calls]
        messages.append({"role": "user", "content": 'Again use the tool weather with {"city": "Bergen"}'})


def test_signatures_come_back_over_three_turns_of_a_claude_client(
    gemini: Gateway, simulator: Simulator
) -> None:
    """Also when the client drops every thinking block, in which it would have carried them."""
    messages: list[Any] = [{"role": "user", "content": 'Use the tool weather with {"city": "Oslo"}'}]
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    for turn in (1, 2, 3):
        body = {
            "model": MODEL,
            "max_tokens": 4000,
            "thinking": {"type": "enabled", "budget_tokens": 2000},
            "messages": messages,
            "tools": tools,
        }
        answer = gemini.http.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
        blocks = [block for block in answer.json()["content"] if block["type"] == "tool_use"]
        assert len(blocks) == 1, answer.text
        assert [signature for _, signature in sent_calls(simulator)] == [
            given(id) for id, _ in sent_calls(simulator)
        ]
        assert len(sent_calls(simulator)) == turn - 1
        result = {"type": "tool_result", "tool_use_id": blocks[0]["id"], "content": "Rain"}
        again = {"type": "text", "text": 'Use the tool weather with {"city": "Oslo"}'}
        messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}]
        messages += [{"role": "assistant", "content": "It rains."}, {"role": "user", "content": [again]}]


def test_signatures_survive_a_restart(tmp_path: Path, simulator: Simulator) -> None:
    with running(tmp_path) as gateway:
        connect(gateway, simulator)
        messages: list[Any] = [{"role": "user", "content": 'Use the tool weather with {"city": "Oslo"}'}]
        called = chat(gateway, messages)
        gateway.stop()
        gateway.start()
        id = called["tool_calls"][0]["id"]
        chat(gateway, [*messages, called, {"role": "tool", "tool_call_id": id, "content": "Rain"}])
        assert sent_calls(simulator) == [(id, given(sent_calls(simulator)[0][0]))]


def test_a_call_that_nobody_signed_gets_the_word_for_that(gemini: Gateway, simulator: Simulator) -> None:
    call = {"id": "call_other", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_other", "content": "Rain"},
    ]
    chat(gemini, history)
    assert sent_calls(simulator) == [("call_other", "skip_thought_signature_validator")]


def test_json_beside_tools_is_asked_for_in_words_once_it_was_refused(
    gemini: Gateway, simulator: Simulator
) -> None:
    simulator.reply(
        {
            "error": {
                "code": 400,
                "message": "Function calling with a response mime type: 'application/json' is unsupported",
                "status": "INVALID_ARGUMENT",
            }
        },
        status=400,
        times=1,
    )
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    for _ in range(2):
        chat(
            gemini,
            [{"role": "user", "content": "Where?"}],
            response_format=wanted,
            model="gemini/gemini-2.5-flash",
        )
    asked = [request.json["generationConfig"].get("responseMimeType") for request in simulator.requests]
    assert asked == ["application/json", None, None]
    assert "JSON" in json.dumps(simulator.requests[-1].json["systemInstruction"])


# ---- images ------------------------------------------------------------------------------------------------


class Pictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.end_headers()
        self.wfile.write(PIXEL)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_network(gemini: Gateway) -> Iterator[None]:
    gemini.manage("PATCH", "/api/settings", {"fetchPrivateAddresses": True})
    yield
    gemini.manage("PATCH", "/api/settings", {"fetchPrivateAddresses": False})


def looking_at(url: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """A request with an image, in each format that may name an address."""
    chat_part = {"type": "image_url", "image_url": {"url": url}}
    claude_part = {"type": "image", "source": {"type": "url", "url": url}}
    item = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": url}]}
    return {
        "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": [chat_part]}]}),
        "claude": (
            "/v1/messages",
            {"max_tokens": 99, "messages": [{"role": "user", "content": [claude_part]}]},
        ),
        "responses": ("/v1/responses", {"input": [item]}),
    }


@pytest.mark.usefixtures("open_network")
@pytest.mark.parametrize("client", ["chat", "claude", "responses"])
def test_an_image_behind_an_address_reaches_gemini_as_data(
    gemini: Gateway, simulator: Simulator, pictures: str, client: str
) -> None:
    path, body = looking_at(f"{pictures}/{client}.png")[client]
    answer = gemini.http.post(path, json={"model": MODEL, **body})
    assert answer.status_code == 200, answer.text
    (part,) = simulator.requests[-1].json["contents"][0]["parts"]
    assert part == {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PIXEL).decode()}}


@pytest.mark.parametrize("client", ["chat", "claude", "responses"])
def test_a_private_address_is_refused_in_the_clients_own_words(
    gemini: Gateway, simulator: Simulator, pictures: str, client: str
) -> None:
    path, body = looking_at(f"{pictures}/secret?token=x")[client]
    answer = gemini.http.post(path, json={"model": MODEL, **body})
    assert answer.status_code == 400
    assert (
        answer.json()["error"]["message"] == f"{pictures}/secret could not be fetched: its address is private"
    )
    assert simulator.count == 0
    assert last_row(gemini)["status"] == 400


@pytest.mark.usefixtures("open_network")
def test_an_image_that_is_not_there_is_the_clients_mistake(
    gemini: Gateway, simulator: Simulator, pictures: str
) -> None:
    path, body = looking_at(f"{pictures}/missing.png")["chat"]
    for stream in (False, True):
        answer = gemini.http.post(path, json={"model": MODEL, "stream": stream, **body})
        assert answer.status_code == 400
        assert "status 404" in answer.json()["error"]["message"]
    assert simulator.count == 0


def test_addresses_that_gemini_reads_itself_are_left_to_it(gemini: Gateway, simulator: Simulator) -> None:
    started = time.monotonic()
    path, body = looking_at("https://www.youtube.com/watch?v=x")["chat"]
    assert gemini.http.post(path, json={"model": MODEL, **body}).status_code == 200
    (part,) = simulator.requests[-1].json["contents"][0]["parts"]
    assert part["fileData"]["fileUri"] == "https://www.youtube.com/watch?v=x"
    assert time.monotonic() - started < 5
