from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion

from gateway.wire import get_format, ir
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import Usage

CHAT = get_format("openai_chat")
ASKED = ir.Request("asked", [])


def reply(message: dict[str, Any] | None = None, finish: Any = "stop", **fields: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "hi"} if message is None else message
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
    }
    return {**body, **fields}


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BODIES = {
    "plain": reply(),
    "nothing at all": reply({}),
    "no message": reply(choices=[{"index": 0, "finish_reason": "content_filter"}]),
    "list of thinking": reply(
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "a"}]},
                {"type": "text", "text": "b"},
            ],
        }
    ),
    "details": reply(
        {"content": "x", "reasoning": "r", "reasoning_details": [{"type": "reasoning.text", "text": "r"}]}
    ),
    "calls": reply(
        {"content": None, "tool_calls": [{**CALL, "index": 0, "custom": {"name": "", "input": ""}}]}
    ),
    "legacy call": reply(
        {"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "function_call"
    ),
    "annotated": reply({"content": "x", "annotations": [{"type": "url_citation", "url_citation": {}}]}),
    "images": reply(
        {
            "content": "x",
            "images": [{"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,AA=="}}],
        }
    ),
    "audio": reply(
        {"content": None, "audio": {"id": "a", "data": "AA==", "transcript": "hey", "expires_at": 1}}
    ),
    "odd end": reply(finish="eos", system_fingerprint=None, x_groq={"id": "r"}, service_tier="on_demand"),
    "several": reply(
        choices=[
            {
                "index": 0,
                "message": {"role": "assistant", "content": "a"},
                "finish_reason": "stop",
                "logprobs": {"content": [{}]},
            },
            {
                "index": 1,
                "message": {"role": "assistant", "content": "b", "refusal": ""},
                "finish_reason": "length",
            },
        ]
    ),
    "odd usage": reply(
        usage={
            "prompt_tokens": 5,
            "completion_tokens": 2,
            "total_tokens": 7,
            "cost": {"total_cost": 0.5},
            "x": [],
        }
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_reply_of_its_own_format_comes_back_equal(name):
    body = BODIES[name]
    before = copy.deepcopy(body)
    emitted = CHAT.emit_response(CHAT.parse_response(body), ASKED)
    assert emitted == before == body


def parts_of(message: dict[str, Any], finish: Any = "stop") -> list[ir.Part]:
    return CHAT.parse_response(reply(message, finish)).candidates[0].parts


def test_reasoning_text_and_calls_are_told_apart():
    parts = parts_of({"reasoning": "r", "content": "x", "tool_calls": [CALL]})
    assert [type(part) for part in parts] == [ir.Reasoning, ir.Text, ir.ToolCall]


def test_the_same_reasoning_said_twice_is_one():
    details = [{"type": "reasoning.text", "text": "r", "format": "anthropic-claude-v1", "signature": "s"}]
    (part,) = parts_of(
        {"content": "", "reasoning": "r", "reasoning_content": "r", "reasoning_details": details}
    )
    assert part == ir.Reasoning("r", signature="s", vendor="anthropic")


def test_empty_calls_are_none():
    parts = parts_of(
        {"content": "x", "function_call": {"name": "", "arguments": ""}, "tool_calls": [{"function": {}}]}
    )
    assert [type(part) for part in parts] == [ir.Text]


def test_arguments_that_came_as_an_object_are_text():
    call = {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}
    (part,) = parts_of({"content": None, "tool_calls": [call]})
    assert isinstance(part, ir.ToolCall)
    assert part.arguments == '{"a":1}'


@pytest.mark.parametrize(
    ("said", "calls", "reason"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("", True, "tool_calls"),
        (None, False, "stop"),
        ("eos", False, "stop"),
        ("function_call", True, "tool_calls"),
        ("tool_calls", False, "stop"),
        ("length", True, "length"),
        ("MAX_TOKENS", False, "length"),
        ("sensitive", False, "content_filter"),
        ("insufficient_system_resource", False, "error"),
        ("something new", False, "stop"),
    ],
)
def test_finish_reasons_of_all_vendors_are_understood(said, calls, reason):
    body = reply({"content": "x", "tool_calls": [CALL] if calls else None}, said)
    assert CHAT.parse_response(body).candidates[0].finish_reason == reason


def test_the_stop_sequence_is_known_where_the_server_tells_it():
    body = reply()
    body["choices"][0]["stop_reason"] = "END"
    candidate = CHAT.parse_response(body).candidates[0]
    assert (candidate.finish_reason, candidate.stop_sequence) == ("stop_sequence", "END")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, Usage(5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(5, 2)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 13,
                "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 1},
            },
            Usage(9, 4, 3, 2, 1),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 3}, Usage(9, 4, 3)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "cached_tokens": 3}, Usage(9, 4, 3)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 18,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(9, 9, reasoning_tokens=5),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 4, "cost": 0.25}, Usage(9, 4, cost=Decimal("0.25"))),
        ({"prompt_tokens": 9, "completion_tokens": 4, "cost": True}, Usage(9, 4)),
        ({"prompt_tokens": 9.0, "completion_tokens": "4", "total_tokens": None}, Usage(9, 0)),
    ],
)
def test_usage_is_counted_once_whoever_counts(usage, expected):
    assert CHAT.parse_response(reply(usage=usage)).usage == expected


def test_usage_in_groqs_own_field_is_found():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert CHAT.parse_response(reply(x_groq={"usage": usage})).usage == Usage(1, 2)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "no", "code": 429}}, 429),
        ({"error": "no"}, 502),
        ({"base_resp": {"status_code": 1002, "status_msg": "no"}, "choices": None}, 429),
        ({"object": "error", "message": "no", "code": 400}, 400),
        ({"x_groq": {"error": {"message": "no"}}}, 502),
    ],
)
def test_an_error_under_status_200_is_refused(body, status):
    with pytest.raises(UpstreamRefused, match="no") as caught:
        CHAT.parse_response(body)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": None}, {"choices": ["x"]}, reply({"content": 5})]
)
def test_an_answer_without_a_usable_choice_is_broken(body):
    with pytest.raises(UpstreamBroken):
        CHAT.parse_response(body)


# ---- Replies of other formats ----------------------------------------------------------------------------


def foreign(*parts: ir.Part, finish: ir.FinishReason = "stop", **fields: Any) -> dict[str, Any]:
    response = ir.Response(
        "msg_1", "claude", 5, [ir.Candidate(list(parts), finish)], Usage(7, 3, 2, 1, 1), **fields
    )
    body = CHAT.emit_response(response, ASKED)
    ChatCompletion.model_validate(body, strict=True)
    return body


def test_a_foreign_reply_is_complete_for_the_vendors_own_types():
    body = foreign(ir.Text("hi"))
    usage = CompletionUsage.model_validate(body["usage"])
    assert (body["id"], body["created"], body["model"]) == ("chatcmpl-msg_1", 5, "claude")
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 3, 10)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 2
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 1
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "hi", "refusal": None}


def test_a_reply_without_a_model_echoes_what_was_asked():
    assert CHAT.emit_response(ir.Response(candidates=[ir.Candidate()]), ASKED)["model"] == "asked"


def test_claudes_thinking_is_shown_and_can_be_sent_back():
    message = foreign(
        ir.Reasoning("a", signature="s", vendor="anthropic"),
        ir.Reasoning(redacted="d", vendor="anthropic"),
        ir.Text("x"),
    )["choices"][0]["message"]
    assert message["reasoning_content"] == "a"
    assert message["thinking_blocks"] == [
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ]
    again = CHAT.parse_request({"messages": [message]}, "m", False).messages[0].parts
    assert again[0] == ir.Reasoning("a", signature="s", vendor="anthropic")


def test_geminis_signature_rides_on_the_call():
    message = foreign(ir.ToolCall("c", "f", "{}", signature="s"), finish="tool_calls")["choices"][0][
        "message"
    ]
    assert message["content"] is None
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("pause", "stop"),
        ("error", "stop"),
    ],
)
def test_every_reason_has_a_word(reason, word):
    assert foreign(ir.Text("x"), finish=reason)["choices"][0]["finish_reason"] == word


def test_a_refusal_and_an_image_have_their_fields():
    message = foreign(ir.Refusal("no"), ir.Image("image/png", "AA=="))["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "no")
    assert message["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]


def test_texts_are_joined_as_they_are():
    assert foreign(ir.Text("a "), ir.Text(" b\n"))["choices"][0]["message"]["content"] == "a  b\n"


def test_a_client_of_the_legacy_functions_gets_a_function_call():
    asked = CHAT.parse_request(
        {"messages": [{"role": "user", "content": "x"}], "functions": [{"name": "f"}]}, "m", False
    )
    response = ir.Response(candidates=[ir.Candidate([ir.ToolCall("c", "f", "{}")], "tool_calls")])
    choice = CHAT.emit_response(response, asked)["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_a_tier_that_the_vendor_does_not_know_is_left_out():
    assert "service_tier" not in foreign(ir.Text("x"), service_tier="batch")
    assert foreign(ir.Text("x"), service_tier="flex")["service_tier"] == "flex"
