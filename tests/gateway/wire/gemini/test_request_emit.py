"""Foreign requests for Gemini models."""

from __future__ import annotations

import pytest

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.gemini import Gemini
from gateway.wire.gemini.sealed import SKIP_SIGNATURE

GEMINI = Gemini()
FLASH = ModelProfile(model="gemini-2.5-flash")
GEMINI_3 = ModelProfile(model="gemini-3-flash-preview")
PNG = "iVBORw0KGgoAAAANSUhEUgAA"


def emit(request, profile=FLASH):
    return GEMINI.emit_request(request, profile)


def user(*parts):
    return ir.Message("user", list(parts))


def test_instructions_from_between_the_turns_join_the_system_instruction():
    request = ir.Request(
        "m",
        [
            user(ir.Text("Hi")),
            ir.Message("system", [ir.Text("Two")]),
            ir.Message("developer", [ir.Text("Three")]),
        ],
        system=[ir.Text("One")],
    )
    emitted = emit(request)
    assert [part["text"] for part in emitted["systemInstruction"]["parts"]] == ["One", "Two", "Three"]
    assert emitted["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert request.system == [ir.Text("One")]


def test_instructions_alone_are_the_users_to_say():
    emitted = emit(ir.Request("m", [], system=[ir.Text("One")]))
    assert emitted["contents"] == [{"role": "user", "parts": [{"text": "One"}]}]
    assert "systemInstruction" not in emitted


def test_responses_stand_in_the_order_of_their_calls_with_names_and_objects():
    request = ir.Request(
        "m",
        [
            user(ir.Text("Go")),
            ir.Message("assistant", [ir.ToolCall("1", "a", '{"n":1.50}'), ir.ToolCall("2", "b", "")]),
            user(
                ir.ToolResult("2", [ir.Text("broke")], is_error=True),
                ir.ToolResult("1", [ir.Text('{"ok": true}')]),
                ir.Text("Go on"),
            ),
        ],
    )
    contents = emit(request)["contents"]
    assert contents[1]["parts"] == [
        {"functionCall": {"name": "a", "args": {"n": 1.5}}},
        {"functionCall": {"name": "b", "args": {}}},
    ]
    assert contents[2]["parts"] == [
        {"functionResponse": {"name": "a", "response": {"ok": True}}},
        {"functionResponse": {"name": "b", "response": {"error": "broke"}}},
        {"text": "Go on"},
    ]


def test_separate_turns_of_one_batch_become_one_content():
    calls = [ir.ToolCall("1", "a"), ir.ToolCall("2", "b")]
    results = [user(ir.ToolResult(call.id, [ir.Text("x")])) for call in calls]
    contents = emit(ir.Request("m", [ir.Message("assistant", list(calls)), *results]))["contents"]
    assert [len(content["parts"]) for content in contents] == [2, 2]


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("plain", {"result": "plain"}),
        ("[1, 2]", {"result": "[1, 2]"}),
        ('{"$defs": {}}', {"result": '{"$defs": {}}'}),
        ('{"a": {"$ref": "#/x"}}', {"result": '{"a": {"$ref": "#/x"}}'}),
        ('{"cut', {"result": '{"cut'}),
        ("", {"result": ""}),
    ],
)
def test_a_response_is_always_an_object(text, response):
    request = ir.Request(
        "m",
        [ir.Message("assistant", [ir.ToolCall("1", "f")]), user(ir.ToolResult("1", [ir.Text(text)]))],
    )
    assert emit(request)["contents"][1]["parts"][0]["functionResponse"]["response"] == response


def test_pictures_of_a_result_go_where_the_model_takes_them():
    result = ir.ToolResult("1", [ir.Text("see"), ir.Image("image/jpeg", data=PNG)])
    request = ir.Request("m", [ir.Message("assistant", [ir.ToolCall("1", "f")]), user(result)])
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    old, new = emit(request, FLASH)["contents"][1]["parts"], emit(request, GEMINI_3)["contents"][1]["parts"]
    assert old[1] == inline
    assert "parts" not in old[0]["functionResponse"]
    assert new[0]["functionResponse"]["parts"] == [inline]


def test_only_gemini_3_sees_ids_and_the_skip_literal_on_the_first_call_of_a_step():
    calls = [ir.ToolCall("1", "a", "{}"), ir.ToolCall("2", "b", "{}")]
    signed = [ir.ToolCall("3", "c", "{}", signature="c2ln"), ir.ToolCall("4", "d", "{}")]
    request = ir.Request(
        "m", [ir.Message("assistant", list(calls)), user(ir.Text("x")), ir.Message("assistant", list(signed))]
    )
    old, new = emit(request, FLASH)["contents"], emit(request, GEMINI_3)["contents"]
    assert old[0]["parts"] == [{"functionCall": {"name": name, "args": {}}} for name in ("a", "b")]
    assert [part.get("thoughtSignature") for part in new[0]["parts"]] == [SKIP_SIGNATURE, None]
    assert [part.get("thoughtSignature") for part in new[2]["parts"]] == ["c2ln", None]
    assert [part["functionCall"]["id"] for part in new[0]["parts"]] == ["1", "2"]
    assert old[2]["parts"][0]["thoughtSignature"] == "c2ln"


def test_only_its_own_signed_thoughts_go_back_to_gemini():
    parts: list[ir.Part] = [
        ir.Reasoning("mine", signature="c2ln", vendor="gemini"),
        ir.Reasoning("unsigned", vendor="gemini"),
        ir.Reasoning("theirs", signature="x", vendor="anthropic"),
        ir.Reasoning(redacted="x", vendor="anthropic"),
        ir.Text("Hi"),
    ]
    emitted = emit(ir.Request("m", [user(ir.Text("?")), ir.Message("assistant", parts)]))
    assert emitted["contents"][1]["parts"] == [
        {"text": "mine", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Hi"},
    ]


@pytest.mark.parametrize(
    ("part", "wanted", "dropped"),
    [
        (
            ir.Image(url="https://www.youtube.com/watch?v=1"),
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
            [],
        ),
        (
            ir.Image(url="https://example.com/a.png"),
            {"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}},
            ["image.url"],
        ),
        (
            ir.Image(url=f"data:image/gif;base64,{PNG}"),
            {"inlineData": {"mimeType": "image/gif", "data": PNG}},
            [],
        ),
        (ir.Image(file_id="file-1"), None, ["image.file_id"]),
        (ir.File(data="JVBERi0="), {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}, []),
        (ir.File(text="hi"), {"inlineData": {"mimeType": "text/plain", "data": "aGk="}}, []),
        (ir.Audio("audio/mpeg", "AAAA"), {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}, []),
        (ir.Refusal("No."), {"text": "No."}, []),
        (
            ir.Unknown("anthropic_messages", "server_tool_use", {}),
            None,
            ["anthropic_messages.server_tool_use"],
        ),
    ],
)
def test_every_kind_of_part_is_said_or_noted(part, wanted, dropped):
    request = ir.Request("m", [user(ir.Text("x"), part)])
    assert emit(request)["contents"][0]["parts"][1:] == ([wanted] if wanted else [])
    assert request.dropped == dropped


def test_tools_go_into_one_object_and_only_with_a_choice_from_them():
    request = ir.Request(
        "m",
        [user(ir.Text("x"))],
        tools=[
            ir.Tool("a", "A", {"type": "object", "properties": {"x": {"type": "string", "default": "y"}}}),
            ir.Tool("b"),
            ir.Tool("any", parameters={"type": "object", "properties": {"x": {}}}),
            ir.Tool("web_search", kind="hosted", format="openai_responses", raw={"type": "web_search"}),
        ],
        tool_choice=ir.ToolChoice("auto", ("a",)),
        parallel_tool_calls=False,
    )
    emitted = emit(request)
    assert emitted["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "a",
                    "description": "A",
                    "parameters": {"type": "OBJECT", "properties": {"x": {"type": "STRING"}}},
                },
                {"name": "b"},
                {"name": "any", "parametersJsonSchema": {"type": "object", "properties": {"x": {}}}},
            ]
        }
    ]
    assert emitted["toolConfig"]["functionCallingConfig"] == {
        "mode": "VALIDATED",
        "allowedFunctionNames": ["a"],
    }
    assert request.dropped == ["tools.web_search", "parallel_tool_calls"]
    request.tools = []
    assert not {"tools", "toolConfig"} & emit(request).keys()


@pytest.mark.parametrize("name", ["web_search_20250305", "web_search_preview", "openrouter:web_search"])
def test_a_search_alone_becomes_googles_once(name):
    tools = [ir.Tool(name, kind="hosted", format="other", raw={}), ir.Tool("web_search", kind="hosted")]
    request = ir.Request("m", [], tools=tools, tool_choice=ir.ToolChoice("any"))
    assert emit(request)["tools"] == [{"googleSearch": {}}]
    assert request.dropped == []


def test_sampling_fields_keep_their_values_within_the_limits():
    request = ir.Request(
        "m",
        [],
        max_output_tokens=100_000,
        temperature=2.0,
        top_p=0.5,
        top_k=3,
        stop=["a", "", "b", "c", "d", "e", "f"],
        seed=1,
        n=2,
        logprobs=True,
        top_logprobs=2,
        user="u",
        metadata={"a": "b"},
        service_tier="flex",
    )
    emitted = emit(request, ModelProfile(model="gemini-2.5-flash", max_output_tokens=65_536))
    assert emitted["generationConfig"] == {
        "maxOutputTokens": 100_000,
        "topK": 3,
        "seed": 1,
        "candidateCount": 2,
        "logprobs": 2,
        "temperature": 2.0,
        "topP": 0.5,
        "stopSequences": ["a", "b", "c", "d", "e"],
        "responseLogprobs": True,
    }
    assert request.dropped == ["user", "metadata", "service_tier"]


def test_structured_output_has_a_type_and_a_schema():
    wanted = ir.ResponseFormat(
        "json_schema", "x", schema={"type": "object", "properties": {"a": {"type": "string"}}}
    )
    request = ir.Request("m", [], response_format=wanted)
    assert emit(request)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
    }
    wanted.schema = {"type": "object", "properties": {"a": {}}}
    assert emit(request)["generationConfig"]["responseJsonSchema"] == wanted.schema
    request.response_format = ir.ResponseFormat("json_object")
    assert emit(request)["generationConfig"] == {"responseMimeType": "application/json"}


def test_models_that_refused_json_beside_functions_are_asked_in_words():
    request = ir.Request(
        "m",
        [user(ir.Text("x"))],
        tools=[ir.Tool("f")],
        response_format=ir.ResponseFormat("json_schema", schema={"type": "object", "properties": {}}),
    )
    asked = emit(request, ModelProfile(model="gemini-2.5-flash", json_in_words=True))
    assert "generationConfig" not in asked
    assert '"type":"object"' in asked["systemInstruction"]["parts"][0]["text"]
    assert "systemInstruction" not in emit(request, FLASH)
    assert emit(request, FLASH)["generationConfig"]["responseMimeType"] == "application/json"


@pytest.mark.parametrize(
    ("model", "asked", "thinking"),
    [
        ("gemini-2.5-flash", ir.ReasoningRequest(enabled=False), {"thinkingBudget": 0}),
        (
            "gemini-2.5-flash",
            ir.ReasoningRequest(effort="low", visible=True),
            {"thinkingBudget": 2048, "includeThoughts": True},
        ),
        (
            "gemini-3-flash",
            ir.ReasoningRequest(effort="low", visible=False),
            {"thinkingLevel": "low", "includeThoughts": False},
        ),
        ("gemini-2.0-flash", ir.ReasoningRequest(effort="low"), None),
    ],
)
def test_thinking_is_asked_for_as_the_model_understands_it(model, asked, thinking):
    emitted = emit(ir.Request("m", [], reasoning=asked), ModelProfile(model=model))
    assert emitted.get("generationConfig", {}).get("thinkingConfig") == thinking
