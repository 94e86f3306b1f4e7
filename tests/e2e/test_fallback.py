"""A combo of three targets under faults: the client sees one correct answer, the usage row tells the trail."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import httpx
import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway

FAULTS = ["429-retry7", "500", "401", "404", "402", "error200", "empty", "cut0", "html502", "malformed"]


def last_row(gateway: Gateway) -> dict[str, Any]:
    row = gateway.rows("SELECT * FROM billing_usagerecord ORDER BY id DESC LIMIT 1")[0]
    row["attempts"] = json.loads(row["attempts"])
    return row


def events(response: httpx.Response) -> list[Any]:
    lines = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) if line != "[DONE]" else line for line in lines]


def text_of(response: httpx.Response) -> str:
    if not response.headers["content-type"].startswith("text/event-stream"):
        return str(response.json()["choices"][0]["message"]["content"])
    chunks = [event for event in events(response) if isinstance(event, dict) and event.get("choices")]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
def test_it_falls_back_to_the_next_target(
    gateway: Gateway, simulator: Simulator, fault: str, stream: bool
) -> None:
    simulator.behave(fault, model="first")
    simulator.behave(fault, model="second")
    answer = gateway.chat("three", "Say hello", stream=stream)
    assert answer.status_code == 200
    assert text_of(answer) == "You said: Say hello"
    if stream:
        assert events(answer)[-1] == "[DONE]"
    row = last_row(gateway)
    assert [attempt["model"] for attempt in row["attempts"]] == ["first", "second", "third"]
    assert (row["status"], row["served_model"], row["combo"]) == (200, "third", "three")
    assert row["attempts"][0]["status"] >= 400
    assert row["attempts"][0]["error"]
    assert row["output_tokens"] > 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refused_connection_falls_back(gateway: Gateway, stream: bool) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gateway.add_provider(f"closed-{stream}", f"http://127.0.0.1:{closed.getsockname()[1]}/v1")
    gateway.add_combo(f"refused-{stream}", f"closed-{stream}/x", "sim2/y")
    answer = gateway.chat(f"refused-{stream}", stream=stream)
    assert text_of(answer) == "You said: Say hello"
    assert last_row(gateway)["attempts"][0]["error"] == "upstream_unreachable"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_server_that_never_answers_falls_back_in_time(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    simulator.behave("hang", model="silent")
    gateway.manage("PATCH", "/api/settings", {"firstEventTimeoutS": 0.7})
    gateway.add_combo(f"silent-{stream}", "sim1/silent", "sim2/loud")
    try:
        answer = gateway.chat(f"silent-{stream}", stream=stream)
    finally:
        gateway.manage("PATCH", "/api/settings", {"firstEventTimeoutS": 120})
    assert text_of(answer) == "You said: Say hello"
    row = last_row(gateway)
    assert row["attempts"][0]["error"] == "upstream_timeout"
    assert 650 <= row["attempts"][0]["ms"] < 5000


def test_a_stream_cut_behind_its_first_content_ends_with_an_error_in_band(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("cut3", model="first")
    answer = gateway.chat("three", "one two three four five six", stream=True)
    assert answer.status_code == 200
    said = events(answer)
    assert text_of(answer)
    assert said[-1]["error"]["code"] in ("upstream_broken", "stream_cut")
    assert "[DONE]" not in said
    assert not any(event.get("choices") and event["choices"][0]["finish_reason"] for event in said)
    row = last_row(gateway)
    assert row["status"] == 502
    assert len(row["attempts"]) == 1


def test_an_account_in_cooldown_is_passed_over_without_a_call(gateway: Gateway, simulator: Simulator) -> None:
    simulator.behave("429-retry7", key="sk-up-1")
    assert gateway.chat("three").status_code == 200
    before = simulator.count
    assert gateway.chat("three").status_code == 200
    assert simulator.count == before + 1
    skipped, tried = last_row(gateway)["attempts"]
    assert (skipped["model"], skipped["skipped"]) == ("first", "rate_limited")
    assert 0 < skipped["wait_s"] <= 7
    assert (tried["model"], tried["status"]) == ("second", 200)


def test_what_was_put_off_and_what_leads_nowhere_is_told(gateway: Gateway, simulator: Simulator) -> None:
    gateway.add_combo("telling", "gone/x", "sim1/first", "sim2/second")
    simulator.behave("500", key="sk-up-1", times=1)
    assert gateway.chat("telling").status_code == 200
    answer = gateway.chat("telling")
    assert answer.headers["x-omniroute-fallback"] == "gone/x left out, sim1/first skipped transient"
    entries = last_row(gateway)["attempts"]
    assert [each.get("skipped", each.get("status")) for each in entries] == ["left_out", "transient", 200]
    assert "not known here" in entries[0]["message"]


def test_when_every_account_is_limited_the_client_hears_when_to_come_back(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("429-retry7")
    first = gateway.chat("three")
    assert first.status_code == 429
    assert 1 <= int(first.headers["retry-after"]) <= 7
    again = gateway.chat("three")
    assert again.status_code == 429
    assert 1 <= int(again.headers["retry-after"]) <= 7
    assert again.json()["error"]["code"] == "rate_limit_exceeded"
    assert simulator.count == 3


def test_a_bad_request_is_returned_at_once_outside_of_a_combo(gateway: Gateway, simulator: Simulator) -> None:
    refusal = {
        "error": {
            "message": "temperature is too hot",
            "type": "invalid_request_error",
            "param": "temperature",
        }
    }
    simulator.reply(refusal, status=400)
    answer = gateway.chat("sim1/x", temperature=99)
    assert (answer.status_code, answer.json()) == (400, refusal)
    assert simulator.count == 1


def test_a_provider_that_failed_a_moment_ago_is_still_asked_when_it_is_the_only_one(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("500", times=1)
    assert gateway.chat("sim1/x").status_code == 500
    assert gateway.chat("sim1/x").status_code == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_when_the_client_leaves_the_stream_is_closed_and_the_row_written(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    simulator.behave("n50-i50" if stream else "hang", model="long")
    body = {"model": "sim1/long", "stream": stream, "messages": [{"role": "user", "content": "go on"}]}
    before = len(gateway.rows())
    with httpx.Client(base_url=gateway.url, timeout=0.6, trust_env=False) as client:
        try:
            with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                next(answer.iter_bytes())
        except httpx.ReadTimeout:
            pass
    if stream:  # before the headers of an answer the connection cannot be closed (docs/decisions.md)
        assert simulator.wait_for_end(timeout=1).ended == "client_left"
    deadline = time.monotonic() + 3
    while len(gateway.rows()) == before and time.monotonic() < deadline:
        time.sleep(0.01)
    row = last_row(gateway)
    assert (row["status"], row["error_code"]) == (499, "client_left")
    assert row["input_tokens"] > 0  # the provider had read the prompt
    assert (row["output_tokens"] > 0, row["usage_estimated"]) == (stream, 1)
