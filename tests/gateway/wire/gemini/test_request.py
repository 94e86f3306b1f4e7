"""generateContent requests of Gemini clients, into the neutral form and back."""

from __future__ import annotations

import copy

import pytest

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.gemini import Gemini
from gateway.wire.gemini.sealed import SKIP_SIGNATURE
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
