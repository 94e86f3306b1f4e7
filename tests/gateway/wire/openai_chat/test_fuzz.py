"""Whatever comes in, only the declared errors come out."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import get_format, history, ir
from gateway.wire.base import ModelProfile
from gateway.wire.openai_chat import completions
from gateway.wire.sse import ServerEvent
from omniroute.errors import InvalidRequest, UpstreamBroken, UpstreamRefused

CHAT = get_format("openai_chat")
KEYS = [
    "messages",
    "role",
    "content",
    "type",
    "text",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "index",
    "choices",
    "delta",
    "message",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "image_url",
    "url",
    "tools",
    "stop",
    "reasoning",
    "reasoning_details",
    "thinking_blocks",
    "thinking",
    "signature",
    "function_call",
    "functions",
    "tool_choice",
    "response_format",
    "json_schema",
    "schema",
    "error",
    "x_groq",
    "audio",
    "data",
    "images",
    "logprobs",
    "file",
    "created",
    "annotations",
    "custom",
    "extra_content",
    "allowed_tools",
    "mode",
    "max_tokens",
    "prompt",
    "refusal",
    "tool_call_id",
]
WORDS = [
    "user",
    "assistant",
    "tool",
    "system",
    "text",
    "function",
    "custom",
    "image_url",
    "file",
    "stop",
    "",
    "{}",
    "a",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=3)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "function"])},
    optional={
        "content": VALUES | st.text(max_size=3),
        "tool_calls": VALUES
        | st.lists(st.fixed_dictionaries({"id": LEAVES, "function": OBJECTS}), max_size=2),
        "reasoning_details": VALUES,
        "thinking_blocks": VALUES,
        "tool_call_id": LEAVES,
    },
)
BODIES = OBJECTS | st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES, min_size=1, max_size=4)},
    optional={"tools": VALUES, "tool_choice": VALUES, "thinking": OBJECTS},
)
CHUNKS = OBJECTS | st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {"delta": OBJECTS | VALUES},
                optional={"message": OBJECTS, "index": LEAVES, "finish_reason": LEAVES},
            ),
            max_size=2,
        )
    }
)


@given(BODIES)
@settings(max_examples=300)
def test_requests(body: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequest):
        request = CHAT.parse_request(body, "m", False)
        assert json.loads(json.dumps(CHAT.emit_request(request, ModelProfile()))) is not None
        repaired = history.repair(request, CHAT.rules)
        repaired.extra = {}
        json.dumps(CHAT.emit_request(repaired, ModelProfile()))


@given(BODIES | OBJECTS)
def test_legacy_requests(body: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequest):
        completions.to_chat(body)


@given(CHUNKS)
@settings(max_examples=300)
def test_replies(body: dict[str, Any]) -> None:
    with contextlib.suppress(UpstreamBroken, UpstreamRefused):
        json.dumps(CHAT.emit_response(CHAT.parse_response(body), ir.Request("m", [])))


@given(st.lists(CHUNKS | VALUES | st.binary(max_size=8), max_size=5))
@settings(max_examples=300)
def test_streams(chunks: list[Any]) -> None:
    parser, emitter = CHAT.stream_parser(), CHAT.stream_emitter(ir.Request("m", []))
    events: list[ir.Event] = []
    for item in chunks:
        data = item if isinstance(item, bytes) else json.dumps(item).encode()
        events += parser.feed(ServerEvent(data, data))
    events += parser.close()
    assert isinstance(events[-1], ir.Errored | ir.Finished | ir.UsageReported)
    for event in events:
        emitter.emit(event)
    emitter.close()
    with contextlib.suppress(ir.BrokenStream):
        ir.fold(events)
