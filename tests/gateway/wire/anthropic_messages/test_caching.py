"""Claude's cache breakpoints: kept, placed and limited."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from gateway.wire import get_format, ir
from gateway.wire.base import ModelProfile
from tests.gateway.wire.anthropic_messages.made_up import SONNET

EPHEMERAL = {"type": "ephemeral"}
MARK = {"cache_control": EPHEMERAL}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
FORMAT = get_format("anthropic_messages")


def from_chat(messages: list[dict[str, Any]], profile: ModelProfile = SONNET, **more: Any) -> dict[str, Any]:
    request = get_format("openai_chat").parse_request({"messages": messages, **more}, "m", False)
    return FORMAT.emit_request(request, profile)


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


USER = {"role": "user", "content": "go"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
LOOP: list[dict[str, Any]] = [
    USER,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "1"},
]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def test_a_single_instruction_keeps_its_breakpoint():
    body = from_chat([{"role": "system", "content": [text("long", **HOUR)]}, USER])
    assert body["system"] == [text("long", **HOUR)]


def test_a_breakpoint_of_a_message_is_one_of_its_last_part():
    body = from_chat(
        [{"role": "system", "content": "long", **MARK}, {**USER, **MARK}, {"role": "user", "content": "b"}]
    )
    assert body["system"] == [text("long", **MARK)]
    assert body["messages"] == [{"role": "user", "content": [text("go", **MARK), text("b")]}]


def test_tools_and_results_keep_theirs():
    results = [*LOOP[:2], {**LOOP[2], **MARK}]
    body = from_chat(results, tools=[{**TOOL, **HOUR}])
    assert body["tools"][0]["cache_control"] == HOUR["cache_control"]
    assert body["messages"][-1]["content"][0] == {
        "type": "tool_result",
        "tool_use_id": "call_1",
        "content": "1",
        **MARK,
    }


def marks(body: dict[str, Any]) -> int:
    return json.dumps(body).count('"cache_control"')


def test_nulls_are_no_breakpoints():
    parts = [text(str(number), cache_control=None) for number in range(5)]
    body = {"model": "m", "system": [text("s", **MARK)], "messages": [{"role": "user", "content": parts}]}
    fields: dict[str, Any] = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in body.items()}
    FORMAT.patch(fields, "m", False)
    assert json.loads(bytes(fields["system"])) == body["system"]
    assert json.loads(bytes(fields["messages"])) == body["messages"]


def test_of_more_than_four_the_earliest_go():
    parts = [text(str(number), **MARK) for number in range(5)]
    body = from_chat([{"role": "system", "content": [text("s", **MARK)]}, {"role": "user", "content": parts}])
    assert body["system"] == [text("s")] or body["system"] == "s"
    assert [("cache_control" in part) for part in body["messages"][0]["content"]] == [
        False,
        True,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize("count", [4, 5, 7])
def test_a_clients_own_body_is_touched_only_above_the_limit(count):
    blocks = [text(f'"cache_control" {number}', **MARK) for number in range(count)]
    raw = msgspec.Raw(json.dumps([{"role": "user", "content": blocks}]).encode())
    fields: dict[str, Any] = {"messages": raw}
    FORMAT.patch(fields, "m", False)
    assert (fields["messages"] is raw) == (count <= 4)
    sent = json.loads(bytes(raw)) if count <= 4 else fields["messages"]
    assert ["cache_control" in block for block in sent[0]["content"]] == [False] * (count - 4) + [True] * 4


def test_a_chain_of_calls_is_cached_for_clients_that_cannot_ask_for_it():
    body = from_chat([{"role": "system", "content": "s"}, *LOOP], tools=[TOOL])
    assert body["system"] == [text("s", **MARK)]
    assert [message["content"][-1].get("cache_control") for message in body["messages"]] == [
        EPHEMERAL,
        None,
        EPHEMERAL,
    ]


@pytest.mark.parametrize(
    ("messages", "profile"),
    [
        ([{"role": "system", "content": "s"}, USER], SONNET),
        (LOOP, ModelProfile(provider="glm", model="glm-5")),
    ],
)
def test_a_single_question_and_another_vendor_are_not(messages, profile):
    assert marks(from_chat(messages, profile, tools=[TOOL])) == 0


def test_what_the_client_marked_is_all_that_is_marked():
    assert marks(from_chat([{"role": "system", "content": [text("s", **MARK)]}, *LOOP], tools=[TOOL])) == 1


# ---- from Claude's clients to others


def to_chat(provider: str, model: str) -> list[dict[str, Any]]:
    asked = {
        "max_tokens": 9,
        "system": [text("s", **MARK)],
        "messages": [{"role": "user", "content": [text("u", **HOUR)]}],
    }
    request: ir.Request = FORMAT.parse_request(asked, "m", False)
    sent: list[dict[str, Any]] = get_format("openai_chat").emit_request(
        request, ModelProfile(provider, model)
    )["messages"]
    return sent


def test_openrouters_claude_gets_the_breakpoints():
    assert to_chat("openrouter", "anthropic/claude-sonnet-4.5") == [
        {"role": "system", "content": [text("s", **MARK)]},
        {"role": "user", "content": [text("u", **HOUR)]},
    ]


@pytest.mark.parametrize("target", [("openrouter", "openai/gpt-5"), ("openai", "gpt-5"), ("groq", "x")])
def test_nobody_else_does(target):
    assert to_chat(*target) == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
