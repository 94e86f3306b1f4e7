from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import get_format
from gateway.wire.base import Seen
from gateway.wire.openai_chat.tap import ChatTap, inspect
from gateway.wire.sse import DONE, ServerEvent
from omniroute.types import Usage

CHAT = get_format("openai_chat")


def look(tap: ChatTap, data: Any) -> Seen:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return tap.look(ServerEvent(raw, raw))


def delta(value: Any, finish: Any = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": value, "finish_reason": finish}]}


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.mark.parametrize(
    ("chunk", "seen"),
    [
        (b"", Seen.NOTHING),
        (delta({"role": "assistant", "content": ""}), Seen.NOTHING),
        (delta({"content": None, "reasoning": ""}), Seen.NOTHING),
        (delta({}), Seen.NOTHING),
        ({"choices": [], "prompt_filter_results": []}, Seen.NOTHING),
        (delta({"content": "a"}), Seen.CONTENT),
        (delta({"content": [{"type": "text", "text": "a"}]}), Seen.CONTENT),
        (delta({"reasoning_content": "a"}), Seen.CONTENT),
        (delta({"reasoning": "a"}), Seen.CONTENT),
        (delta({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), Seen.CONTENT),
        (
            delta({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": {"a": 1}}}]}),
            Seen.CONTENT,
        ),
        (delta({"function_call": {"name": "f"}}), Seen.CONTENT),
        (delta({"refusal": "no"}), Seen.CONTENT),
        (delta({"audio": {"data": "AA"}}), Seen.CONTENT),
        (delta({"images": [{"type": "image_url", "image_url": {"url": "u"}}]}), Seen.CONTENT),
        (delta({"reasoning_details": [{"type": "reasoning.text", "text": "a"}]}), Seen.CONTENT),
        ({"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}}]}, Seen.CONTENT),
        (delta({}, "stop"), Seen.CONTENT),
        ({"choices": [{"text": "a"}]}, Seen.CONTENT),
        (DONE, Seen.LAST),
        ({"error": {"message": "no"}}, Seen.ERROR),
        ({"error": {"message": "no"}, **delta({"content": ""}, "error")}, Seen.ERROR),
        ({"x_groq": {"error": {"message": "no"}}}, Seen.ERROR),
        ({"x_groq": {"error": "no"}, "choices": []}, Seen.ERROR),
        ({"object": "error", "message": "no", "code": 400}, Seen.ERROR),
        ({"error": None, **delta({"content": "a"})}, Seen.CONTENT),
    ],
)
def test_every_event_is_told_apart(chunk, seen):
    tap = ChatTap(wants_usage=True)
    assert look(tap, chunk) is seen
    assert (tap.error is not None) == (seen is Seen.ERROR)


def test_an_event_named_error_is_one():
    tap = ChatTap(wants_usage=True)
    data = b'{"message": "no", "code": "rate_limit_exceeded"}'
    assert tap.look(ServerEvent(data, data, b"error")) is Seen.ERROR
    assert tap.error is not None
    assert tap.error.status == 429


def test_the_usage_chunk_is_dropped_for_those_who_did_not_ask():
    chunk = {"choices": [], "usage": USAGE}
    assert look(ChatTap(wants_usage=False), chunk) is Seen.UNASKED
    assert look(ChatTap(wants_usage=True), chunk) is Seen.NOTHING


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [], "usage": USAGE},
        {**delta({}, "stop"), "usage": USAGE},
        {**delta({}, "stop"), "x_groq": {"usage": USAGE}},
    ],
)
def test_usage_is_read_wherever_it_is(chunk):
    tap = ChatTap(wants_usage=False)
    look(tap, chunk)
    assert tap.usage == Usage(1, 2)


def test_the_answer_is_whole_with_its_finish_reason():
    tap = ChatTap(wants_usage=False)
    look(tap, delta({"content": "a"}))
    assert not tap.finished
    look(tap, delta({}, "stop"))
    assert tap.finished


def test_a_chunk_of_an_odd_shape_is_content():
    tap = ChatTap(wants_usage=False)
    assert look(tap, {"choices": [{"delta": "text", "finish_reason": "stop"}]}) is Seen.CONTENT
    assert tap.finished


def test_usage_of_an_odd_shape_does_not_hide_the_chunk():
    tap = ChatTap(wants_usage=True)
    odd = {**USAGE, "prompt_tokens": "1", "cost": "free"}
    assert look(tap, {**delta({"content": "a"}), "usage": odd}) is Seen.CONTENT


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        ({"choices": [{"message": {"content": "a"}}], "usage": USAGE}, False),
        ({"choices": [{}], "usage": {**USAGE, "prompt_tokens": 1.5}}, False),
        ({"choices": []}, True),
        ({}, True),
        ({"error": {"message": "no"}}, True),
        ({"error": None, "choices": [{}]}, False),
        ({"error": {}, "choices": [{}]}, False),
        ({"base_resp": {"status_code": 1002, "status_msg": "no"}}, True),
        ({"base_resp": {"status_code": 0}, "choices": [{}]}, False),
        ({"object": "error", "message": "no", "code": 400}, True),
    ],
)
def test_a_whole_answer_is_inspected(body, broken):
    assert (inspect(json.dumps(body).encode()).error is not None) == broken


def test_the_usage_of_a_whole_answer_is_read():
    assert inspect(json.dumps({"choices": [{}], "usage": USAGE}).encode()).usage == Usage(1, 2)


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(data):
    inspect(data)
    ChatTap(wants_usage=False).look(ServerEvent(data, data))
