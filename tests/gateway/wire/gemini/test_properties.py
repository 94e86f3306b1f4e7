"""Whatever comes, only the declared errors come out."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir, json
from gateway.wire.base import ModelProfile
from gateway.wire.gemini import Gemini
from gateway.wire.gemini.tap import GeminiTap
from gateway.wire.sse import ServerEvent
from omniroute.errors import InvalidRequest, UpstreamBroken, UpstreamRefused

GEMINI = Gemini()
TOP = ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "candidates", "error"]
ANSWER = [
    "usageMetadata",
    "promptFeedback",
    "promptTokenCount",
    "blockReason",
    "createTime",
    "index",
    "details",
]
PART = [
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "function_call",
    "functionResponse",
    "inlineData",
]
INNER = [
    "role",
    "parts",
    "name",
    "args",
    "id",
    "response",
    "data",
    "mimeType",
    "fileData",
    "fileUri",
    "content",
]
TOOL = ["functionDeclarations", "parameters", "functionCallingConfig", "mode", "allowedFunctionNames"]
CONFIG = [
    "temperature",
    "stopSequences",
    "responseSchema",
    "thinkingConfig",
    "thinkingBudget",
    "logprobsResult",
]
WORDS = [*TOP, *ANSWER, *PART, *INNER, *TOOL, *CONFIG, "finishReason", "code", "message", "status"]
VALUES = ("user", "model", "STOP", "AUTO", "image/png", "AAAA", "gs://x", "OBJECT", "1", "", "\ud800")
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 500), st.floats(), st.sampled_from(VALUES)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=25,
)
bodies = st.dictionaries(st.sampled_from(WORDS), anything, max_size=6)
parts = st.lists(st.dictionaries(st.sampled_from([*PART, *INNER]), anything, max_size=2), max_size=3)
contents = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "model"]), "parts": parts}), max_size=3
)


@given(bodies, st.one_of(st.none(), contents))
def test_a_request_is_refused_or_comes_back_by_value(body, conversation):
    if conversation is not None:
        body["contents"] = conversation
    with contextlib.suppress(InvalidRequest):
        request = GEMINI.parse_request(body, "m", False)
        emitted = GEMINI.emit_request(request, ModelProfile(model="gemini-2.5-flash"))
        body["contents"] = [body["contents"]] if isinstance(body["contents"], dict) else body["contents"]
        assert json.loads(json.dumps(emitted)) == json.loads(json.dumps(body))


@given(bodies, st.one_of(st.none(), parts))
def test_an_answer_is_refused_or_can_be_written(body, said):
    if said is not None:
        body["candidates"] = [{"content": {"role": "model", "parts": said}, "finishReason": "STOP"}]
    with contextlib.suppress(UpstreamBroken, UpstreamRefused):
        json.dumps(GEMINI.emit_response(GEMINI.parse_response(body), ir.Request("m", [])))


@given(st.lists(st.one_of(st.binary(max_size=30), bodies, parts), max_size=4))
def test_a_stream_never_fails(chunks):
    parser, emitter = GEMINI.stream_parser(), GEMINI.stream_emitter(ir.Request("m", []))
    tap = GeminiTap()
    for chunk in chunks:
        if isinstance(chunk, list):
            chunk = {"candidates": [{"content": {"parts": chunk}}]}
        event = ServerEvent(b"", chunk if isinstance(chunk, bytes) else json.dumps(chunk))
        tap.look(event)
        for found in parser.feed(event):
            emitter.emit(found)
    for found in parser.close():
        emitter.emit(found)
    assert emitter.close() is not None
