import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import ir, json
from gateway.wire.anthropic_messages import signatures
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import JSONDict, Usage
from tests.gateway.wire.anthropic_messages.made_up import FORMAT, NAME

ASKED = ir.Request("my-combo", [])
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "aGlkZGVu"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"url": "u"}]},
        {"type": "text", "text": "Found. ", "citations": [{"type": "web_search_result_location"}]},
        {"type": "text", "text": "", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "stop_details": None,
    "container": {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"},
    "usage": {
        "input_tokens": 4,
        "cache_creation_input_tokens": 426,
        "cache_read_input_tokens": 14210,
        "output_tokens": 290,
        "output_tokens_details": {"thinking_tokens": 15},
        "cache_creation": {"ephemeral_5m_input_tokens": 426},
        "service_tier": "standard",
        "inference_geo": "global",
    },
}


def answer(*parts: ir.Part, reason: ir.FinishReason | None = "stop", **fields) -> JSONDict:
    response = ir.Response("chatcmpl-1", "gpt-x", candidates=[ir.Candidate(list(parts), reason)], **fields)
    return FORMAT.emit_response(response, ASKED)


def read(**fields) -> ir.Response:
    return FORMAT.parse_response({"content": [], "stop_reason": "end_turn", **fields})


def test_a_message_with_everything_in_it_comes_back_equal():
    assert FORMAT.emit_response(FORMAT.parse_response(MESSAGE), ASKED) == MESSAGE


def test_a_reply_survives_as_events():
    response = FORMAT.parse_response(MESSAGE)
    assert ir.fold(ir.unfold(response)) == response


def test_usage_counts_each_token_once():
    assert FORMAT.parse_response(MESSAGE).usage == Usage(14640, 290, 14210, 426, 15)


def test_server_tools_are_never_calls_of_the_client():
    parts = FORMAT.parse_response(MESSAGE).candidates[0].parts
    assert [part.name for part in parts if isinstance(part, ir.ToolCall)] == ["f"]
    assert [part.type for part in parts if isinstance(part, ir.Unknown)] == [
        "server_tool_use",
        "web_search_tool_result",
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop_sequence"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "pause"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
        (None, "stop"),
        ("tool_use", "stop"),
    ],
)
def test_reasons_of_the_end(said, reason):
    assert read(stop_reason=said).candidates[0].finish_reason == reason


@pytest.mark.parametrize(("said", "reason"), [("end_turn", "tool_calls"), ("max_tokens", "length")])
def test_calls_decide_unless_the_answer_was_cut(said, reason):
    call = {"type": "tool_use", "id": "a", "name": "b", "input": {}}
    assert read(stop_reason=said, content=[call]).candidates[0].finish_reason == reason


def test_the_stop_sequence_is_told():
    assert read(stop_reason="stop_sequence", stop_sequence="END").candidates[0].stop_sequence == "END"


def test_no_usage_is_not_zero_usage():
    assert read().usage is None
    assert read(usage={"server_tool_use": None}).usage is None


def test_an_error_body_is_an_error():
    with pytest.raises(UpstreamRefused) as refused:
        FORMAT.parse_response(
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        )
    assert (refused.value.status, refused.value.message) == (529, "Overloaded")


@pytest.mark.parametrize(
    "body", [{}, {"content": None}, {"content": "x"}, {"content": [{"text": "no type"}]}]
)
def test_what_is_no_message_is_broken(body):
    with pytest.raises(UpstreamBroken):
        FORMAT.parse_response(body)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["content", "stop_reason", "usage", "error", "type", "id", "model", "stop_sequence"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["type", "text", "id", "input_tokens"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_json_is_read_or_is_an_error_of_the_upstream(body):
    try:
        response = FORMAT.parse_response(body)
    except (UpstreamBroken, UpstreamRefused):
        return
    FORMAT.emit_response(response, ASKED)


# ---- Answers of other formats ------------------------------------------------------------------------------


def test_the_envelope_is_complete():
    assert answer(ir.Text("Hi"), usage=Usage(10, 5, 4, 2, 1)) == {
        "id": "msg_chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-x",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 4,
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 4,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 1},
        },
    }


def test_an_answer_without_a_name_gets_the_one_that_was_asked_for():
    body = FORMAT.emit_response(ir.Response(), ASKED)
    assert body["model"] == "my-combo"
    assert body["id"].startswith("msg_")
    assert body["content"] == []
    assert body["stop_reason"] == "end_turn"
    assert body["usage"]["input_tokens"] > 0


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("stop_sequence", "stop_sequence"),
        ("pause", "pause_turn"),
        ("error", "end_turn"),
    ],
)
def test_each_reason_has_a_word(reason, said):
    assert answer(reason=reason)["stop_reason"] == said


def test_calls_have_an_object_and_an_id_that_claude_takes_back():
    parts: list[ir.Part] = [
        ir.ToolCall("functions.f:0", "f", '{"a": 12345678901234567890}'),
        ir.ToolCall("", "g", ""),
    ]
    first, second = answer(*parts, reason=None)["content"]
    assert first == {
        "type": "tool_use",
        "id": "functions_f_0",
        "name": "f",
        "input": {"a": 12345678901234567890},
    }
    assert second["id"].startswith("toolu_")
    assert second["input"] == {}


def test_blocks_that_a_client_could_not_send_back_are_left_out():
    parts: list[ir.Part] = [
        ir.Text(""),
        ir.Reasoning(""),
        ir.Image("image/png", "AA=="),
        ir.Unknown("gemini", "x", {}),
    ]
    assert answer(*parts)["content"] == []


def test_reasoning_of_others_is_marked_as_not_claudes():
    first, second = answer(ir.Reasoning("a"), ir.Reasoning("b", "enc", vendor="openai", id="rs_1"))["content"]
    assert (first["thinking"], second["thinking"]) == ("a", "b")
    assert signatures.unpack(first["signature"]) == (None, None, None)
    assert signatures.unpack(second["signature"]) == ("openai", "rs_1", "enc")


def test_the_proof_of_a_call_rides_in_front_of_it():
    content = answer(ir.Text("x"), ir.ToolCall("a", "f", signature="proof"))["content"]
    assert [block["type"] for block in content] == ["text", "thinking", "tool_use"]
    history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]
    request = FORMAT.parse_request({"messages": history}, "m", False)
    _, call = request.messages[1].parts
    assert isinstance(call, ir.ToolCall)
    assert call.signature == "proof"


def test_a_refusal_is_text():
    assert answer(ir.Refusal("No."))["content"] == [{"type": "text", "text": "No."}]


def test_lone_surrogates_do_not_stop_an_answer():
    assert b"\\ud83d" in json.dumps(answer(ir.Text("cut \ud83d")))


def test_an_own_extra_of_another_format_is_not_sent():
    assert NAME not in str(answer(ir.Text("x", {"openai_chat": {"logprobs": 1}})))
