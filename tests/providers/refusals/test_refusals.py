"""Refusals in the words of vendors, servers and gateways, and what is made of them."""

# ruff: noqa: E501  (vendors write long sentences)
from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.wire import get_format
from gateway.wire import json as wire_json
from omniroute.types import Fields
from providers import quirks
from providers.catalog.openai_compatible import compatible
from providers.refusals import remedies_for
from providers.refusals.places import may_go, place_of
from providers.refusals.remedies import EFFORTS, Remedy, nearest, quirk_of

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": "Hello", "reasoning_content": "A greeting", "name": "bot"},
        {"role": "user", "content": "Again"},
    ],
    "stream": False,
    "temperature": 0.2,
    "top_p": 0.9,
    "max_tokens": 100_000,
    "reasoning_effort": "xhigh",
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "parallel_tool_calls": True,
    "prompt_cache_key": "k",
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"default": {}}}},
    "service_tier": "priority",
    "web_search_options": {},
    "tools": [
        {"type": "function", "function": {"name": "look", "strict": True, "parameters": {"type": "object"}}}
    ],
}
ANTHROPIC: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100_000,
    "temperature": 0.3,
    "top_p": 0.9,
    "system": [{"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "abc"},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "A door"}]},
    ],
    "thinking": {"type": "enabled", "budget_tokens": 50_000},
    "context_management": {"edits": []},
    "output_config": {"effort": "xhigh"},
    "tools": [{"name": "look", "input_schema": {"type": "object"}, "defer_loading": True}],
}
RESPONSES: dict[str, Any] = {
    "model": "m",
    "input": [
        {"type": "message", "role": "user", "content": "Hi", "status": "completed"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": "Hello"},
    ],
    "reasoning": {"effort": "minimal"},
    "text": {"verbosity": "low"},
    "reasoning_effort": "high",
    "max_output_tokens": 1,
    "store": False,
}
GEMINI: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}],
        },
    ],
    "generationConfig": {
        "maxOutputTokens": 100_000,
        "frequencyPenalty": 0.5,
        "presencePenalty": 0.5,
        "thinkingConfig": {"thinkingBudget": 50_000, "includeThoughts": True},
    },
}
BODIES = {
    "openai_chat": CHAT,
    "anthropic_messages": ANTHROPIC,
    "openai_responses": RESPONSES,
    "gemini": GEMINI,
}


def openai(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def anthropic(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def google(message: str) -> dict[str, Any]:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


def drop(*fields: str) -> list[Remedy]:
    return [Remedy("drop", field) for field in fields]


def found(format: str, answer: Any, status: int = 400, model: str = "m") -> list[Remedy]:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    error = get_format(format).parse_error(status, text.encode(), {})
    return remedies_for(error, BODIES[format], format, model)


def named(answers: list[Any]) -> list[Any]:
    return [pytest.param(*row, id=str(row[0])[:90]) for row in answers]


PYDANTIC = {
    "detail": [
        {
            "type": "extra_forbidden",
            "loc": ["body", "messages", 2, "assistant", "reasoning_content"],
            "msg": "Extra inputs are not permitted",
            "input": "A greeting",
        }
    ]
}
MISTRAL = {"object": "error", "message": PYDANTIC, "type": "invalid_request_error", "code": None}
WRAPPED = {
    "error": {
        "message": "Provider returned error",
        "code": 400,
        "metadata": {
            "raw": json.dumps(openai("Unsupported parameter: 'top_p' is not supported with this model."))
        },
    }
}
SGLANG = openai(
    "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': \"Input should be"
    " 'low', 'medium' or 'high'\", 'input': 'xhigh', 'ctx': {'expected': \"'low', 'medium' or 'high'\"}}"
)
ZOD = openai(
    json.dumps(
        [
            {
                "code": "too_big",
                "maximum": 8192,
                "inclusive": True,
                "path": ["max_tokens"],
                "message": "Too big: expected number to be <=8192",
            }
        ]
    )
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    named(
        [
            (openai("Unsupported parameter(s): top_p"), drop("top_p")),
            (openai("Unsupported parameter(s): `top_p`, `presence_penalty`"), drop("top_p", "presence_penalty")),
            (openai("Unsupported parameter: 'top_p' is not supported with this model.", "top_p"), drop("top_p")),
            (openai("Unrecognized request argument supplied: prompt_cache_key"), drop("prompt_cache_key")),
            (openai("Unrecognized request arguments supplied: prompt_cache_key, top_p"), drop("prompt_cache_key", "top_p")),
            (openai("Unrecognized key(s) in object: 'prompt_cache_key'"), drop("prompt_cache_key")),
            (openai("`temperature` is deprecated for this model."), drop("temperature")),
            (openai("top_p: Extra inputs are not permitted"), drop("top_p")),
            (openai("property 'prompt_cache_key' is unsupported"), drop("prompt_cache_key")),
            (
                openai("'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property"
                " 'reasoning_content' is unsupported)]"),
                drop("messages.*.reasoning_content"),
            ),
            (openai("'messages.2' : property 'reasoning_content' is unsupported"), drop("messages.*.reasoning_content")),
            (PYDANTIC, drop("messages.*.reasoning_content")),
            (MISTRAL, drop("messages.*.reasoning_content")),
            (openai("json: unknown field \"prompt_cache_key\""), drop("prompt_cache_key")),
            (openai("unknown field `top_p`, expected one of `model`, `messages` at line 1 column 3"), drop("top_p")),
            (openai("Unknown parameter: 'service_tier'.", "service_tier", "unknown_parameter"), drop("service_tier")),
            (openai("Model grok-4 does not support parameter presencePenalty."), drop("presence_penalty")),
            (openai("Argument not supported on this model: presencePenalty"), drop("presence_penalty")),
            (openai("This model does not support `reasoning_effort`"), drop("reasoning_effort")),
            (openai("create() got an unexpected keyword argument 'prompt_cache_key'"), drop("prompt_cache_key")),
            (openai("Additional properties are not allowed ('top_p' was unexpected)"), drop("top_p")),
            (openai("Parallel tool calls is not supported"), drop("parallel_tool_calls")),
            (openai("bad value", "service_tier", "unsupported_parameter"), drop("service_tier")),
            (openai("tools[0].function.strict: unknown field"), drop("tools.*.function.strict")),
            (openai("messages.1.content.0.cache_control: Extra inputs are not permitted"), drop("messages.*.content.*.cache_control")),
            (openai("property 'messages.2.name' is not supported"), drop("messages.*.name")),
            ({"code": "Client specified an invalid argument", "error": "Argument not supported on this model: top_p"}, drop("top_p")),
            (WRAPPED, drop("top_p")),
            ("Unsupported parameter(s): top_p", drop("top_p")),
            (
                openai("Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1)"
                " value is supported.", "temperature", "unsupported_value"),
                drop("temperature"),
            ),
            (openai("invalid temperature: only 1 is allowed for this model"), drop("temperature")),
            (
                openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use"
                " 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter"),
                [Remedy("rename", "max_tokens", "max_completion_tokens")],
            ),
            (openai("max_tokens is not supported, please use max_completion_tokens instead"),
             [Remedy("rename", "max_tokens", "max_completion_tokens")]),
            (openai("Unrecognized request argument supplied: max_tokens"),
             [Remedy("rename", "max_tokens", "max_completion_tokens")]),
            (openai("unknown variant `priority`, expected `auto` or `default`: service_tier"), drop("service_tier")),
            (openai("messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`"),
             [Remedy("messages", "developer_to_system")]),
            (openai("The reasoning_content in the thinking mode must be passed back to the API."),
             [Remedy("messages", "echo_reasoning")]),
            (openai("thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"),
             [Remedy("messages", "echo_reasoning")]),
            (openai("messages.1.content: Input should be a valid string"), [Remedy("messages", "flatten_text")]),
            (openai("Invalid file data: 'file_data'. Expected a base64-encoded data URL with an application/pdf MIME type,"
             " but got unsupported MIME type 'text/plain'."), [Remedy("trait", "files_as_text")]),
            (openai("Invalid value: 'file'. Supported values are: 'text' and 'image_url'."), [Remedy("trait", "files_as_text")]),
        ]
    ),
)  # fmt: skip
def test_it_finds_what_a_chat_may_not_hold(answer: Any, expected: list[Remedy]) -> None:
    assert found("openai_chat", answer) == expected
    assert found("openai_chat", answer, 422) == expected


LOW_TO_HIGH = ["low", "medium", "high"]


@pytest.mark.parametrize(
    ("answer", "allowed"),
    named(
        [
            (openai("Failed to deserialize the JSON body into the target type: reasoning_effort: unknown variant `xhigh`,"
             " expected one of `low`, `medium`, `high` at line 1 column 90"), LOW_TO_HIGH),
            (openai("unknown variant `xhigh`, expected one of `low`, `medium`, `high`"), LOW_TO_HIGH),
            (openai("unknown variant xhigh, expected one of low, medium, high"), LOW_TO_HIGH),
            (SGLANG, LOW_TO_HIGH),
            (openai("Validation error for `reasoning_effort`: expected one of `'low' | 'medium' | 'high'`, received `'xhigh'`."),
             LOW_TO_HIGH),
            (openai("Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported values are:"
             " 'low', 'medium', and 'high'.", "reasoning_effort", "unsupported_value"), LOW_TO_HIGH),
            (openai('level "xhigh" not supported, valid levels: low, medium, high'), LOW_TO_HIGH),
            (openai("`reasoning_effort` must be one of `none` or `default`"), ["none", "default"]),
            (openai("Invalid option: expected one of \"low\"|\"medium\"|\"high\""), LOW_TO_HIGH),
            (openai("Unexpected reasoning effort xhigh. Supported types are max (default), medium, and low."),
             ["max", "default", "medium", "low"]),
            ({"detail": [{"type": "literal_error", "loc": ["body", "reasoning_effort"],
              "msg": "Input should be 'low', 'medium' or 'high'", "input": "xhigh"}]}, LOW_TO_HIGH),
        ]
    ),
)  # fmt: skip
def test_an_effort_becomes_the_nearest_that_is_known(answer: Any, allowed: list[str]) -> None:
    assert found("openai_chat", answer) == [Remedy("one_of", "reasoning_effort", allowed)]


@pytest.mark.parametrize(
    ("answer", "bounds"),
    named(
        [
            (openai("max_tokens is too large: 100000. This model supports at most 4096 completion tokens, whereas you"
             " provided 100000.", "max_tokens"), [None, 4096]),
            (openai("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for m"), [None, 64000]),
            (openai("`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the"
             " `context_window` of this model"), [None, 8192]),
            (openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), [1, 8192]),
            (openai("Range of max_tokens should be [1, 8,192]"), [1, 8192]),
            (openai("max_tokens must be at most 8192"), [None, 8192]),
            (openai("Too big: expected number to be <=8192"), [None, 8192]),
            (ZOD, [None, 8192]),
            ({"detail": [{"type": "less_than_equal", "loc": ["body", "max_tokens"],
              "msg": "Input should be less than or equal to 8192", "input": 100000}]}, [None, 8192]),
            (openai("max_tokens must be between 1 and 32768"), [1, 32768]),
            (openai("max_tokens cannot exceed 16384"), [None, 16384]),
        ]
    ),
)  # fmt: skip
def test_a_limit_is_kept(answer: Any, bounds: list[Any]) -> None:
    assert found("openai_chat", answer) == [Remedy("clamp", "max_tokens", bounds)]


@pytest.mark.parametrize(("value", "kept"), [(1.5, True), (-1, False), (1000, False)])
def test_a_value_that_no_vendor_takes_is_the_clients_to_hear_of(value: float, kept: bool) -> None:
    refused = openai(
        "Invalid 'temperature': must be between 0 and 1.", "temperature", "decimal_above_max_value"
    )
    error = get_format("openai_chat").parse_error(400, json.dumps(refused).encode(), {})
    remedies = remedies_for(error, {**CHAT, "temperature": value}, "openai_chat", "m")
    assert remedies == ([Remedy("clamp", "temperature", [0, 1])] if kept else [])


@pytest.mark.parametrize(
    ("format", "answer", "expected"),
    [
        pytest.param(format, answer, expected, id=str(answer)[-90:])
        for format, answer, expected in [
            ("anthropic_messages", anthropic("context_management: Extra inputs are not permitted"), drop("context_management")),
            ("anthropic_messages", anthropic("tools.0.custom.defer_loading: Extra inputs are not permitted"),
             drop("tools.*.defer_loading")),
            ("anthropic_messages", anthropic("system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted"),
             drop("system.*.cache_control.ttl")),
            ("anthropic_messages", anthropic("messages.0.content.0.text.cache_control: Extra inputs are not permitted"),
             drop("messages.*.content.*.cache_control")),
            ("anthropic_messages", anthropic("`temperature` and `top_p` cannot both be specified for this model."),
             [Remedy("edit", "one_sampling_field", lasting=False)]),
            ("anthropic_messages", anthropic("`temperature` may only be set to 1 when thinking is enabled."), []),
            ("anthropic_messages", anthropic("Requests which include `tool_use` or `tool_result` blocks must define tools"),
             [Remedy("edit", "declare_called_tools")]),
            ("openai_chat", openai("The toolConfig field must be defined when using toolUse and toolResult content"
             " blocks."), [Remedy("edit", "declare_called_tools", lasting=False)]),
            ("openai_chat", openai("litellm.UnsupportedParamsError: Bedrock doesn't support tool calling without"
             " `tools=` param specified."), [Remedy("edit", "declare_called_tools")]),
            ("anthropic_messages", anthropic("Thinking may not be enabled when tool_choice forces tool use."),
             [Remedy("drop", "thinking", lasting=False)]),
            ("anthropic_messages", anthropic('"thinking.type.enabled" is not supported for this model. Use'
             ' "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'),
             [Remedy("edit", "enabled_to_adaptive")]),
            ("anthropic_messages", anthropic("thinking: Input tag 'adaptive' found using 'type' does not match any of the"
             " expected tags: 'disabled', 'enabled'"), [Remedy("edit", "adaptive_to_enabled")]),
            ("anthropic_messages", anthropic("thinking.enabled.budget_tokens: Input should be greater than or equal to 60000"),
             [Remedy("clamp", "thinking.budget_tokens", [60000, None])]),
            ("anthropic_messages", anthropic("The parameter `output_config.effort` specified in the request are not valid:"
             " expected `low`, `medium`, `high` or `max`, but got `xhigh` instead."),
             [Remedy("one_of", "output_config.effort", ["low", "medium", "high", "max"])]),
            ("anthropic_messages", anthropic("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens"),
             [Remedy("clamp", "max_tokens", [None, 64000])]),
            ("openai_responses", openai("Unknown parameter: 'input[0].status'.", "input[0].status", "unknown_parameter"),
             drop("input.*.status")),
            ("openai_responses", openai("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but"
             " got 1 instead.", "max_output_tokens", "integer_below_min_value"), [Remedy("clamp", "max_output_tokens", [16, None])]),
            ("openai_responses", openai("Unsupported value: 'minimal' is not supported with the 'm' model. Supported values are:"
             " 'low', 'medium', and 'high'.", "reasoning.effort", "unsupported_value"),
             [Remedy("one_of", "reasoning.effort", LOW_TO_HIGH)]),
            ("openai_responses", openai("Unsupported value: 'low' is not supported with the 'm' model. Supported values are:"
             " 'medium'.", "text.verbosity", "unsupported_value"), [Remedy("one_of", "text.verbosity", ["medium"])]),
            ("openai_responses", openai("Unsupported parameter: 'reasoning_effort'. In the Responses API, this parameter has moved"
             " to 'reasoning.effort'.", "reasoning_effort"), [Remedy("rename", "reasoning_effort", "reasoning.effort")]),
            ("gemini", google("Penalty is not enabled for this model"),
             drop("generationConfig.frequencyPenalty", "generationConfig.presencePenalty")),
            ("gemini", google("Invalid JSON payload received. Unknown name \"includeThoughts\" at"
             " 'generation_config.thinking_config': Cannot find field."),
             drop("generationConfig.thinkingConfig.includeThoughts")),
            ("gemini", google("The thinking budget 50000 is invalid. Please choose a value between 512 and 24576."),
             [Remedy("clamp", "generationConfig.thinkingConfig.thinkingBudget", [512, 24576])]),
            ("gemini", google("Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range"
             " is from 1 (inclusive) to 65537 (exclusive)."), [Remedy("clamp", "generationConfig.maxOutputTokens", [1, 65536])]),
            ("gemini", google("Function calling with a response mime type: 'application/json' is unsupported"),
             [Remedy("trait", "json_in_words")]),
        ]
    ],
)  # fmt: skip
def test_it_knows_the_words_of_every_format(format: str, answer: Any, expected: list[Remedy]) -> None:
    assert found(format, answer) == expected


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.5.content.0: Invalid signature in thinking block",
        "messages.1.content.0.thinking.signature: Field required",
        "a final `assistant` message must start with a thinking block",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is"
        " enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of"
        " `tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`.",
        "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
        "messages.1.content.0: Input tag 'thinking' found using 'type' does not match any of the expected tags",
    ],
)
def test_refused_thoughts_of_claude_are_left_out_of_this_conversation(message: str) -> None:
    expected = [Remedy("edit", "no_past_thinking_anthropic_messages", lasting=False)]
    assert found("anthropic_messages", anthropic(message)) == expected
    wrapped = google(json.dumps(anthropic(message)))
    assert found("anthropic_messages", wrapped) == expected


@pytest.mark.parametrize(
    "answer",
    [
        openai("The encrypted content gAAA...Rg== could not be verified.", code="invalid_encrypted_content"),
        openai(
            "The encrypted content for item rs_1 could not be verified. Reason: it could not be decrypted or parsed."
        ),
        openai(
            "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'."
        ),
        openai("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."),
    ],
    ids=str,
)
def test_refused_reasoning_items_are_left_out(answer: Any) -> None:
    expected = [Remedy("edit", "no_past_thinking_openai_responses", lasting=False)]
    assert found("openai_responses", answer) == expected


def test_a_missing_thought_signature_is_said_to_be_missing_where_the_model_knows_the_word() -> None:
    refused = google(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools"
    )
    assert found("gemini", refused, model="gemini-3-pro") == [
        Remedy("edit", "skipped_signatures", lasting=False)
    ]
    assert found("gemini", refused, model="gemini-2.5-flash") == []
    broken = google("Corrupted thought signature.")
    assert [one.field for one in found("gemini", broken, model="gemini-2.5-flash")] == [
        "no_past_thinking_gemini"
    ]
    assert [one.field for one in found("gemini", broken, model="gemini-3-pro")] == [
        "no_past_thinking_gemini",
        "skipped_signatures",
    ]


@pytest.mark.parametrize(
    ("format", "answer"),
    [
        ("openai_chat", openai("Unsupported parameter: 'messages'", "messages")),
        ("openai_chat", openai("Unsupported parameter: 'model'")),
        ("openai_chat", openai("'stream' is not supported", "stream")),
        ("openai_chat", openai("tools is not supported by this model")),
        ("openai_chat", openai("messages.2.content: Extra inputs are not permitted")),
        ("openai_chat", openai("tools.0.function.parameters.type: Extra inputs are not permitted")),
        ("openai_chat", openai("Unsupported parameter: 'nothing_like_that'", "nothing_like_that")),
        ("openai_chat", openai("This model's maximum context length is 4096 tokens, however you requested 100000 tokens")),
        ("openai_chat", openai("You exceeded your current quota; max_tokens at most 4096")),
        ("openai_chat", openai("Invalid image")),
        ("openai_chat", openai("Invalid schema for response_format 'x': In context=(), 'default' is not permitted.", "response_format")),
        ("openai_chat", openai("response_format is not supported by this model")),
        ("openai_chat", "<html>Bad Request</html>"),
        ("openai_chat", ""),
        ("anthropic_messages", anthropic("system: Extra inputs are not permitted")),
        ("anthropic_messages", anthropic("messages: roles must alternate between user and assistant")),
        ("anthropic_messages", anthropic("prompt is too long: 210000 tokens > 200000 maximum")),
        ("openai_responses", openai("Unsupported parameter: 'input'", "input")),
        ("gemini", google("contents is not supported")),
        ("gemini", google("Unable to process input image.")),
    ],
)  # fmt: skip
def test_it_leaves_alone_what_the_request_is_about(format: str, answer: Any) -> None:
    assert found(format, answer) == []


@pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 429, 500, 503])
def test_only_400_and_422_speak_of_parameters(status: int) -> None:
    assert found("openai_chat", openai("Unsupported parameter: 'top_p'", "top_p"), status) == []


def test_what_holds_only_in_company_is_not_for_ever() -> None:
    refused = openai("temperature is not supported when reasoning_effort is set")
    assert found("openai_chat", refused) == [Remedy("drop", "temperature", lasting=False)]


# ---- what the remedies do ----------------------------------------------------------------------------------


def healed(remedies: list[Remedy], body: dict[str, Any], format: str = "openai_chat") -> Any:
    """On bytes as received and on plain values alike."""
    spec = compatible(
        "acme", "Acme", "https://a.example/v1", quirks=tuple(quirk_of(r, "m", format) for r in remedies)
    )
    raw: Fields = dict(wire_json.split(json.dumps(body).encode()))
    plain: Fields = json.loads(json.dumps(body))
    for fields in (raw, plain):
        quirks.apply(fields, spec, "m", format)
    result = json.loads(wire_json.dumps(raw))
    assert result == json.loads(wire_json.dumps(plain))
    other: Fields = json.loads(json.dumps(body))
    quirks.apply(other, spec, "m-2", format)
    assert other == body
    return result


def test_nested_parameters_are_left_out_everywhere() -> None:
    result = healed(drop("messages.*.reasoning_content", "tools.*.function.strict", "top_p"), CHAT)
    assert "top_p" not in result
    assert "reasoning_content" not in json.dumps(result)
    assert result["tools"][0]["function"] == {"name": "look", "parameters": {"type": "object"}}
    assert [message["role"] for message in result["messages"]] == ["developer", "user", "assistant", "user"]


def test_what_is_not_touched_keeps_its_bytes() -> None:
    body = b'{"messages":[{"role":"user","content":"a","x":1.0},{"role":"user","content":[{"n":1e400,"y":2}]}],"t":0.70}'
    fields: Fields = dict(wire_json.split(body))
    spec = compatible(
        "acme",
        "Acme",
        "https://a.example/v1",
        quirks=(quirk_of(drop("messages.*.x")[0], "m", "openai_chat"),),
    )
    quirks.apply(fields, spec, "m", "openai_chat")
    assert wire_json.dumps(fields) == body.replace(b',"x":1.0', b"")


def test_clamps_renames_and_words() -> None:
    result = healed(
        [
            Remedy("clamp", "max_tokens", [1, 4096]),
            Remedy("rename", "max_tokens", "max_completion_tokens"),
            Remedy("one_of", "reasoning_effort", ["low", "high"]),
        ],
        CHAT,
    )
    assert (result["max_completion_tokens"], result["reasoning_effort"]) == (4096, "high")
    assert "max_tokens" not in result
    deep = healed(
        [Remedy("clamp", "generationConfig.thinkingConfig.thinkingBudget", [512, 24576])], GEMINI, "gemini"
    )
    assert deep["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 24576, "includeThoughts": True}


@pytest.mark.parametrize(
    ("word", "allowed", "expected"),
    [
        ("xhigh", ["low", "medium", "high"], "high"),
        ("medium", ["low", "high"], "low"),
        ("none", ["low", "high"], "low"),
        ("minimal", ["none", "low"], "low"),
        ("high", ["none", "default"], "default"),
        ("high", ["none"], "none"),
        ("max", ["none", "low"], "low"),
    ],
)
def test_the_nearest_effort(word: str, allowed: list[str], expected: str) -> None:
    assert word in EFFORTS
    assert nearest(word, allowed) == expected


def test_without_its_thoughts_an_open_tool_chain_goes_on_unthinking() -> None:
    remedy = Remedy("edit", "no_past_thinking_anthropic_messages", lasting=False)
    body = {
        **ANTHROPIC,
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }
    result = healed([remedy], body, "anthropic_messages")
    assert [block["type"] for block in result["messages"][1]["content"]] == ["tool_use"]
    assert "thinking" not in result
    assert "context_management" not in result
    talk = {**body, "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "a", "signature": "b"}, {"type": "text", "text": "Yes?"}]},
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]},
        {"role": "user", "content": "Go on"},
    ]}  # fmt: skip
    result = healed([remedy], talk, "anthropic_messages")
    assert result["thinking"] == body["thinking"]
    assert [message["content"] for message in result["messages"]] == [
        "Hi",
        [{"type": "text", "text": "Yes?"}],
        "Go on",
    ]


def test_a_budget_becomes_an_effort() -> None:
    body = {**ANTHROPIC, "output_config": {"format": {"type": "json_schema"}}}
    result = healed([Remedy("edit", "enabled_to_adaptive")], body, "anthropic_messages")
    assert result["thinking"] == {"type": "adaptive"}
    assert result["output_config"] == {"effort": "high", "format": {"type": "json_schema"}}


def test_without_its_thoughts_a_responses_input_has_no_ids_that_point_at_them() -> None:
    result = healed([Remedy("edit", "no_past_thinking_openai_responses")], RESPONSES, "openai_responses")
    assert result["input"] == [
        {"type": "message", "role": "user", "content": "Hi", "status": "completed"},
        {"type": "message", "role": "assistant", "content": "Hello"},
    ]


def test_gemini_without_signatures() -> None:
    bare = healed([Remedy("edit", "no_past_thinking_gemini")], GEMINI, "gemini")
    assert bare["contents"][1]["parts"] == [{"functionCall": {"name": "look", "args": {}}}]
    both = [Remedy("edit", "no_past_thinking_gemini"), Remedy("edit", "skipped_signatures")]
    skipped = healed(both, GEMINI, "gemini")["contents"][1]["parts"][0]
    assert skipped["thoughtSignature"] == "skip_thought_signature_validator"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("messages[2].reasoning_content", "messages.*.reasoning_content"),
        ("/messages/2/reasoning_content", "messages.*.reasoning_content"),
        ("$.messages[2].reasoning_content", "messages.*.reasoning_content"),
        ("body.messages.2.assistant.reasoning_content", "messages.*.reasoning_content"),
        ("reasoningEffort", "reasoning_effort"),
        ("strict", "tools.*.function.strict"),
        ("messages[99].reasoning_content", None),
        ("nothing", None),
        ("", None),
        ("...", None),
    ],
)
def test_names_are_found_however_they_are_spelled(name: str, place: str | None) -> None:
    assert place_of(CHAT, name) == place


@pytest.mark.parametrize("name", sorted(quirks.PROTECTED))
def test_what_is_protected_stays(name: str) -> None:
    assert not may_go(name)


def test_what_the_client_asked_the_answer_to_be_is_not_given_up() -> None:
    assert (
        found(
            "openai_chat", openai("Web search options not supported with this model.", "web_search_options")
        )
        == []
    )


def test_a_history_that_lacks_an_item_is_the_client_s_to_mend() -> None:
    lacking = openai(
        "Item 'rs_1' of type 'reasoning' was provided without its required following item.", "input"
    )
    assert found("openai_responses", lacking) == []
