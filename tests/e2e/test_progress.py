"""Progress events: only for who asks, between events, and done before the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

ASK = {"x-omniroute-progress": "true"}
BODIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}, "data: [DONE]"),
    "messages": (
        "/v1/messages",
        {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99},
        "event: message_stop",
    ),
    "responses": ("/v1/responses", {"input": "Hi"}, "event: response.completed"),
    "completions": ("/v1/completions", {"prompt": "Hi"}, "data: [DONE]"),
}


def told(text: str) -> list[dict[str, Any]]:
    lines = text.split("\n")
    return [
        json.loads(lines[at + 1].removeprefix("data: "))
        for at, line in enumerate(lines)
        if line == "event: progress"
    ]


@pytest.mark.parametrize("format", BODIES)
def test_a_long_stream_tells_its_progress_and_is_done_before_its_end(
    gateway: Gateway, simulator: Simulator, format: str
) -> None:
    path, body, end = BODIES[format]
    simulator.behave("n25-i100")
    answer = gateway.http.post(path, json={"model": "sim1/m", "stream": True, **body}, headers=ASK)
    assert answer.headers["x-omniroute-progress"] == "enabled"
    events = told(answer.text)
    assert len(events) >= 2
    assert [event.get("done", False) for event in events] == [False] * (len(events) - 1) + [True]
    assert all(event["tokens_generated"] > 0 for event in events)
    assert 2000 <= events[0]["elapsed_ms"] < events[-1]["elapsed_ms"]
    assert answer.text.index('"done":true') < answer.text.index(end)


def test_nobody_gets_them_unasked(gateway: Gateway, simulator: Simulator) -> None:
    path, body, _ = BODIES["chat"]
    request = {"model": "sim1/m", "stream": True, **body}
    for headers in ({}, {"x-omniroute-progress": "false"}):
        answer = gateway.http.post(path, json=request, headers=headers)
        assert "progress" not in answer.text
        assert "x-omniroute-progress" not in answer.headers
    whole = gateway.http.post(path, json={**request, "stream": False}, headers=ASK)
    assert "x-omniroute-progress" not in whole.headers


def test_a_stream_that_breaks_has_its_error_and_its_last_count(
    gateway: Gateway, simulator: Simulator
) -> None:
    path, body, _ = BODIES["chat"]
    simulator.behave("cut3")
    answer = gateway.http.post(path, json={"model": "sim1/m", "stream": True, **body}, headers=ASK)
    assert told(answer.text)[-1]["done"] is True
    assert '"error"' in answer.text
    assert "data: [DONE]" not in answer.text
