"""The simulator's readers take any JSON: they understand it or refuse it, and what they accept can be answered."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator.answer import pieces_of
from gateway.simulator.behavior import Behavior, UnknownBehavior, parse
from gateway.simulator.formats.anthropic import AnthropicMessages
from gateway.simulator.formats.gemini import Gemini
from gateway.simulator.formats.openai_chat import OpenAIChat
from gateway.simulator.formats.openai_completions import OpenAICompletions
from gateway.simulator.formats.openai_responses import OpenAIResponses
from gateway.simulator.question import BadRequest
from gateway.simulator.samples import sample

DIALECTS = {
    "chat": (OpenAIChat(), {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}),
    "completions": (OpenAICompletions(), {"model": "m", "prompt": "Hi"}),
    "responses": (OpenAIResponses(), {"model": "m", "input": "Hi"}),
    "anthropic": (
        AnthropicMessages(),
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    ),
    "gemini": (Gemini("m", True, True), {"contents": [{"parts": [{"text": "Hi"}]}]}),
}
WORDS = [
    *(
        "model",
        "messages",
        "role",
        "user",
        "tool",
        "content",
        "type",
        "text",
        "tools",
        "function",
        "name",
        "custom",
    ),
    *(
        "parameters",
        "tool_choice",
        "auto",
        "required",
        "none",
        "response_format",
        "json_schema",
        "schema",
        "n",
        "stop",
    ),
    *(
        "stream",
        "logprobs",
        "reasoning",
        "effort",
        "input",
        "instructions",
        "namespace",
        "system",
        "thinking",
        "enabled",
    ),
    *(
        "tool_result",
        "output_config",
        "format",
        "contents",
        "parts",
        "generationConfig",
        "toolConfig",
        "mode",
        "ANY",
    ),
    *(
        "functionCallingConfig",
        "functionDeclarations",
        "functionResponse",
        "thinkingConfig",
        "properties",
        "items",
    ),
    *(
        "additional_tools",
        "function_call_output",
        "output",
        "allowed_tools",
        "prompt",
        "stream_options",
        "enum",
        "$ref",
    ),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=9)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", DIALECTS)
@given(more=st.dictionaries(st.sampled_from(WORDS), JSON, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_json_is_answered_or_refused(name, more):
    dialect, body = DIALECTS[name]
    if isinstance(more.get("n"), int):
        more["n"] = min(more["n"], 3)
    with suppress(BadRequest):
        reply = dialect.reply(body | more, Behavior())
        json.dumps(dialect.whole(reply))
        assert b"".join(step.data for step in dialect.stream(reply))


@given(text=st.text())
def test_the_pieces_of_a_text_make_the_text(text):
    assert "".join(pieces_of(text)) == text
    assert len(pieces_of(text)) <= 400


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "INTEGER", "minimum": 10}, 10),
        ({"type": "integer", "maximum": 3}, 3),
        ({"type": "integer", "multipleOf": 5}, 10),
        ({"type": ["null", "string"], "maxLength": 3}, "sam"),
        ({"type": "string", "minLength": 8}, "samplexx"),
        ({"type": "string", "format": "date"}, "2025-01-02"),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 4}, 4),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, 7),
        (
            {"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]},
            {"a": 1, "b": 2},
        ),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "null"}}}, None),
    ],
)
def test_a_sample_satisfies_its_schema(schema, value):
    assert sample(schema) == value


def test_a_recursive_schema_ends():
    tree = {"$ref": "#/$defs/n"}
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [tree, {"type": "null"}]}},
        "required": ["next"],
    }
    assert len(json.dumps(sample({**tree, "$defs": {"n": node}}))) < 500


def test_behaviours_combine_and_the_later_wins():
    assert parse("sim-slow500+429-retry7") == Behavior(status=429, retry_after=7, delay_ms=500)
    assert parse("500").and_then(parse("503+cut2")) == Behavior(status=503, cut_after=2)


@pytest.mark.parametrize(
    "text", ["", "sim-", "200", "4290", "cut", "cut-1", "ok+", "n5-", "split0", "429-retry"]
)
def test_what_is_no_behaviour_is_refused(text):
    with pytest.raises(UnknownBehavior, match="Known: ok, STATUS"):
        parse(text)
