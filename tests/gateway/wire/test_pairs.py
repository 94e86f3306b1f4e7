"""What one vendor's answer says, every other vendor's client reads: made-up answers through all pairs of formats."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from gateway.wire import FORMATS, get_format, ir
from gateway.wire.sse import Decoder, ServerEvent

CITATION = {
    "type": "web_search_result_location",
    "cited_text": "a",
    "encrypted_index": "x",
    "title": "T",
    "url": "u",
}
SEARCHED = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
THOUGHTS = [
    {"type": "reasoning.summary", "summary": "First.", "format": "openai-responses-v1", "index": 0},
    {"type": "reasoning.summary", "summary": "Second.", "format": "openai-responses-v1", "index": 1},
    {"type": "reasoning.encrypted", "data": "sealed", "format": "openai-responses-v1", "index": 2},
]


def claude(*content, stop="end_turn"):
    usage = {
        "input_tokens": 20,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 7,
        "output_tokens": 9,
    }
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "usage": usage}
    return "anthropic_messages", {
        **told,
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
    }


def gemini(*parts, finish="STOP", **more):
    usage = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 3,
        "totalTokenCount": 18,
    }
    candidate = {
        "content": {"role": "model", "parts": list(parts)},
        "finishReason": finish,
        "index": 0,
        **more,
    }
    return "gemini", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini"}


def chat(message, finish="stop", **usage):
    counts = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **usage}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return "openai_chat", {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice],
        "usage": counts,
    }


def responses(*output, status="completed", **more):
    usage: dict[str, Any] = {"input_tokens": 10, "output_tokens": 8, "total_tokens": 18}
    usage["output_tokens_details"] = {"reasoning_tokens": 3}
    told = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "error": None}
    return "openai_responses", {**told, "status": status, "output": list(output), "usage": usage, **more}


def message(*texts):
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}


def reasoning(id, *summaries):
    summary = [{"type": "summary_text", "text": text} for text in summaries]
    return {"id": id, "type": "reasoning", "summary": summary, "encrypted_content": "sealed"}


def tool_use(id, name, **value):
    return {"type": "tool_use", "id": id, "name": name, "input": value}


ANSWERS = {
    "server tools and citations": claude(
        {"type": "text", "text": "I'll search."},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        SEARCHED,
        {"type": "text", "text": "Found "},
        {"type": "text", "text": "it", "citations": [CITATION]},
    ),
    "thoughts between calls": claude(
        {"type": "thinking", "thinking": "A\nB", "signature": "s"},
        {"type": "redacted_thinking", "data": "hidden"},
        {"type": "text", "text": "Yes"},
        tool_use("toolu_1", "f"),
        tool_use("toolu_2", "f", a=1.5, b=[None, "é"]),
        stop="tool_use",
    ),
    "refused": claude(stop="refusal"),
    "context window full": claude({"type": "text", "text": "cut"}, stop="model_context_window_exceeded"),
    "code execution": gemini(
        {"text": "Let me "},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"text": "see."},
        groundingMetadata={"webSearchQueries": ["q"]},
    ),
    "thoughts, calls without ids": gemini(
        {"text": "T ", "thought": True},
        {"text": "ans"},
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "f"}},
    ),
    "blocked": gemini(finish="SAFETY"),
    "an image out": gemini(
        {"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    ),
    "reasoning details": chat(
        {"content": "x", "reasoning": "First.\n\nSecond.", "reasoning_details": THOUGHTS}
    ),
    "content parts": chat(
        {
            "content": [
                {
                    "type": "thinking",
                    "thinking": [{"type": "text", "text": "Th"}, {"type": "text", "text": "ink"}],
                },
                {"type": "text", "text": "a "},
                {"type": "reference", "reference_ids": [1]},
                {"type": "text", "text": "b"},
            ]
        }
    ),
    "legacy call": chat({"content": None, "function_call": {"name": "f", "arguments": '{"a": "x"}'}}),
    "empty arguments": chat(
        {
            "content": "",
            "tool_calls": [{"id": "0", "type": "function", "function": {"name": "f", "arguments": ""}}],
        },
        "stop",
    ),
    "refusal": chat({"content": None, "refusal": "I can't"}),
    "more cached than asked": chat({"content": "x"}, prompt_tokens_details={"cached_tokens": 30}),
    "several summaries": responses(
        reasoning("rs_1", "A", "B"),
        {
            "id": "ws_1",
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "q"},
        },
        reasoning("rs_2", "C"),
        message("Hi ", "there"),
    ),
    "vendor items": responses(
        {
            "id": "mcp_1",
            "type": "mcp_call",
            "arguments": "{}",
            "name": "ask",
            "server_label": "x",
            "output": "y",
        },
        {
            "id": "ci_1",
            "type": "code_interpreter_call",
            "code": "1",
            "container_id": "c",
            "status": "completed",
        },
        message("One"),
        message("Two"),
    ),
    "cut off": responses(
        message("cut"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    ),
    "calls": responses(
        {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"id": "fc_2", "type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
    ),
}
CASES = [
    pytest.param(*answer, client, id=f"{name} for {client}")
    for (name, answer), client in itertools.product(ANSWERS.items(), FORMATS)
    if answer[0] != client
]
_CLASSES = {"stop_sequence": "stop", "pause": "stop"}


def outline(response: ir.Response) -> dict[str, object]:
    candidate = response.candidates[0]
    texts = [part.text for part in candidate.parts if isinstance(part, ir.Text | ir.Refusal)]
    thoughts = [part.text for part in candidate.parts if isinstance(part, ir.Reasoning)]
    calls = [part for part in candidate.parts if isinstance(part, ir.ToolCall)]
    usage = response.usage
    assert usage is not None
    return {
        "text": "".join(texts),
        "thought": "".join("".join(thoughts).split()),
        "calls": [(call.name, json.loads(call.arguments or "{}")) for call in calls],
        "finish": _CLASSES.get(candidate.finish_reason or "", candidate.finish_reason),
        "tokens": (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens),
    }


@pytest.mark.parametrize(("provider", "body", "client"), CASES)
def test_an_answer_says_the_same_in_every_other_format(provider, body, client):
    said = get_format(provider).parse_response(json.loads(json.dumps(body)))
    asked = ir.Request("m", [], include_usage=True)
    again = get_format(client).parse_response(get_format(client).emit_response(said, asked))
    assert outline(again) == outline(said)


@pytest.mark.parametrize(("provider", "body", "client"), CASES)
def test_a_streamed_answer_says_the_same_in_every_other_format(provider, body, client):
    said = get_format(provider).parse_response(json.loads(json.dumps(body)))
    emitter = get_format(client).stream_emitter(ir.Request("m", [], stream=True, include_usage=True))
    stream = b"".join(emitter.emit(event) for event in ir.unfold(said)) + emitter.close()
    parser, decoder = get_format(client).stream_parser(), Decoder()
    events = [found for event in decoder.feed(stream) + decoder.flush() for found in parser.feed(event)]
    assert outline(ir.fold([*events, *parser.close()])) == outline(said)


def with_fractions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: with_fractions(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_fractions(item) for item in value]
    return float(value) if type(value) is int else value


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["thoughts between calls", "calls", "several summaries"])
def test_counts_and_places_may_be_written_with_a_fraction(name, format):
    """As proxies do whose language knows floats only."""
    provider, body = ANSWERS[name]
    said = get_format(provider).parse_response(body)
    emitter = get_format(format).stream_emitter(ir.Request("m", [], stream=True, include_usage=True))
    stream = b"".join(emitter.emit(event) for event in ir.unfold(said)) + emitter.close()
    parser, found = get_format(format).stream_parser(), []
    for event in Decoder().feed(stream):
        data = event.data
        if data.startswith(b"{"):
            data = json.dumps(with_fractions(json.loads(data))).encode()
        found += parser.feed(ServerEvent(event.raw, data, event.name))
    assert outline(ir.fold([*found, *parser.close()])) == outline(said)
