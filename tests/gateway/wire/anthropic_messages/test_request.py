import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.wire import ir
from gateway.wire.anthropic_messages import signatures
from gateway.wire.base import ModelProfile
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict
from tests.gateway.wire.anthropic_messages.made_up import FORMAT, NAME, PDF, PNG, WEATHER, emit

CACHE = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
EVERYTHING = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 32000,
    "stream": True,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=1.2.3;"},
        {"type": "text", "text": "Be brief.", **CACHE},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look: ", **CACHE},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                    **CACHE,
                },
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                    "title": "a.pdf",
                    "context": None,
                    "citations": {"enabled": True},
                },
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "plain"},
                },
                {
                    "type": "document",
                    "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]},
                },
                {"type": "container_upload", "file_id": "file_2"},
            ],
        },
        {"role": "system", "content": [{"type": "text", "text": "A reminder.", **CACHE}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "aGlkZGVu"},
                {
                    "type": "server_tool_use",
                    "id": "srvtoolu_1",
                    "name": "web_search",
                    "input": {"query": "x"},
                },
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                {
                    "type": "text",
                    "text": "Found it.",
                    "citations": [{"type": "char_location", "cited_text": "a"}],
                },
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "get_weather",
                    "input": {"city": "Bonn", "id": 12345678901234567890},
                },
                {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}, **CACHE},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": True,
                    "content": [
                        {"type": "text", "text": "no"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                        },
                        {"type": "tool_reference", "tool_name": "x"},
                        {
                            "type": "search_result",
                            "title": "T",
                            "source": "S",
                            "content": [{"type": "text", "text": "found"}],
                        },
                    ],
                },
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "is_error": False,
                    "content": "noon",
                    **CACHE,
                },
                {"type": "text", "text": "Go on."},
            ],
        },
    ],
    "tools": [
        {"name": "get_weather", "description": "Weather", "input_schema": WEATHER, "strict": True, **CACHE},
        {"name": "now", "type": "custom", "input_schema": {"type": "object"}, "defer_loading": True},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 4096, "display": "summarized"},
    "output_config": {
        "effort": "high",
        "format": {"type": "json_schema", "schema": WEATHER},
        "task_budget": {"total": 9},
    },
    "temperature": 1,
    "top_p": 0.97,
    "top_k": 40,
    "stop_sequences": ["\n\nHuman:", " "],
    "metadata": {"user_id": '{"device_id": "d"}', "more": 1},
    "service_tier": "auto",
    "container": "container_1",
    "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
    "mcp_servers": None,
    "some_future_field": {"x": [1, 2.5, None]},
}


def parse(**body) -> ir.Request:
    body = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **body}
    return FORMAT.parse_request(body, body["model"], bool(body.get("stream")))


# ---- The way through the neutral form and back -------------------------------------------------------------


def test_a_request_with_everything_in_it_comes_back_equal():
    request = FORMAT.parse_request(EVERYTHING, "claude-sonnet-4-5", True)
    assert emit(request) == EVERYTHING
    assert request.dropped == []


def said(*blocks: JSONDict, role: str = "user") -> JSONDict:
    return {"messages": [{"role": role, "content": list(blocks)}]}


RESULT = {"type": "tool_result", "tool_use_id": "t"}
CALL = {"type": "tool_use", "id": "a", "name": "b", "input": "c"}
THOUGHT = {"type": "thinking", "thinking": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"system": "Be brief."},
        {"system": [{"type": "text", "text": "Be brief."}]},
        {"system": []},
        {"system": None, "tools": None, "temperature": None},
        {"stream": False},
        {"tools": []},
        {"messages": [{"role": "user", "content": ""}]},
        said({"type": "text", "text": "   "}),
        said(RESULT),
        said({**RESULT, "content": []}),
        said({**RESULT, "content": ""}),
        said({**THOUGHT, "signature": ""}, role="assistant"),
        said(THOUGHT, role="assistant"),
        said(CALL, role="assistant"),
        {"messages": [{"role": "assistant", "content": "Sure: "}]},
        said({"type": "image", "source": {"type": "new", "x": 1}}),
        {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}},
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "between_tools"}},
        {"output_format": {"type": "json_schema", "schema": WEATHER}},
        {"tool_choice": {"type": "tool", "name": "x"}, "tools": [{"name": "x", "input_schema": WEATHER}]},
        {"tools": [{"name": "x", "description": None, "input_schema": WEATHER, "strict": None}]},
    ],
)
def test_shapes_come_back_as_they_were(body):
    whole = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **body}
    assert emit(FORMAT.parse_request(whole, "m", False), ModelProfile()) == whole


def test_the_body_of_count_tokens_is_accepted_without_max_tokens():
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "system": "S"}
    request = FORMAT.parse_request(body, "m", False)
    assert request.max_output_tokens is None
    assert emit(request, ModelProfile(max_output_tokens=5000))["max_tokens"] == 5000


# ---- Parse -------------------------------------------------------------------------------------------------


def test_the_billing_header_never_reaches_another_format():
    request = FORMAT.parse_request(EVERYTHING, "m", True)
    assert [part.text for part in request.system] == ["Be brief."]


def test_messages_of_the_system_keep_their_place():
    request = FORMAT.parse_request(EVERYTHING, "m", True)
    assert [message.role for message in request.messages] == ["user", "system", "assistant", "user"]


def test_parts_say_what_the_blocks_said():
    request = FORMAT.parse_request(EVERYTHING, "m", True)
    first, _, reply, results = (message.parts for message in request.messages)
    assert [type(part).__name__ for part in first] == ["Text", *["Image"] * 3, *["File"] * 3, "Unknown"]
    assert isinstance(first[1], ir.Image)
    assert (first[1].media_type, first[1].data) == ("image/png", PNG)
    assert [part.text for part in first if isinstance(part, ir.File)] == [None, "plain", "inner"]
    kinds = ["Reasoning", "Reasoning", "Unknown", "Unknown", "Text", "ToolCall", "ToolCall"]
    assert [type(part).__name__ for part in reply] == kinds
    assert isinstance(reply[0], ir.Reasoning)
    assert (reply[0].text, reply[0].signature, reply[0].vendor) == ("Hm.", "c2ln", "anthropic")
    assert isinstance(reply[1], ir.Reasoning)
    assert reply[1].redacted == "aGlkZGVu"
    assert isinstance(reply[5], ir.ToolCall)
    assert reply[5].arguments == '{"city":"Bonn","id":12345678901234567890}'
    assert isinstance(results[0], ir.ToolResult)
    assert results[0].is_error
    assert [part.text for part in results[0].parts if isinstance(part, ir.Text)] == [
        "no",
        "Found the tool x.\n",
        "T\nS\nfound",
    ]


def test_what_a_tool_search_found_is_text_to_others():
    found = [{"type": "tool_reference", "tool_name": name} for name in ("WebFetch", "WebSearch")]
    (message,) = parse(**said({**RESULT, "content": found})).messages
    assert isinstance(message.parts[0], ir.ToolResult)
    texts = [part.text for part in message.parts[0].parts if isinstance(part, ir.Text)]
    assert "".join(texts).splitlines() == ["Found the tool WebFetch.", "Found the tool WebSearch."]


def test_the_settings_are_told():
    request = FORMAT.parse_request(EVERYTHING, "m", True)
    assert [(tool.name, tool.kind) for tool in request.tools] == [
        ("get_weather", "function"),
        ("now", "function"),
        ("web_search_20250305", "hosted"),
    ]
    assert request.tools[2].format == NAME
    assert request.tool_choice == ir.ToolChoice("auto")
    assert request.parallel_tool_calls is False
    assert request.reasoning == ir.ReasoningRequest(True, "high", 4096, visible=True)
    assert request.response_format is not None
    assert (request.response_format.kind, request.response_format.schema) == ("json_schema", WEATHER)
    assert (request.user, request.service_tier) == ('{"device_id": "d"}', "auto")
    assert request.stop == ["\n\nHuman:", " "]


def test_the_older_output_format_is_understood():
    request = parse(output_format={"type": "json_schema", "schema": WEATHER})
    assert request.response_format == ir.ResponseFormat("json_schema", schema=WEATHER)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages.0"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": None}]}]},
            "messages.0.content.0.text",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]}
                        ],
                    }
                ]
            },
            "messages.0.content.0.content.0.text",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "x"}]}]},
            "messages.0.content.0.name",
        ),
        ({"system": 7}, "system"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]}, "system.0"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools.0"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tools": [{"name": "x", "input_schema": []}]}, "tools.0.input_schema"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"thinking": "yes"}, "thinking"),
        ({"output_config": []}, "output_config"),
        ({"output_config": {"format": 1}}, "output_config.format"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(body, param):
    with pytest.raises(InvalidRequest) as refused:
        parse(**body)
    assert refused.value.param == param
    assert refused.value.status == 400


_KEYS = ["type", "role", "content", "text", "source", "data", "input", "name", "id", "tool_use_id", "schema"]
_KINDS = ["text", "image", "document", "tool_use", "tool_result", "thinking", "user"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(_KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=12,
)
_FIELDS = st.sampled_from(
    ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "max_tokens", "metadata"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_FIELDS, _JSON | st.lists(_JSON, max_size=3), max_size=4))
def test_any_json_is_read_or_refused(body):
    body.setdefault("messages", [{"role": "user", "content": "Hi"}])
    try:
        request = FORMAT.parse_request(body, "m", False)
    except InvalidRequest:
        return
    assert emit(request)["model"] == "claude-sonnet-4-5"


# ---- Other vendors' proofs ---------------------------------------------------------------------------------


def test_other_vendors_proofs_come_back_to_them():
    packed = [
        {"type": "thinking", "thinking": "hm", "signature": signatures.pack("openai", "rs_1", "gAAA.b")},
        {"type": "thinking", "thinking": "", "signature": signatures.pack_call("Z2VtaW5p")},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ]
    request = parse(
        messages=[{"role": "user", "content": "x"}, {"role": "assistant", "content": packed}],
    )
    thought, call = request.messages[1].parts
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, thought.signature, thought.vendor, thought.id) == ("hm", "gAAA.b", "openai", "rs_1")
    assert isinstance(call, ir.ToolCall)
    assert call.signature == "Z2VtaW5p"
    assert emit(request)["messages"][1]["content"] == packed[2:]


def test_reasoning_that_nobody_signed_is_told_apart_from_claudes():
    marked = {"type": "thinking", "thinking": "hm", "signature": signatures.pack(None, None, None)}
    request = parse(
        messages=[
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [marked, {"type": "text", "text": "t"}]},
        ]
    )
    thought = request.messages[1].parts[0]
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, thought.vendor, thought.signature) == ("hm", None, None)
    assert emit(request)["messages"][1]["content"] == [{"type": "text", "text": "t"}]
    assert request.dropped == ["content.reasoning"]
