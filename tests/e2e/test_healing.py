"""Refusals that name their own remedy: the client never sees them, and they do not happen twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator import Simulator
from tests.e2e.server import Gateway, running
from tests.e2e.test_fallback import last_row, text_of

THINKING_REFUSED = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
    },
}
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "c2lnbmVk"}


def refusal(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def lessons(gateway: Gateway, model: str) -> list[dict[str, Any]]:
    return [row for row in gateway.rows("SELECT * FROM providers_learnedquirk") if row["model"] == model]


def until(true: Callable[[], Any], seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    """Without what the test before taught it."""
    gateway.manage("DELETE", "/api/learned-quirks")
    return gateway


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refused_parameter_is_left_out_and_the_request_repeated_on_the_same_account(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    simulator.reply(refusal("Unsupported parameter(s): top_p"), status=400, times=1)
    answer = gateway.chat("sim1/picky", top_p=0.5, temperature=0.7, stream=stream)
    assert text_of(answer) == "You said: Say hello"
    first, second = (request.json for request in simulator.requests)
    assert first.pop("top_p") == 0.5
    assert second == first
    assert {request.key for request in simulator.requests} == {"sk-up-1"}
    trail = last_row(gateway)["attempts"]
    assert [(step["status"], step.get("message")) for step in trail] == [
        (400, "Unsupported parameter(s): top_p"),
        (200, None),
    ]


def test_what_was_learned_holds_for_the_next_request_at_once(gateway: Gateway, simulator: Simulator) -> None:
    simulator.reply(
        refusal(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
        status=400,
        times=1,
    )
    for _ in range(3):
        assert gateway.chat("sim1/renamed", max_tokens=50).status_code == 200
    assert simulator.count == 4
    assert all(request.json.get("max_completion_tokens") == 50 for request in simulator.requests[1:])
    assert gateway.chat("sim1/another", max_tokens=50).status_code == 200
    assert gateway.chat("sim2/renamed", max_tokens=50).status_code == 200
    assert all(request.json["max_tokens"] == 50 for request in simulator.requests[4:])


def test_what_was_learned_survives_a_restart_and_can_be_forgotten(
    tmp_path: Path, simulator: Simulator
) -> None:
    with running(tmp_path) as gateway:
        gateway.add_provider("sim", simulator.openai_url)
        simulator.reply(
            refusal("unknown variant `xhigh`, expected one of `low`, `medium`, `high`"), status=422, times=1
        )
        assert gateway.chat("sim/x", reasoning_effort="xhigh").status_code == 200
        assert simulator.requests[-1].json["reasoning_effort"] == "high"
        assert until(lambda: lessons(gateway, "x"))
        gateway.stop()
        gateway.start()
        assert gateway.chat("sim/x", reasoning_effort="xhigh").status_code == 200
        assert simulator.count == 3
        assert simulator.requests[-1].json["reasoning_effort"] == "high"

        (lesson,) = gateway.manage("GET", "/api/learned-quirks")["learnedQuirks"]
        assert (lesson["kind"], lesson["field"], lesson["isActive"]) == ("one_of", "reasoning_effort", True)
        gateway.manage("DELETE", f"/api/learned-quirks/{lesson['id']}")
        assert gateway.chat("sim/x", reasoning_effort="xhigh").status_code == 200
        assert simulator.requests[-1].json["reasoning_effort"] == "xhigh"


def test_another_process_learns_from_the_database(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "other").mkdir()
    shared = {"DATA_DIR": str(tmp_path / "data")}
    with running(tmp_path, shared) as gateway, running(tmp_path / "other", shared) as other:
        gateway.add_provider("sim", simulator.openai_url)
        simulator.reply(refusal("Unsupported parameter(s): top_p"), status=400, times=1)
        assert gateway.chat("sim/x", top_p=0.5).status_code == 200

        def is_known() -> bool:
            assert other.chat("sim/x", top_p=0.5).status_code == 200
            return "top_p" not in simulator.requests[-1].json

        assert until(is_known)


def test_one_that_is_switched_off_is_neither_applied_nor_learned_again(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.reply(refusal("Unsupported parameter(s): top_p"), status=400, times=1)
    assert gateway.chat("sim1/off", top_p=0.5).status_code == 200
    assert until(lambda: lessons(gateway, "off"))
    (lesson,) = gateway.manage("GET", "/api/learned-quirks?model=off")["learnedQuirks"]
    gateway.manage("PATCH", f"/api/learned-quirks/{lesson['id']}", {"isActive": False})
    simulator.reply(refusal("Unsupported parameter(s): top_p"), status=400, times=1)
    answer = gateway.chat("sim1/off", top_p=0.5)
    assert (answer.status_code, answer.json()) == (400, refusal("Unsupported parameter(s): top_p"))
    assert simulator.requests[-1].json["top_p"] == 0.5


def test_a_remedy_that_does_not_help_is_not_remembered(gateway: Gateway, simulator: Simulator) -> None:
    refused = refusal("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens")
    simulator.reply(refused, status=400)
    answer = gateway.chat("sim1/stubborn", max_tokens=100_000)
    assert (answer.status_code, answer.json()) == (400, refused)
    assert [request.json["max_tokens"] for request in simulator.requests] == [100_000, 64_000]
    assert [step["status"] for step in last_row(gateway)["attempts"]] == [400, 400]
    simulator.reset()
    assert gateway.chat("sim1/stubborn", max_tokens=100_000).status_code == 200
    assert simulator.requests[0].json["max_tokens"] == 100_000
    assert lessons(gateway, "stubborn") == []


def test_the_first_refusal_is_told_where_the_repeat_meets_another(
    gateway: Gateway, simulator: Simulator
) -> None:
    first = refusal("Unsupported parameter(s): top_p")
    simulator.reply(first, status=400, times=1)
    simulator.reply(refusal("Something else is wrong"), status=400, times=1)
    answer = gateway.chat("sim1/x", top_p=0.5)
    assert (answer.status_code, answer.json()) == (400, first)
    trail = last_row(gateway)["attempts"]
    assert [step["message"] for step in trail] == [
        "Unsupported parameter(s): top_p",
        "Something else is wrong",
    ]
    assert simulator.count == 2


def test_a_provider_that_names_its_parameters_one_by_one_is_heard_out(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.reply(refusal("Unsupported parameter(s): top_p"), status=400, times=1)
    simulator.reply(refusal("`temperature` is deprecated for this model."), status=400, times=1)
    assert gateway.chat("sim1/two", top_p=0.5, temperature=0.3, seed=4).status_code == 200
    assert gateway.chat("sim1/two", top_p=0.5, temperature=0.3, seed=4).status_code == 200
    assert simulator.count == 4
    assert not {"top_p", "temperature"} & simulator.requests[3].json.keys()
    assert simulator.requests[3].json["seed"] == 4


def test_a_repeat_that_fails_for_another_reason_falls_back(gateway: Gateway, simulator: Simulator) -> None:
    simulator.reply(refusal("Unsupported parameter(s): top_p"), status=400, times=1, model="first")
    simulator.behave("429-retry7", model="first")
    answer = gateway.chat("three", top_p=0.5)
    assert text_of(answer) == "You said: Say hello"
    assert [(request.model, "top_p" in request.json) for request in simulator.requests] == [
        ("first", True),
        ("first", False),
        ("second", True),
    ]
    assert lessons(gateway, "first") == []


def test_a_request_in_another_format_is_healed_too(gateway: Gateway, simulator: Simulator) -> None:
    simulator.reply(refusal("property 'top_p' is unsupported"), status=400, times=1)
    body = {"model": "sim1/foreign", "max_tokens": 99, "top_p": 0.5, "messages": [user("Say hello")]}
    for _ in range(2):
        answer = gateway.http.post("/v1/messages", json=body)
        assert answer.json()["content"][0]["text"] == "You said: Say hello"
    assert ["top_p" in request.json for request in simulator.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("messages: may not be there", "messages"),
        ("Unsupported parameter: 'messages'", "messages"),
        ("Unsupported parameter: 'model'", "model"),
        ("Unsupported parameter: 'stream'", "stream"),
    ],
)
def test_what_makes_the_request_is_never_taken_out(
    gateway: Gateway, simulator: Simulator, message: str, name: str
) -> None:
    simulator.reply(refusal(message, name), status=400)
    assert gateway.chat("sim1/x", stream=False).status_code == 400
    assert simulator.count == 1


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


# ---- signatures --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _anthropic(_gateway: Gateway, _simulator: Simulator) -> None:
    _gateway.add_provider("ant", _simulator.anthropic_url, kind="anthropic-compatible", key="sk-a")
    _gateway.add_provider("clone", _simulator.anthropic_url, kind="anthropic-compatible", key="sk-b")
    _gateway.add_provider("oai", _simulator.openai_url, api="responses", key="sk-c")
    account = {"provider": "anthropic", "apiKey": "sk-ant-x", "name": "sim"}
    there = {"baseUrl": _simulator.anthropic_url}
    _gateway.manage("POST", "/api/providers", {**account, "providerSpecificData": there})
    _gateway.add_combo("vendors", "ant/first", "clone/second")


def chain(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "ant/thinker",
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [
            user("Say hello"),
            {
                "role": "assistant",
                "content": [*blocks, {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}],
            },
            user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "A door"}]),
        ],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    }


@pytest.mark.usefixtures("_anthropic")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refused_signature_costs_the_thoughts_and_not_the_session(
    gateway: Gateway, simulator: Simulator, stream: bool
) -> None:
    simulator.reply(THINKING_REFUSED, status=400, times=1)
    body = {**chain(THOUGHT), "stream": stream}
    headers = {"anthropic-version": "2023-06-01"}
    assert gateway.http.post("/v1/messages", json=body, headers=headers).status_code == 200
    first, second = (request.json for request in simulator.requests)
    assert first["messages"] == body["messages"]
    assert [block["type"] for block in second["messages"][1]["content"]] == ["tool_use"]
    assert "thinking" not in second
    assert gateway.http.post("/v1/messages", json=body, headers=headers).status_code == 200
    assert simulator.requests[2].json == first
    assert lessons(gateway, "thinker") == []


@pytest.mark.usefixtures("_anthropic")
def test_without_anything_to_leave_out_nothing_is_repeated(gateway: Gateway, simulator: Simulator) -> None:
    simulator.reply(THINKING_REFUSED, status=400)
    body = {"model": "ant/thinker", "max_tokens": 99, "messages": [user("Say hello")]}
    answer = gateway.http.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
    assert (answer.status_code, answer.json()) == (400, THINKING_REFUSED)
    assert simulator.count == 1
    assert len(last_row(gateway)["attempts"]) == 1


@pytest.mark.usefixtures("_anthropic")
def test_a_fallback_to_a_clone_that_refuses_the_signature_goes_on_without(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.behave("500", model="first")
    simulator.reply(THINKING_REFUSED, status=400, times=1, model="second")
    body = {**chain(THOUGHT), "model": "vendors"}
    answer = gateway.http.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
    assert answer.status_code == 200
    assert [step["status"] for step in last_row(gateway)["attempts"]] == [500, 400, 200]
    assert "signature" not in simulator.requests[-1].body.decode()


@pytest.mark.usefixtures("_anthropic")
def test_foreign_reasoning_items_are_left_out_of_a_responses_request(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.reply(
        refusal("The encrypted content gAAA could not be verified.", code="invalid_encrypted_content"),
        status=400,
        times=1,
    )
    body = {
        "model": "oai/x",
        "input": [
            {"type": "message", "role": "user", "content": "Say hello"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
            {"type": "message", "role": "user", "content": "Again"},
        ],
    }  # fmt: skip
    assert gateway.http.post("/v1/responses", json=body).status_code == 200
    sent = simulator.requests[-1].json["input"]
    assert [item["type"] for item in sent] == ["message"] * 3
    assert "gAAA" not in json.dumps(sent)


@pytest.mark.usefixtures("_anthropic")
def test_a_translated_request_survives_a_refusal_of_its_thoughts(
    gateway: Gateway, simulator: Simulator
) -> None:
    simulator.reply(THINKING_REFUSED, status=400, times=1)
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    body = {
        "model": "anthropic/claude-sonnet-4-5",
        "reasoning_effort": "high",
        "messages": [
            user("Say hello"),
            {"role": "assistant", "content": None, "tool_calls": [call], "thinking_blocks": [THOUGHT]},
            {"role": "tool", "tool_call_id": "call_1", "content": "A door"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    }
    answer = gateway.http.post("/v1/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"] == "The tool said: A door"
    first, second = (request.json for request in simulator.requests)
    assert first["messages"][1]["content"][0] == THOUGHT
    assert first["thinking"]["type"] == "enabled"
    assert [block["type"] for block in second["messages"][1]["content"]] == ["tool_use"]
    assert "thinking" not in second
