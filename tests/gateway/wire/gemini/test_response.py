"""generateContent answers, both ways."""

from __future__ import annotations

import pytest
from google.genai import types

from gateway.wire import ir, json
from gateway.wire.gemini import Gemini
from omniroute.errors import UpstreamBroken, UpstreamRefused
from omniroute.types import JSONDict, Usage

GEMINI = Gemini()
ASKED = ir.Request("asked", [])

FULL = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Hm.", "thought": True},
                    {"text": "It rains.", "thoughtSignature": "c2ln"},
                    {
                        "functionCall": {
                            "name": "umbrella",
                            "args": {"open": True, "n": 12345678901234567890123},
                        }
                    },
                    {
                        "functionCall": {"id": "x1", "name": "umbrella", "args": {}},
                        "thoughtSignature": "c2ln",
                    },
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAA"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                ],
            },
            "finishReason": "STOP",
            "finishMessage": "done",
            "index": 0,
            "avgLogprobs": -0.1,
            "groundingMetadata": {"webSearchQueries": ["rain"]},
            "logprobsResult": {
                "chosenCandidates": [{"token": "It", "tokenId": 1, "logProbability": -0.5}],
                "topCandidates": [{"candidates": [{"token": "It", "logProbability": -0.5}]}],
            },
        },
        {"content": {"parts": [{"text": "Sun"}], "role": "model"}, "finishReason": "MAX_TOKENS", "index": 1},
    ],
    "usageMetadata": {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 42,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "r1",
    "createTime": "2026-07-28T19:58:35.376789Z",
}


def test_every_field_survives_the_way_there_and_back():
    assert GEMINI.emit_response(GEMINI.parse_response(FULL), ASKED) == FULL


def test_the_neutral_form_says_what_the_answer_says():
    response = GEMINI.parse_response(FULL)
    assert (response.id, response.model, response.created) == ("r1", "gemini-2.5-flash", 1785268715)
    assert response.usage == Usage(
        input_tokens=15, output_tokens=27, cache_read_tokens=4, reasoning_tokens=20
    )
    first, second = response.candidates
    kinds = [type(part) for part in first.parts]
    assert kinds == [ir.Reasoning, ir.Text, ir.ToolCall, ir.ToolCall, ir.Image, ir.Unknown]
    assert (first.finish_reason, second.finish_reason) == ("tool_calls", "length")
    call = first.parts[2]
    assert isinstance(call, ir.ToolCall)
    assert call.id.startswith("call_")
    assert json.loads(call.arguments.encode())["n"] == 12345678901234567890123
    assert first.logprobs == {
        "content": [
            {
                "token": "It",
                "logprob": -0.5,
                "bytes": [73, 116],
                "top_logprobs": [{"token": "It", "logprob": -0.5, "bytes": [73, 116]}],
            }
        ],
        "refusal": None,
    }


def test_made_ids_are_stable_for_one_answer_and_differ_between_answers():
    def ids(body):
        parts = GEMINI.parse_response(body).candidates[0].parts
        return [part.id for part in parts if isinstance(part, ir.ToolCall)]

    assert ids(FULL) == ids(FULL)
    assert ids(FULL)[0] != ids({**FULL, "responseId": "r2"})[0]
    nameless = {key: value for key, value in FULL.items() if key != "responseId"}
    assert ids(nameless)[0] != ids(nameless)[0]


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("SOMETHING_NEW", "error"),
        (None, "stop"),
        ("FINISH_REASON_UNSPECIFIED", "stop"),
    ],
)
def test_finish_reasons_are_understood(reason, wanted):
    body = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": reason}]}
    assert GEMINI.parse_response(body).candidates[0].finish_reason == wanted


@pytest.mark.parametrize("reason", ["STOP", "UNEXPECTED_TOOL_CALL", "OTHER"])
def test_a_call_is_what_an_answer_ends_with(reason):
    content = {"parts": [{"functionCall": {"name": "f", "args": {}}}]}
    body = {"candidates": [{"content": content, "finishReason": reason}]}
    assert GEMINI.parse_response(body).candidates[0].finish_reason == "tool_calls"


def test_a_refused_prompt_is_filtered():
    body = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
        "modelVersion": "gemini-2.5-flash",
    }
    response = GEMINI.parse_response(body)
    assert [candidate.finish_reason for candidate in response.candidates] == ["content_filter"]
    assert GEMINI.emit_response(response, ASKED) == body


def test_an_answer_without_a_candidate_is_broken():
    bodies: list[JSONDict] = [
        {},
        {"candidates": []},
        {"candidates": ["x"]},
        {"candidates": [{"content": "x"}]},
    ]
    for body in bodies:
        with pytest.raises(UpstreamBroken):
            GEMINI.parse_response(body)


def test_an_error_under_status_200_is_refused():
    error = {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}
    with pytest.raises(UpstreamRefused) as caught:
        GEMINI.parse_response({"error": error})
    assert (caught.value.status, caught.value.message) == (429, "Slow down")


def test_a_foreign_answer_is_complete():
    response = ir.Response(
        id="chatcmpl-1",
        candidates=[
            ir.Candidate(
                [
                    ir.Reasoning("Hm."),
                    ir.Text("Hi"),
                    ir.ToolCall("toolu_1", "f", '{"a": 1}'),
                    ir.Refusal("No."),
                    ir.Unknown("anthropic_messages", "server_tool_use", {}),
                ],
                "tool_calls",
                logprobs={"content": [{"token": "Hi", "logprob": -1.0, "bytes": None, "top_logprobs": []}]},
            )
        ],
        usage=Usage(input_tokens=10, output_tokens=9, cache_read_tokens=3, reasoning_tokens=4),
    )
    body = GEMINI.emit_response(response, ASKED)
    assert body == {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "Hm.", "thought": True},
                        {"text": "Hi"},
                        {"functionCall": {"name": "f", "args": {"a": 1}, "id": "toolu_1"}},
                        {"text": "No."},
                    ],
                },
                "finishReason": "STOP",
                "index": 0,
                "logprobsResult": {
                    "chosenCandidates": [{"token": "Hi", "logProbability": -1.0}],
                    "topCandidates": [{"candidates": []}],
                },
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 10,
            "candidatesTokenCount": 5,
            "totalTokenCount": 19,
            "thoughtsTokenCount": 4,
            "cachedContentTokenCount": 3,
        },
        "modelVersion": "asked",
        "responseId": "chatcmpl-1",
    }
    types.GenerateContentResponse.model_validate(body)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "STOP"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("error", "OTHER"),
        (None, "STOP"),
    ],
)
def test_finish_reasons_are_said_in_googles_words(reason, word):
    body = GEMINI.emit_response(ir.Response(candidates=[ir.Candidate([], reason)]), ASKED)
    assert body["candidates"][0]["finishReason"] == word
    assert body["candidates"][0]["content"] == {"role": "model", "parts": []}


def test_folding_what_was_unfolded_changes_nothing():
    response = GEMINI.parse_response(FULL)
    assert ir.fold(ir.unfold(response)) == response


def test_an_answer_without_names_gets_none():
    body = {"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, "finishReason": "STOP"}]}
    assert GEMINI.emit_response(GEMINI.parse_response(body), ASKED) == body


def test_a_call_without_a_name_is_none_that_another_client_hears_of():
    parts = [{"functionCall": {"args": {"a": 1}}}, {"functionCall": {"name": "go", "args": {}}}]
    body = {"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}]}
    nameless, call = GEMINI.parse_response(body).candidates[0].parts
    assert isinstance(nameless, ir.Unknown)
    assert isinstance(call, ir.ToolCall)


def test_odd_log_probabilities_are_left_out():
    logprobs = {"content": [{"token": "a", "logprob": -1.0, "top_logprobs": [1, None, {"token": "b"}]}, 5]}
    body = GEMINI.emit_response(
        ir.Response(candidates=[ir.Candidate([ir.Text("a")], "stop", logprobs=logprobs)]), ASKED
    )
    assert body["candidates"][0]["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -1.0}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": None}]}],
    }
