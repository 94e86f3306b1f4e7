"""Bodies that come another way than the endpoint suggests: compressed, or in a neighbour's format."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from gateway.simulator import Simulator
from tests.e2e.server import Gateway
from tests.e2e.test_fallback import events, last_row, text_of

CHAT = {"model": "sim1/x", "messages": [{"role": "user", "content": "Say hello"}]}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


def send(gateway: Gateway, body: bytes, encoding: str, path: str = "/v1/chat/completions") -> Any:
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    return gateway.http.post(path, content=body, headers=headers)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_compressed_body_is_read(gateway: Gateway, simulator: Simulator, encoding: str) -> None:
    answer = send(gateway, COMPRESS[encoding](json.dumps(CHAT).encode()), encoding)
    assert text_of(answer) == "You said: Say hello"
    received = simulator.requests[-1]
    assert "content-encoding" not in received.headers
    assert received.json == {**CHAT, "model": "x"}


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_bomb_is_refused_in_the_clients_format(
    gateway: Gateway, simulator: Simulator, encoding: str
) -> None:
    bomb = COMPRESS[encoding](bytes(33 * 1024 * 1024))
    answer = send(gateway, bomb, encoding, "/v1/messages")
    assert answer.status_code == 413
    assert answer.json()["type"] == "error"
    assert "MAX_BODY_MB" in answer.json()["error"]["message"]
    assert simulator.count == 0


def test_an_unknown_encoding_is_refused(gateway: Gateway) -> None:
    answer = send(gateway, b"x", "br")
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_encoding"
    assert "gzip" in answer.json()["error"]["message"]


def test_a_broken_body_is_refused(gateway: Gateway) -> None:
    answer = send(gateway, b"no gzip", "gzip")
    assert answer.status_code == 400
    assert "gzip" in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", ["sim1/x", "three"])
def test_a_responses_body_on_the_chat_path_is_answered_as_such(
    gateway: Gateway, simulator: Simulator, model: str
) -> None:
    body = {"model": model, "input": [{"role": "user", "content": "Say hello"}], "instructions": "Be brief."}
    answer = gateway.http.post("/v1/chat/completions", json=body).json()
    assert answer["object"] == "response"
    assert answer["output"][-1]["content"][0]["text"] == "You said: Say hello"
    assert simulator.requests[-1].json["messages"][0]["content"] == "Be brief."
    streamed = gateway.http.post("/v1/chat/completions", json={**body, "stream": True})
    assert events(streamed)[-1]["type"] == "response.completed"
    assert last_row(gateway)["client_format"] == "openai_responses"


def test_a_body_with_both_is_a_chat_body(gateway: Gateway) -> None:
    answer = gateway.http.post("/v1/chat/completions", json={**CHAT, "input": "Say goodbye"})
    assert text_of(answer) == "You said: Say hello"


def test_a_body_with_neither_is_told_what_is_missing(gateway: Gateway) -> None:
    answer = gateway.http.post("/v1/chat/completions", json={"model": "sim1/x"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages"
