"""generateContent requests, both ways."""

from __future__ import annotations

import copy

import pytest

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.gemini import Gemini
from gateway.wire.gemini.parts import SKIP_SIGNATURE
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

GEMINI = Gemini()
FLASH = ModelProfile(model="gemini-2.5-flash")
GEMINI_3 = ModelProfile(model="gemini-3-flash-preview")
PNG = "iVBORw0KGgoAAAANSUhEUgAA"

EVERYTHING: JSONDict = {
    "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
    "contents": [
        {"parts": [{"text": "Look"}, {"inline_data": {"mime_type": "image/png", "data": PNG}}]},
        {
            "role": "model",
            "parts": [
                {"text": "I think", "thought": True, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "look", "args": {"x": 1}}, "thought_signature": "c2lnMg=="},
                {"function_call": {"name": "look", "args": {}}},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
            ],
        },
        {
            "role": "function",
            "parts": [
                {
                    "functionResponse": {
                        "name": "look",
                        "response": {"result": "a cat"},
                        "willContinue": False,
                    }
                },
                {"function_response": {"name": "look", "response": {"a": [1, 2]}}},
            ],
        },
        {
            "role": "user",
            "parts": [{"fileData": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}}],
            "odd": 1,
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "look",
                    "description": "Looks",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"x": {"type": "INTEGER", "nullable": True}},
                    },
                    "behavior": "BLOCKING",
                },
                {"name": "wait", "parameters_json_schema": {"type": "object", "properties": {}}},
            ],
            "codeExecution": {},
        },
        {"googleSearch": {}},
    ],
    "toolConfig": {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]},
        "retrievalConfig": {"languageCode": "de"},
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "generation_config": {
        "temperature": 0.5,
        "top_p": 0.9,
        "topK": 40,
        "maxOutputTokens": 100,
        "stop_sequences": ["END"],
        "candidateCount": 1,
        "seed": 7,
        "frequencyPenalty": 0.1,
        "presence_penalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        "thinkingConfig": {"include_thoughts": True, "thinkingBudget": 512},
        "responseModalities": ["TEXT"],
    },
    "cachedContent": "cachedContents/1",
    "labels": {"a": "b"},
}


def parse(body, stream=False):
    return GEMINI.parse_request(body, "gemini-2.5-flash", stream)


def emit(request, profile=FLASH):
    return GEMINI.emit_request(request, profile)


def user(*parts):
    return ir.Message("user", list(parts))


def test_every_field_survives_the_way_there_and_back():
    before = copy.deepcopy(EVERYTHING)
    assert emit(parse(EVERYTHING)) == EVERYTHING == before


def test_the_neutral_form_says_what_the_body_says():
    request = parse(EVERYTHING, stream=True)
    assert (request.model, request.stream) == ("gemini-2.5-flash", True)
    assert [text.text for text in request.system] == ["Be brief.", "Be kind."]
    assert [message.role for message in request.messages] == ["user", "assistant", "user", "user"]
    assert (request.temperature, request.top_p, request.top_k, request.seed, request.n) == (
        0.5,
        0.9,
        40,
        7,
        1,
    )
    assert (request.max_output_tokens, request.stop) == (100, ["END"])
    assert (request.frequency_penalty, request.presence_penalty) == (0.1, 0.2)
    assert (request.logprobs, request.top_logprobs) == (True, 3)
    assert request.response_format is not None
    assert request.response_format.schema == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert request.reasoning == ir.ReasoningRequest(enabled=True, budget=512, visible=True)
    assert request.tool_choice == ir.ToolChoice("any", ("look",))


def test_tools_are_json_schema_and_hosted_ones_stay_apart():
    tools = parse(EVERYTHING).tools
    assert [(tool.name, tool.kind) for tool in tools] == [
        ("look", "function"),
        ("wait", "function"),
        ("codeExecution", "hosted"),
        ("googleSearch", "hosted"),
    ]
    assert tools[0].parameters == {"type": "object", "properties": {"x": {"type": ["integer", "null"]}}}
    assert tools[3].raw == {"googleSearch": {}}


def test_calls_without_ids_get_the_same_ids_every_time_and_results_find_them():
    first, second = parse(EVERYTHING), parse(EVERYTHING)
    calls = [part for part in first.messages[1].parts if isinstance(part, ir.ToolCall)]
    results = [part for part in first.messages[2].parts if isinstance(part, ir.ToolResult)]
    assert [call.id for call in calls] == [result.call_id for result in results]
    assert len({call.id for call in calls}) == 2
    assert all(call.id.startswith("call_") and len(call.id) == 29 for call in calls)
    assert first.messages == second.messages
    assert (calls[0].arguments, calls[0].signature) == ('{"x":1}', "c2lnMg==")


def test_results_follow_their_ids_and_not_their_order():
    request = parse(
        {
            "contents": [
                {
                    "role": "model",
                    "parts": [{"functionCall": {"id": i, "name": "f", "args": {}}} for i in ("a", "b")],
                },
                {
                    "parts": [
                        {"functionResponse": {"id": i, "name": "f", "response": {"v": i}}} for i in ("b", "a")
                    ]
                },
            ]
        }
    )
    assert [part.call_id for part in request.messages[1].parts] == ["b", "a"]


def test_a_wrapped_string_result_comes_out_of_its_wrapper():
    texts = [part.parts[0].text for part in parse(EVERYTHING).messages[2].parts]
    assert texts == ["a cat", '{"a":[1,2]}']


def test_parts_that_only_google_knows_are_unknown():
    part = parse(EVERYTHING).messages[1].parts[3]
    assert isinstance(part, ir.Unknown)
    assert (part.format, part.type) == ("gemini", "executableCode")


def test_url_safe_base64_becomes_the_standard_alphabet():
    body = {"contents": [{"parts": [{"inlineData": {"mimeType": "image/jpeg", "data": "_9j_4A"}}]}]}
    request = parse(body)
    assert request.messages[0].parts[0].data == "/9j/4A=="
    assert emit(request) == body


def test_the_skip_literal_is_no_signature_for_others():
    body = {
        "contents": [
            {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": SKIP_SIGNATURE}]}
        ]
    }
    request = parse(body)
    assert request.messages[0].parts[0].signature is None
    assert emit(request) == body


def test_system_instructions_may_be_a_string():
    body = {"system_instruction": "Be brief.", "contents": [{"parts": {"text": "Hi"}}]}
    request = parse(body)
    assert request.system == [ir.Text("Be brief.")]
    assert emit(request) == body


def test_a_list_of_all_functions_allows_any_of_them():
    body = {
        "contents": [],
        "tools": [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "any", "allowedFunctionNames": ["b", "a"]}},
    }
    request = parse(body)
    assert request.tool_choice == ir.ToolChoice("any")
    assert emit(request)["toolConfig"] == body["toolConfig"]


def test_what_was_changed_is_written_anew_and_the_rest_stays():
    request = parse(EVERYTHING)
    request.temperature = 1.0
    request.messages[0].parts[0].text = "Behold"
    request.system.append(ir.Text("Be quick."))
    emitted = emit(request)
    assert emitted["generation_config"]["temperature"] == 1.0
    assert emitted["generation_config"]["responseModalities"] == ["TEXT"]
    assert emitted["contents"][0]["parts"] == [{"text": "Behold"}, EVERYTHING["contents"][0]["parts"][1]]
    assert emitted["contents"][1:] == EVERYTHING["contents"][1:]
    assert [part["text"] for part in emitted["systemInstruction"]["parts"]][-1] == "Be quick."


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": "hi"}, "contents"),
        ({"contents": ["hi"]}, "contents[0]"),
        ({"contents": [{"role": "robot", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": ["hi"]}]}, "contents[0].parts"),
        ({"contents": [{"parts": [{"text": 1}]}]}, "contents[0].parts.text"),
        ({"contents": [{"parts": [{"functionCall": []}]}]}, "contents[0].parts.functionCall"),
        ({"contents": [], "tools": ["x"]}, "tools"),
        ({"contents": [], "generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"contents": [], "generationConfig": []}, "generationConfig"),
    ],
)
def test_it_names_the_field_that_is_wrong(body, param):
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    assert caught.value.param == param


# ---- out of the neutral form


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


def test_a_request_of_instructions_alone_gets_a_content():
    emitted = emit(ir.Request("m", [], system=[ir.Text("One")]))
    assert emitted["contents"] == [{"role": "user", "parts": [{"text": " "}]}]


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
def test_media_and_odd_parts(part, wanted, dropped):
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


def test_a_search_alone_becomes_googles():
    tool = ir.Tool("web_search_20250305", kind="hosted", format="anthropic_messages", raw={})
    assert emit(ir.Request("m", [], tools=[tool], tool_choice=ir.ToolChoice("any")))["tools"] == [
        {"googleSearch": {}}
    ]


def test_sampling_fields_and_limits():
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
        "maxOutputTokens": 65_536,
        "topK": 3,
        "seed": 1,
        "candidateCount": 2,
        "logprobs": 2,
        "temperature": 2.0,
        "topP": 0.5,
        "stopSequences": ["a", "b", "c", "d", "e"],
        "responseLogprobs": True,
    }
    assert request.dropped == ["stop", "user", "metadata", "service_tier"]


def test_structured_output():
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


def test_models_that_refuse_json_beside_functions_are_asked_in_words():
    request = ir.Request(
        "m",
        [user(ir.Text("x"))],
        tools=[ir.Tool("f")],
        response_format=ir.ResponseFormat("json_schema", schema={"type": "object", "properties": {}}),
    )
    asked = emit(request, FLASH)
    assert "generationConfig" not in asked
    assert '"type":"object"' in asked["systemInstruction"]["parts"][0]["text"]
    assert "systemInstruction" not in emit(request, GEMINI_3)
    assert emit(request, GEMINI_3)["generationConfig"]["responseMimeType"] == "application/json"


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


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"thinkingBudget": 0}, ir.ReasoningRequest(enabled=False, budget=0)),
        ({"thinkingBudget": -1}, ir.ReasoningRequest(enabled=True, budget=-1)),
        ({"thinking_level": "HIGH"}, ir.ReasoningRequest(enabled=True, effort="high")),
        ({"includeThoughts": False}, ir.ReasoningRequest(visible=False)),
    ],
)
def test_thinking_configs_are_read(config, asked):
    assert parse({"contents": [], "generationConfig": {"thinkingConfig": config}}).reasoning == asked


def test_emitting_does_not_change_the_request():
    request = parse(EVERYTHING)
    before = copy.deepcopy(request)
    request.temperature = before.temperature = 0.1
    emit(request, GEMINI_3)
    request.dropped = []
    assert request == before


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("gemini-2.5-flash", False, "/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-2.5-flash", True, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("tuned/a b?", False, "/models/tuned/a%20b%3F:generateContent"),
    ],
)
def test_the_model_is_in_the_path(model, stream, path):
    assert GEMINI.upstream_path(model, stream) == path


def test_patching_a_body_does_not_add_the_model():
    fields = {"contents": b"[]", "model": b'"x"', "odd": b"1"}
    GEMINI.patch(fields, "gemini-2.5-flash", True)
    assert fields == {"contents": b"[]", "odd": b"1"}
