import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir, json
from gateway.wire.openai_responses.sealed import Seal, seal
from gateway.wire.openai_responses.usage import estimate_usage
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import Usage
from tests.gateway.wire.openai_responses.sdk import FORMAT, ask, check_response

TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 130,
}
NOTE = {"type": "url_citation", "url": "https://example.com", "title": "T", "start_index": 0, "end_index": 1}
WHOLE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "gpt-5",
    "output": [
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
            "encrypted_content": "gA",
        },
        {
            "id": "ws_1",
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "q"},
        },
        {
            "id": "msg_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "phase": "commentary",
            "content": [
                {"type": "output_text", "text": "Hello", "annotations": [NOTE], "logprobs": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {
            "id": "fc_1",
            "type": "function_call",
            "status": "completed",
            "call_id": "c1",
            "name": "f",
            "arguments": '{"a": 1.0}',
        },
        {
            "id": "fc_2",
            "type": "function_call",
            "status": "completed",
            "call_id": "c2",
            "name": "g",
            "namespace": "n",
            "arguments": "{}",
        },
        {"id": "ctc_1", "type": "custom_tool_call", "call_id": "c3", "name": "patch", "input": "text"},
    ],
    "parallel_tool_calls": True,
    "service_tier": "default",
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "usage": USAGE,
    "novelty": {"x": None},
}


def said(*parts, reason="stop", usage=None, **fields):
    """A whole reply of another format."""
    return ir.Response("chatcmpl-1", "up", 1700000000, [ir.Candidate(list(parts), reason)], usage, **fields)


def emit(response, request=None):
    body = json.loads(json.dumps(FORMAT.emit_response(response, request or ask())))
    check_response(body)
    return body


def test_a_reply_is_understood():
    response = FORMAT.parse_response(WHOLE)
    (candidate,) = response.candidates
    reasoning, search, text, refusal, first, second, custom = candidate.parts
    assert (reasoning.text, reasoning.summaries, reasoning.signature) == ("One\n\nTwo", ("One", "Two"), "gA")
    assert isinstance(search, ir.Unknown)
    assert (text.text, refusal.text) == ("Hello", "No.")
    assert (first.id, first.name, first.arguments) == ("c1", "f", '{"a": 1.0}')
    assert second.extra["openai_responses"]["namespace"] == "n"
    assert (custom.kind, custom.arguments) == ("custom", "text")
    assert candidate.finish_reason == "tool_calls"
    assert response.usage == Usage(100, 30, 40, 10, 20, priced_apart=(("web_searches", 1),))
    assert (response.id, response.model, response.created, response.service_tier) == (
        "resp_1",
        "gpt-5",
        1700000000,
        "default",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        {"usage": {**USAGE, "cost_in_usd_ticks": 5, "context_details": {"input_tokens": 1}}},
        {"usage": None},
        {"output": []},
        {"created_at": 1700000000.5, "completed_at": 1.0},
        {
            "output": [
                {
                    "type": "reasoning",
                    "id": "r",
                    "summary": [],
                    "content": [{"type": "reasoning_text", "text": "t"}],
                }
            ]
        },
    ],
)
def test_a_reply_of_this_format_comes_back_equal(changes):
    body = {**WHOLE, **changes}
    assert FORMAT.emit_response(FORMAT.parse_response(body), ask()) == body


def test_full_reasoning_goes_before_its_summary():
    item = {
        "type": "reasoning",
        "id": "r",
        "summary": [{"type": "summary_text", "text": "short"}],
        "content": [{"type": "reasoning_text", "text": "long "}, {"type": "reasoning_text", "text": "text"}],
    }
    (part,) = FORMAT.parse_response({**WHOLE, "output": [item]}).candidates[0].parts
    assert part.text == "long text"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"output": WHOLE["output"][:3]}, "stop"),
        ({"output": []}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": None}, "length"),
    ],
)
def test_the_end_is_understood(changes, reason):
    assert FORMAT.parse_response({**WHOLE, **changes}).candidates[0].finish_reason == reason


def test_xai_reports_its_price():
    response = FORMAT.parse_response({**WHOLE, "usage": {**USAGE, "cost_in_usd_ticks": 11446500}})
    assert str(response.usage.cost) == "0.0011446500"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        (
            {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}},
            429,
            "rate_limit_exceeded",
        ),
        ({"error": {"code": "context_length_exceeded", "message": "long"}}, 400, "context_length_exceeded"),
    ],
)
def test_an_error_under_status_200_is_an_error(changes, status, code):
    with pytest.raises(UpstreamRefused) as caught:
        FORMAT.parse_response({**WHOLE, **changes})
    assert (caught.value.status, caught.value.code, caught.value.format) == (status, code, "openai_responses")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output": None},
        {"output": ["x"]},
        {"output": [{"type": "function_call", "name": 1}]},
        {"output": [{"type": "message", "role": "assistant", "content": 5}]},
        {"status": "failed", "output": []},
        {"status": "queued", "output": []},
    ],
)
def test_what_is_no_answer_is_broken(body):
    with pytest.raises(UpstreamBroken):
        FORMAT.parse_response(body)


@given(
    st.dictionaries(
        st.sampled_from(["output", "status", "error", "usage", "id", "model", "created_at"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["type", "content", "text", "role"]), inner)
            ),
            max_leaves=8,
        ),
    )
)
def test_any_body_is_an_answer_or_a_declared_error(body):
    with contextlib.suppress(UpstreamBroken, UpstreamRefused):
        FORMAT.parse_response(body)


def test_an_infinite_time_is_none():
    assert FORMAT.parse_response({**WHOLE, "created_at": float("inf")}).created is None


# ---- from other formats


def test_the_envelope_echoes_what_was_asked():
    request = ask(
        instructions="Be brief",
        tools=[TOOL],
        tool_choice="required",
        temperature=0.5,
        max_output_tokens=50,
        parallel_tool_calls=False,
        reasoning={"effort": "low", "summary": "auto"},
        text={
            "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}},
            "verbosity": "low",
        },
        metadata={"k": "v"},
        prompt_cache_key="key",
        user="me",
    )
    body = emit(said(ir.Text("Hi"), usage=Usage(100, 30, 40, 10, 20)), request)
    assert body["id"] == "resp_chatcmpl-1"
    assert (body["object"], body["status"], body["model"], body["created_at"]) == (
        "response",
        "completed",
        "up",
        1700000000,
    )
    assert (body["error"], body["incomplete_details"], body["previous_response_id"]) == (None, None, None)
    assert (body["instructions"], body["tools"], body["tool_choice"]) == ("Be brief", [TOOL], "required")
    assert (body["temperature"], body["top_p"], body["max_output_tokens"]) == (0.5, 1.0, 50)
    assert body["parallel_tool_calls"] is False
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body["text"] == {
        "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": False},
        "verbosity": "low",
    }
    assert (body["metadata"], body["prompt_cache_key"], body["user"]) == ({"k": "v"}, "key", "me")
    assert body["usage"] == USAGE


def test_a_plain_request_gets_all_keys_too():
    body = emit(said(ir.Text("Hi")))
    assert {
        "instructions",
        "tools",
        "tool_choice",
        "temperature",
        "parallel_tool_calls",
        "text",
        "reasoning",
    } <= set(body)
    assert (body["tools"], body["tool_choice"], body["text"]) == ([], "auto", {"format": {"type": "text"}})


def test_usage_is_estimated_where_none_is_reported():
    usage = emit(said(ir.Text("word " * 40)))["usage"]
    assert usage["output_tokens"] == 50
    assert usage["input_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_odd_items_are_counted_as_far_as_they_are_text():
    items = [{"content": 1.5, "summary": True, "arguments": "abcdefgh"}]
    assert estimate_usage(ir.Request("m", []), items).output_tokens == 2


def test_parts_become_items():
    body = emit(
        said(
            ir.Reasoning("Hm", signature="sig", vendor="anthropic"),
            ir.Text("a"),
            ir.Text("b"),
            ir.ToolCall("c1", "f", ""),
            ir.ToolCall("c2", "p", "text", kind="custom"),
            ir.Refusal("no"),
            reason="tool_calls",
        )
    )
    reasoning, message, call, custom, refusal = body["output"]
    assert (reasoning["type"], reasoning["summary"]) == (
        "reasoning",
        [{"type": "summary_text", "text": "Hm"}],
    )
    assert "encrypted_content" not in reasoning
    assert [part["text"] for part in message["content"]] == ["a", "b"]
    assert (call["type"], call["call_id"], call["arguments"], call["status"]) == (
        "function_call",
        "c1",
        "{}",
        "completed",
    )
    assert (custom["type"], custom["input"]) == ("custom_tool_call", "text")
    assert refusal["content"] == [{"type": "refusal", "refusal": "no"}]
    assert [item["id"].split("_")[0] for item in body["output"]] == ["rs", "msg", "fc", "ctc", "msg"]


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("stop_sequence", "completed", None),
        ("tool_calls", "completed", None),
        ("pause", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
        ("error", "incomplete", {"reason": None}),
    ],
)
def test_the_end_is_said(reason, status, details):
    body = emit(said(ir.Text("Hi"), reason=reason))
    assert (body["status"], body["incomplete_details"]) == (status, details)
    assert body["output"][0]["status"] == (
        "incomplete" if reason in ("length", "content_filter") else "completed"
    )


def test_a_model_fault_without_an_answer_has_failed():
    body = emit(said(reason="error"))
    assert (body["status"], body["error"]["code"]) == ("failed", "server_error")


def test_an_unknown_part_of_another_format_leaves_no_trace():
    assert (
        emit(said(ir.Unknown("anthropic_messages", "server_tool_use", {}), ir.Text("x")))["output"][0]["type"]
        == "message"
    )


def test_an_image_is_an_image_generation_call():
    (item,) = emit(said(ir.Image("image/png", "AAAA")))["output"]
    assert (item["type"], item["result"]) == ("image_generation_call", "AAAA")


def test_log_probabilities_are_complete():
    response = said(ir.Text("a"))
    entry = {"token": "a", "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": "b", "logprob": -2.0}]}
    response.candidates[0].logprobs = {"content": [entry], "refusal": None}
    assert emit(response)["output"][0]["content"][0]["logprobs"] == [
        {
            "token": "a",
            "bytes": [],
            "logprob": -0.1,
            "top_logprobs": [{"token": "b", "bytes": [], "logprob": -2.0}],
        }
    ]


def test_odd_log_probabilities_are_none():
    response = said(ir.Text("a"))
    response.candidates[0].logprobs = {"content": [{"token": "a", "top_logprobs": 1.5}, None]}
    assert emit(response)["output"][0]["content"][0]["logprobs"] == [
        {"token": "a", "bytes": [], "logprob": 0.0, "top_logprobs": []}
    ]


def test_log_probabilities_are_understood():
    entry = {"token": "a", "bytes": [97], "logprob": -0.1, "top_logprobs": []}
    item = {
        **WHOLE["output"][2],
        "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": [entry]}],
    }
    response = FORMAT.parse_response({**WHOLE, "output": [item]})
    assert response.candidates[0].logprobs == {"content": [entry], "refusal": None}


def test_a_local_shell_call_is_an_item_of_its_own():
    request = ask(tools=[{"type": "local_shell"}])
    (item,) = emit(said(ir.ToolCall("c", "local_shell", '{"command":["ls","-l"],"timeout_ms":5}')), request)[
        "output"
    ]
    assert item["type"] == "local_shell_call"
    assert item["action"] == {"type": "exec", "command": ["ls", "-l"], "env": {}, "timeout_ms": 5}
    (odd,) = emit(said(ir.ToolCall("c", "local_shell", '{"command":"ls -l"}')), request)["output"]
    assert odd["action"]["command"] == ["bash", "-lc", "ls -l"]


# ---- proofs of other vendors

KEEPS_REASONING = {"include": ["reasoning.encrypted_content"]}


def test_a_claude_signature_comes_home():
    reply = said(ir.Reasoning("Hm", signature="sig", vendor="anthropic"), ir.Text("x"))
    item, message = emit(reply, ask(**KEEPS_REASONING))["output"]
    request = ask(input=[{"role": "user", "content": "q"}, item, message, {"role": "user", "content": "r"}])
    part = request.messages[1].parts[0]
    assert (part.text, part.signature, part.vendor) == ("Hm", "sig", "anthropic")


def test_redacted_thinking_comes_home():
    reply = said(ir.Reasoning(redacted="data", vendor="anthropic"), ir.Text("x"))
    item, _ = emit(reply, ask(**KEEPS_REASONING))["output"]
    part = ask(input=[item, {"role": "user", "content": "r"}]).messages[0].parts[0]
    assert (part.redacted, part.vendor, part.text) == ("data", "anthropic", "")


def test_the_signature_of_a_gemini_call_comes_home():
    reply = said(ir.ToolCall("c1", "f", "{}", signature="AbC"), reason="tool_calls")
    items = emit(reply, ask(**KEEPS_REASONING))["output"]
    assert [item["type"] for item in items] == ["reasoning", "function_call"]
    request = ask(input=[{"role": "user", "content": "q"}, *items])
    (call,) = request.messages[1].parts
    assert (call.id, call.signature) == ("c1", "AbC")


def test_the_vendor_never_sees_a_proof_that_is_not_its_own():
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": seal(Seal("anthropic", "sig"))}
    own = '{"type":"reasoning","summary":[],"encrypted_content":"gA","n":1.00}'
    body = '{"model":"a","input":[' + json.dumps(sealed).decode() + "," + own + "]}"
    fields = dict(json.split(body.encode()))
    FORMAT.patch(fields, "b", True)
    assert json.dumps(fields).decode() == '{"model":"b","input":[' + own + "]}"


@pytest.mark.parametrize(
    "damaged", ["omniroute.v1.", "omniroute.v1.!!!", "omniroute.v1.e30=", "omniroute.v1.eyJ2ZW5kb3IiOjF9"]
)
def test_a_damaged_seal_is_nobodys_proof(damaged):
    part = (
        ask(input=[{"type": "reasoning", "summary": [], "encrypted_content": damaged}]).messages[0].parts[0]
    )
    assert part.text == ""


def test_another_vendors_word_for_a_service_tier_is_none_here():
    said = [ir.Candidate([ir.Text("Hi")], "stop")]
    for told, shown in (("standard", "default"), ("flex", "flex")):
        answer = ir.Response("id", "m", candidates=said, service_tier=told)
        assert FORMAT.emit_response(answer, ir.Request("m", []))["service_tier"] == shown
