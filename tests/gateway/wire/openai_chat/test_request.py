from __future__ import annotations

import copy
from typing import Any

import pytest

from gateway.wire import get_format, history, ir
from gateway.wire.base import ModelProfile
from omniroute.errors import InvalidRequest

CHAT = get_format("openai_chat")
OPENAI = ModelProfile(provider="openai", model="gpt-4o")
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="


def parse(**body: Any) -> ir.Request:
    body.setdefault("messages", [{"role": "user", "content": "hi"}])
    return CHAT.parse_request(body, str(body.get("model", "m")), bool(body.get("stream")))


def emit(request: ir.Request, profile: ModelProfile = OPENAI) -> dict[str, Any]:
    return CHAT.emit_request(request, profile)


def foreign(*messages: ir.Message, **fields: Any) -> ir.Request:
    return ir.Request("m", list(messages), **fields)


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}

BODIES: dict[str, dict[str, Any]] = {
    "plain": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "empty and null contents": {
        "model": "m",
        "messages": [
            {"role": "system", "content": ""},
            {"role": "user", "content": ""},
            {"role": "assistant", "content": None, "tool_calls": [], "refusal": None},
            {"role": "assistant"},
            {"role": "user", "content": []},
        ],
    },
    "leading instructions of both roles, one as a list": {
        "model": "m",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "developer", "content": "c", "name": "boss"},
            {"role": "user", "content": "hi", "name": "alice"},
            {"role": "system", "content": "later"},
        ],
    },
    "parts": {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
                    {"type": "image_url", "image_url": {"url": PNG, "detail": "low", "format": "png"}},
                    {"type": "image_url", "image_url": "https://example.com/a.png"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;charset=x;base64,AAAA"}},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
                    {"type": "file", "file": {"file_id": "file-1"}},
                    {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
                    {"type": "document_url", "document_url": "https://example.com/a.pdf"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
                ],
            }
        ],
    },
    "tool loop": {
        "model": "m",
        "tools": [
            {**FUNCTION, "cache_control": {"type": "ephemeral"}},
            {"type": "function", "function": {"name": "g", "strict": None, "x": 1, "description": None}},
            {
                "type": "custom",
                "custom": {
                    "name": "patch",
                    "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}},
                },
            },
            {"type": "custom", "custom": {"name": "free", "format": {"type": "text"}}},
            {"type": "web_search", "filters": {}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "messages": [
            {"role": "user", "content": "go"},
            {
                "role": "assistant",
                "content": "",
                "reasoning_content": "hm",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "index": 0,
                        "function": {"name": "f", "arguments": '{"a": 1e0}'},
                    },
                    {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "***"}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "ok", "name": "f"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "done"}]},
        ],
    },
    "reasoning of every kind": {
        "model": "m",
        "messages": [
            {"role": "assistant", "content": "a", "reasoning": "b", "reasoning_details": [{"type": "x"}]},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}],
            },
            {
                "role": "assistant",
                "content": None,
                "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
            },
            {"role": "user", "content": "go on"},
        ],
    },
    "legacy functions": {
        "model": "m",
        "functions": [{"name": "f", "parameters": {}}],
        "function_call": {"name": "f"},
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "ok"},
        ],
    },
    "every field of the top level": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": False, "include_obfuscation": False},
        "max_tokens": 5,
        "max_completion_tokens": 6,
        "temperature": 1,
        "top_p": 0.5,
        "top_k": 3,
        "stop": "x",
        "seed": 1,
        "n": 2,
        "frequency_penalty": 0,
        "presence_penalty": None,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": {"1": 2},
        "user": "u",
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "reasoning_effort": "low",
        "reasoning": {"effort": "high", "exclude": True},
        "thinking": {"type": "enabled", "budget_tokens": 9},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {}, "strict": None},
        },
        "verbosity": "low",
        "tools": [],
        "unknown": {"deep": [1]},
    },
    "allowed tools": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [FUNCTION],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
    },
    "a schema beside its type": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "json_object", "schema": {"type": "object", "properties": {}}},
    },
    "a schema without its wrapper": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "type": "object"}},
    },
    "odd values that other servers take": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [FUNCTION],
        "tool_choice": "any",
        "response_format": {"type": "grammar", "grammar": "x"},
        "max_tokens": 10.0,
        "stream": False,
        "stream_options": None,
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_its_own_format_comes_back_equal(name):
    body = BODIES[name]
    before = copy.deepcopy(body)
    request = parse(**body)
    assert body == before
    assert emit(request, ModelProfile()) == body


# ---- What the neutral form sees --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a schema beside its type", "a schema without its wrapper"])
def test_a_schema_is_found_where_other_servers_take_it(name):
    wanted = parse(**BODIES[name]).response_format
    assert wanted is not None
    assert (wanted.kind, (wanted.schema or {}).get("type")) == ("json_schema", "object")


def test_leading_instructions_become_the_system_and_later_ones_stay():
    request = parse(**BODIES["leading instructions of both roles, one as a list"])
    assert [text.text for text in request.system] == ["a", "b", "c"]
    assert [message.role for message in request.messages] == ["user", "system"]


def test_media_become_typed_parts():
    parts = parse(**BODIES["parts"]).messages[0].parts
    assert parts[1] == ir.Image("image/png", PNG.partition(",")[2], detail="low", extra=parts[1].extra)
    assert isinstance(parts[2], ir.Image)
    assert parts[2].url == "https://example.com/a.png"
    assert isinstance(parts[4], ir.Audio)
    assert parts[4].media_type in ("audio/mpeg", "audio/mp3")
    assert isinstance(parts[5], ir.File)
    assert (parts[5].media_type, parts[5].data) == ("application/pdf", "AAAA")
    assert isinstance(parts[8], ir.File)
    assert parts[8].url == "https://example.com/a.pdf"
    assert isinstance(parts[9], ir.Image)


def test_calls_and_results_are_linked_by_name_and_id():
    request = parse(**BODIES["tool loop"])
    call, custom = (part for part in request.messages[1].parts if isinstance(part, ir.ToolCall))
    assert (call.id, call.name, call.arguments, call.kind) == ("c1", "f", '{"a": 1e0}', "function")
    assert (custom.arguments, custom.kind) == ("***", "custom")
    result = request.messages[3].parts[0]
    assert isinstance(result, ir.ToolResult)
    assert (result.call_id, result.name) == ("c2", "patch")
    assert [tool.kind for tool in request.tools] == ["function", "function", "custom", "custom", "hosted"]
    assert request.tool_choice == ir.ToolChoice("any", ("f",))


def test_a_legacy_function_message_answers_the_call_before_it():
    request = parse(**BODIES["legacy functions"])
    call, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(call, ir.ToolCall)
    assert isinstance(result, ir.ToolResult)
    assert result.call_id == call.id
    assert request.tools[0].name == "f"
    assert request.tool_choice is not None
    assert request.tool_choice.names == ("f",)


def test_odd_pieces_of_a_thought_are_left_out():
    pieces = [{"type": "text", "text": "a"}, {"text": {}}, None, {"text": "b"}]
    turn = {"role": "assistant", "content": [{"type": "thinking", "thinking": pieces}]}
    (thought,) = parse(messages=[turn]).messages[0].parts
    assert isinstance(thought, ir.Reasoning)
    assert thought.text == "ab"


def test_gemini_signatures_of_calls_are_read_back():
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }
    parts = parse(messages=[{"role": "assistant", "content": None, "tool_calls": [call]}]).messages[0].parts
    assert isinstance(parts[0], ir.ToolCall)
    assert parts[0].signature == "sig"


def test_claude_thinking_blocks_are_read_back_whole():
    blocks = [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ]
    message = {"role": "assistant", "content": "x", "reasoning_content": "t", "thinking_blocks": blocks}
    first, second, text = parse(messages=[message]).messages[0].parts
    assert first == ir.Reasoning("t", signature="s", vendor="anthropic")
    assert second == ir.Reasoning(redacted="d", vendor="anthropic")
    assert text == ir.Text("x")


def test_openrouter_details_keep_their_vendor_and_give_gemini_signatures_to_the_call():
    details = [
        {"type": "reasoning.text", "text": "a", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "g", "format": "google-gemini-v1", "id": "c1", "index": 1},
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "reasoning_details": details, "tool_calls": [call]}
    thought, called = parse(messages=[message]).messages[0].parts
    assert thought == ir.Reasoning("a", signature="s", vendor="anthropic")
    assert isinstance(called, ir.ToolCall)
    assert called.signature == "g"


@pytest.mark.parametrize(
    ("fields", "effort", "budget", "enabled"),
    [
        ({"reasoning_effort": "low"}, "low", None, True),
        ({"reasoning_effort": "none"}, "none", None, False),
        ({"reasoning": {"max_tokens": 100}}, None, 100, None),
        ({"reasoning": {"enabled": False}}, None, None, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 7}}, None, 7, True),
        ({"thinking": {"type": "disabled"}}, None, None, False),
    ],
)
def test_every_way_to_ask_for_thinking_is_understood(fields, effort, budget, enabled):
    asked = parse(**fields).reasoning
    assert asked is not None
    assert (asked.effort, asked.budget, asked.enabled) == (effort, budget, enabled)


def test_unknown_fields_are_kept_for_this_format_alone():
    assert parse(verbosity="low", safety_identifier="x").extra["openai_chat"] == {
        "verbosity": "low",
        "safety_identifier": "x",
    }


# ---- What is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}, "temperature"),
        ({"messages": [{"role": "user", "content": "x"}], "max_tokens": 1.5}, "max_tokens"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": {}}, "tools"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{}]}, "tools[0].function.name"),
        ({"messages": [{"role": "user", "content": "x"}], "stop": 1}, "stop"),
    ],
)
def test_a_wrong_shape_is_refused_by_name(body, param):
    with pytest.raises(InvalidRequest) as caught:
        CHAT.parse_request(body, "m", False)
    assert caught.value.param == param


def test_a_responses_body_is_told_where_to_go():
    with pytest.raises(InvalidRequest, match="/v1/responses"):
        CHAT.parse_request({"model": "m", "input": "hi"}, "m", False)


# ---- Requests of other formats ---------------------------------------------------------------------------


def test_foreign_instructions_become_one_system_message_without_the_billing_line():
    system = [ir.Text("x-anthropic-billing-header: cc_version=1"), ir.Text("a"), ir.Text("b")]
    body = emit(foreign(ir.Message("user", [ir.Text("hi")]), system=system))
    assert body["messages"] == [{"role": "system", "content": "a\n\nb"}, {"role": "user", "content": "hi"}]


def test_results_come_before_the_text_of_their_turn_and_their_images_after_the_batch():
    results: list[ir.Part] = [
        ir.ToolResult("a", [ir.Text("one"), ir.Image("image/png", "iVBORw0KGgoAAAANSUhEUg==")]),
        ir.ToolResult("b", [ir.Text("two")]),
    ]
    turns = [
        ir.Message("assistant", [ir.ToolCall("a", "f", "{}"), ir.ToolCall("b", "f", "{}")]),
        ir.Message("user", [*results, ir.Text("and now?")]),
    ]
    _, first, second, user = emit(foreign(*turns))["messages"]
    assert (first["tool_call_id"], first["content"]) == ("a", "one")
    assert (second["tool_call_id"], second["content"]) == ("b", "two")
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]


def test_images_of_results_get_a_turn_of_their_own_before_the_models_next_one():
    turns = [
        ir.Message("assistant", [ir.ToolCall("a", "f", "{}")]),
        ir.Message("user", [ir.ToolResult("a", [ir.Image(url="https://example.com/a.png")])]),
        ir.Message("assistant", [ir.Text("nice")]),
    ]
    roles = [message["role"] for message in emit(foreign(*turns))["messages"]]
    assert roles == ["assistant", "tool", "user", "assistant"]


def test_a_failed_call_says_so_in_its_text():
    turn = ir.Message("user", [ir.ToolResult("a", [ir.Text("no such file")], is_error=True)])
    assert emit(foreign(turn))["messages"][0]["content"] == '{"error":"no such file"}'


def test_strict_servers_get_no_reasoning_of_the_history_and_deepseek_gets_it_with_calls():
    turn = ir.Message(
        "assistant", [ir.Reasoning("hm", "sig", vendor="anthropic"), ir.ToolCall("a", "f", "{}")]
    )
    request = foreign(turn)
    assert emit(request)["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    ]
    assert request.dropped == ["reasoning.history"]
    assert emit(request, ModelProfile(provider="deepseek"))["messages"][0]["reasoning_content"] == "hm"
    details = emit(request, ModelProfile(provider="openrouter"))["messages"][0]["reasoning_details"]
    assert details[0]["signature"] == "sig"


def test_signatures_of_calls_go_back_to_gemini_only():
    request = foreign(ir.Message("assistant", [ir.ToolCall("a", "f", "{}", signature="sig")]))
    assert "extra_content" not in emit(request)["messages"][0]["tool_calls"][0]
    call = emit(request, ModelProfile(vendor="gemini"))["messages"][0]["tool_calls"][0]
    assert call["extra_content"] == {"google": {"thought_signature": "sig"}}


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        (OPENAI, "max_completion_tokens"),
        (ModelProfile(model="gpt-5-mini"), "max_completion_tokens"),
        (ModelProfile(model="openai/o3"), "max_completion_tokens"),
        (ModelProfile(provider="mistral", model="mistral-large"), "max_tokens"),
        (ModelProfile(), "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_model_takes(profile, name):
    assert emit(foreign(max_output_tokens=9), profile)[name] == 9


def test_the_clients_own_limit_is_not_changed():
    profile = ModelProfile(provider="mistral", max_output_tokens=100)
    assert emit(foreign(max_output_tokens=128000), profile)["max_tokens"] == 128000


def test_what_the_format_cannot_say_is_dropped_and_noted():
    request = foreign(
        top_k=5,
        metadata={"user_id": "x"},
        user="u" * 65,
        service_tier="standard_only",
        stop=["1", "2", "3", "4", "5"],
        tools=[ir.Tool("web_search_20250305", kind="hosted", format="anthropic_messages", raw={})],
    )
    body = emit(request)
    assert body == {"model": "m", "messages": [], "stop": ["1", "2", "3", "4"]}
    assert set(request.dropped) == {
        "top_k",
        "metadata",
        "user",
        "service_tier",
        "tools.web_search_20250305",
    }


def test_no_choice_is_sent_without_tools():
    request = foreign(tool_choice=ir.ToolChoice("any"), parallel_tool_calls=False)
    assert emit(request) == {"model": "m", "messages": []}


def test_a_tool_without_parameters_gets_an_empty_object():
    body = emit(
        foreign(tools=[ir.Tool("f"), ir.Tool("g", strict=True, parameters={"properties": {"a": {}}})])
    )
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert "strict" not in body["tools"][1]["function"]


def test_only_openai_gets_a_list_of_allowed_tools():
    tools = [ir.Tool("a"), ir.Tool("b"), ir.Tool("c")]
    request = foreign(tools=tools, tool_choice=ir.ToolChoice("any", ("a", "b")))
    assert emit(request)["tool_choice"]["type"] == "allowed_tools"
    body = emit(request, ModelProfile(provider="groq"))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["a", "b"]
    assert body["tool_choice"] == "required"


def test_a_foreign_stream_always_asks_for_usage():
    body = emit(foreign(stream=True))
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    ("asked", "profile", "fields"),
    [
        (
            ir.ReasoningRequest(effort="high"),
            ModelProfile(provider="openai", reasoning="effort"),
            {"reasoning_effort": "high"},
        ),
        (
            ir.ReasoningRequest(enabled=True, budget=30000),
            ModelProfile(provider="openai", reasoning="effort"),
            {"reasoning_effort": "high"},
        ),
        (ir.ReasoningRequest(enabled=False), ModelProfile(provider="openai", reasoning="effort"), {}),
        (
            ir.ReasoningRequest(effort="max"),
            ModelProfile(provider="groq", reasoning="effort"),
            {"reasoning_effort": "high"},
        ),
        (
            ir.ReasoningRequest(effort="low"),
            ModelProfile(provider="deepseek", reasoning="effort"),
            {"thinking": {"type": "enabled"}},
        ),
        (
            ir.ReasoningRequest(enabled=False),
            ModelProfile(provider="glm", reasoning="effort"),
            {"thinking": {"type": "disabled"}},
        ),
        (
            ir.ReasoningRequest(enabled=True, budget=99),
            ModelProfile(provider="openrouter", reasoning="effort"),
            {"reasoning": {"max_tokens": 99}},
        ),
        (ir.ReasoningRequest(effort="high"), ModelProfile(), {}),
        (ir.ReasoningRequest(effort="high"), ModelProfile(reasoning="none"), {}),
    ],
)
def test_thinking_is_asked_for_in_the_providers_own_words(asked, profile, fields):
    body = emit(foreign(reasoning=asked), profile)
    assert {name: body[name] for name in body if name not in ("model", "messages")} == fields


def test_models_without_eyes_get_a_note():
    request = foreign(ir.Message("user", [ir.Text("see"), ir.Image(url="https://example.com/a.png")]))
    content = emit(request, ModelProfile(vision=False))["messages"][0]["content"]
    assert "left out" in str(content)
    assert request.dropped == ["parts.image"]


def test_audio_behind_an_address_is_a_file_that_the_provider_fetches_or_refuses():
    sound = ir.Audio("audio/mpeg", url="https://example.com/a.mp3")
    body = emit(ir.Request("m", [ir.Message("user", [sound])]), ModelProfile(model="m"))
    (part,) = body["messages"][0]["content"]
    assert part["file"]["file_data"] == "https://example.com/a.mp3"


def test_a_text_document_is_a_file_to_openai_and_text_to_others():
    request = foreign(ir.Message("user", [ir.File(text="abc", title="t")]))
    part = emit(request)["messages"][0]["content"][0]
    assert part == {"type": "file", "file": {"file_data": "data:text/plain;base64,YWJj", "filename": "t"}}
    assert "abc" in emit(request, ModelProfile(provider="groq"))["messages"][0]["content"]


PDF = "JVBERi0xLjQK"


def test_documents_of_mistrals_and_perplexitys_clients_are_read():
    parts = [
        {"type": "document_url", "document_url": "https://example.com/a.pdf", "document_name": "A"},
        {"type": "document_url", "document_url": {"url": f"data:application/pdf;base64,{PDF}"}},
        {"type": "file_url", "file_url": {"url": PDF}, "file_name": "b.pdf"},
        {"type": "file_url", "file_url": "https://example.com/b.pdf"},
    ]
    request = parse(messages=[{"role": "user", "content": parts}])
    found = [(part.media_type, part.data, part.url, part.filename) for part in request.messages[0].parts]
    assert found == [
        (None, None, "https://example.com/a.pdf", "A"),
        ("application/pdf", PDF, None, None),
        ("application/pdf", PDF, None, "b.pdf"),
        (None, None, "https://example.com/b.pdf", None),
    ]
    assert emit(request)["messages"][0]["content"] == parts


def test_a_document_without_an_address_is_refused_by_name():
    with pytest.raises(InvalidRequest) as error:
        parse(messages=[{"role": "user", "content": [{"type": "document_url", "document_url": {}}]}])
    assert error.value.param == "messages[0].content[0].document_url"


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        (
            "mistral",
            {
                "type": "document_url",
                "document_url": f"data:application/pdf;base64,{PDF}",
                "document_name": "t",
            },
        ),
        ("perplexity", {"type": "file_url", "file_url": {"url": PDF}, "file_name": "t"}),
    ],
)
def test_documents_have_the_providers_own_name(provider, part):
    request = foreign(ir.Message("user", [ir.File("application/pdf", PDF, title="t")]))
    assert emit(request, ModelProfile(provider=provider))["messages"][0]["content"] == [part]


def test_broken_arguments_of_a_history_are_made_readable():
    said = ir.Message("assistant", [ir.ToolCall("1", "f", '{"a": 1,}'), ir.ToolCall("2", "f")])
    calls = emit(foreign(said))["messages"][0]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"a":1}', "{}"]


def test_a_wish_for_a_web_search_is_known_to_other_vendors():
    request = parse(web_search_options={"search_context_size": "low"})
    assert [(tool.name, tool.kind) for tool in request.tools] == [("web_search", "hosted")]
    body = emit(request)
    assert body["web_search_options"] == {"search_context_size": "low"}
    assert "tools" not in body
    assert request.dropped == []
    google = get_format("gemini").emit_request(request, ModelProfile(model="gemini-2.5-flash"))
    assert google["tools"] == [{"googleSearch": {}}]
    get_format("anthropic_messages").emit_request(request, ModelProfile(model="claude-sonnet-4-5"))
    assert request.dropped == ["tools.web_search"]


def test_only_instructions_become_the_users_turn():
    assert emit(foreign(system=[ir.Text("do it")]))["messages"] == [{"role": "user", "content": "do it"}]


def test_cache_breakpoints_reach_claude():
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    request = parse(messages=[{"role": "user", "content": [marked]}])
    claude = get_format("anthropic_messages")
    profile = ModelProfile(provider="anthropic", vendor="anthropic", model="claude-sonnet-4-5")
    body = claude.emit_request(history.repair(request, claude.rules), profile)
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


def test_only_openai_knows_refusals_and_others_read_them_as_text():
    request = foreign(ir.Message("assistant", [ir.Text("Well."), ir.Refusal("No.")]))
    assert emit(request)["messages"][-1] == {"role": "assistant", "content": "Well.", "refusal": "No."}
    other = emit(request, ModelProfile(provider="cerebras"))["messages"][-1]
    assert other == {"role": "assistant", "content": "Well.\n\nNo."}
