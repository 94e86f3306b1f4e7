"""What providers take differently, on bodies as they come from clients: docs/protocol-notes.md, Parameters."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import json as wire_json
from omniroute.types import Fields
from providers import catalog, quirks
from providers.catalog.openai_compatible import compatible
from providers.spec import ProviderSpec, Quirk

SPECS = catalog.builtin()


def sent(
    provider: str | ProviderSpec, model: str, body: dict[str, Any] | str, format: str = "openai_chat"
) -> Any:
    """The body as the provider gets it. Edits must do the same to bytes as received and to plain values."""
    spec = SPECS[provider] if isinstance(provider, str) else provider
    text = body if isinstance(body, str) else json.dumps(body)
    raw: Fields = dict(wire_json.split(text.encode()))
    quirks.apply(raw, spec, model, format)
    plain: Fields = json.loads(text)
    quirks.apply(plain, spec, model, format)
    result = json.loads(wire_json.dumps(raw))
    assert result == json.loads(wire_json.dumps(plain))
    return result


def with_quirks(*rows: Quirk) -> ProviderSpec:
    return compatible("acme", "Acme", "https://acme.example/v1", quirks=rows)


def user(content: Any = "Hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def call(id: str = "call_1", name: str = "look") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def tool(name: str = "look", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}, **more}}


# ---- the operations -----------------------------------------------------------------------------------------


def test_without_a_matching_quirk_nothing_is_touched_and_it_costs_one_look_up() -> None:
    fields: Fields = dict(wire_json.split(b'{"model":"m","temperature":0.70,"messages":[]}'))
    before = dict(fields)
    quirks.apply(fields, SPECS["nvidia"], "meta/llama-3.3-70b-instruct", "openai_chat")
    known = quirks.quirks_of.cache_info()
    quirks.apply(fields, SPECS["nvidia"], "meta/llama-3.3-70b-instruct", "openai_chat")
    assert all(fields[name] is value for name, value in before.items())
    assert quirks.quirks_of.cache_info().hits == known.hits + 1
    assert quirks.quirks_of.cache_info().misses == known.misses


@pytest.mark.parametrize("name", sorted(quirks.PROTECTED))
def test_what_makes_the_request_is_never_dropped(name: str) -> None:
    spec = with_quirks(Quirk(drop=(name, "other"), rename={name: "renamed"}))
    assert sent(spec, "m", {name: "x", "other": 1}) == {name: "x"}


def test_rename_leaves_a_new_name_that_is_there_alone() -> None:
    spec = with_quirks(Quirk(rename={"old": "new"}))
    assert sent(spec, "m", {"old": 1}) == {"new": 1}
    assert sent(spec, "m", {"old": 1, "new": 2}) == {"new": 2}


@pytest.mark.parametrize(
    ("given", "wanted"), [(2, 1), (1.7, 1.0), (-1, 0), (0.5, 0.5), (True, True), ("hot", "hot"), (None, None)]
)
def test_clamp_keeps_a_number_within_its_limits_and_leaves_the_rest(given: Any, wanted: Any) -> None:
    assert sent(with_quirks(Quirk(clamp={"t": (0, 1)})), "m", {"t": given}) == {"t": wanted}


def test_a_value_within_its_limits_keeps_its_bytes() -> None:
    fields: Fields = dict(wire_json.split(b'{"t":0.70}'))
    quirks.apply(
        fields, with_quirks(Quirk(clamp={"t": (0, 1)}, map_values={"t": {"a": "b"}})), "m", "openai_chat"
    )
    assert wire_json.dumps(fields) == b'{"t":0.70}'


def test_force_sets_default_fills_in_and_map_puts_other_words() -> None:
    spec = with_quirks(Quirk(force={"a": 1}, default={"b": 2}, map_values={"c": {"x": "y"}}))
    assert sent(spec, "m", {"a": 0, "b": 0, "c": "x"}) == {"a": 1, "b": 0, "c": "y"}
    assert sent(spec, "m", {"c": "z"}) == {"a": 1, "b": 2, "c": "z"}


def test_a_dot_reaches_one_level_deeper() -> None:
    spec = with_quirks(
        Quirk(
            drop=("r.a",),
            clamp={"r.n": (None, 5)},
            map_values={"r.b": {"x": "y"}},
            default={"r.d": 1, "s.t": 2},
        )
    )
    body = {"r": {"a": 1, "b": "x", "n": 9}}
    assert sent(spec, "m", body) == {"r": {"b": "y", "n": 5, "d": 1}, "s": {"t": 2}}
    assert sent(with_quirks(Quirk(drop=("r.a",))), "m", {"r": "text"}) == {"r": "text"}


def test_a_quirk_is_about_its_models_and_formats_only() -> None:
    spec = with_quirks(Quirk(models=("a*", "!ab"), formats=("gemini",), drop=("x",)))
    assert sent(spec, "A1", {"x": 1}, "gemini") == {}
    assert sent(spec, "ab", {"x": 1}, "gemini") == {"x": 1}
    assert sent(spec, "a1", {"x": 1}) == {"x": 1}


def test_untouched_messages_keep_their_bytes_and_touched_ones_their_other_fields() -> None:
    text = b'[{"role":"user","content":"a \\u00e9","odd":1e400},{"role":"developer","content":"x","n":0.70}]'
    fields: Fields = {"messages": msgspec.Raw(text)}
    quirks.apply(fields, SPECS["deepseek"], "deepseek-chat", "openai_chat")
    assert wire_json.dumps(fields["messages"]) == text.replace(b'"developer"', b'"system"')


def test_messages_that_need_no_edit_are_the_very_same_bytes() -> None:
    raw = msgspec.Raw(b'[ {"role": "user", "content": "plain"} ]')
    fields: Fields = {"messages": raw}
    quirks.apply(fields, SPECS["groq"], "llama-3.3-70b-versatile", "openai_chat")
    assert fields["messages"] is raw


def test_a_lone_surrogate_survives_an_edit() -> None:
    raw = msgspec.Raw(b'[{"role":"developer","content":"cut \\ud83d"}]')
    fields: Fields = {"messages": raw}
    quirks.apply(fields, SPECS["mistral"], "mistral-large-latest", "openai_chat")
    assert wire_json.dumps(fields["messages"]) == b'[{"role":"system","content":"cut \\ud83d"}]'


ODD = [
    '"text"',
    "null",
    "7",
    "[1,2]",
    "[]",
    "{}",
    '[{"role":null}]',
    '[{"role":"assistant","tool_calls":"x"}]',
    "[[]]",
]


@pytest.mark.parametrize("provider", SPECS)
@pytest.mark.parametrize("odd", ODD)
def test_nonsense_is_left_for_the_provider_to_refuse(provider: str, odd: str) -> None:
    for format in ("openai_chat", "anthropic_messages", "openai_responses", "gemini"):
        for name in (
            "messages",
            "tools",
            "tool_choice",
            "response_format",
            "thinking",
            "stop_sequences",
            "reasoning",
        ):
            sent(provider, "m", f'{{"model":"m","{name}":{odd}}}', format)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.sampled_from(["", "user", "assistant", "tool", "text", "none"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "tool_calls", "function", "name", "effort", "id"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)
FIELDS = ("messages", "tools", "tool_choice", "response_format", "thinking", "reasoning", "output_config", "max_tokens",
          "stop_sequences", "temperature", "n", "reasoning_effort", "stream")  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    provider=st.sampled_from(sorted(SPECS)),
    format=st.sampled_from(["openai_chat", "anthropic_messages", "openai_responses"]),
    fields=st.dictionaries(st.sampled_from(FIELDS), JSON),
    turns=st.lists(
        st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "name"]), JSON), max_size=4
    ),
)
def test_whatever_the_fields_hold_nothing_breaks(
    provider: str, format: str, fields: dict[str, Any], turns: list[dict[str, Any]]
) -> None:
    model = SPECS[provider].models[0].id
    sent(provider, model, fields, format)
    assert sent(provider, model, {**fields, "messages": turns}, format)["messages"] is not None


def test_the_callers_own_values_are_not_changed() -> None:
    messages = [{"role": "developer", "content": "x", "name": "n"}, {**user(), "name": "n"}]
    tools = [tool(strict=True)]
    before = json.dumps([messages, tools])
    fields: Fields = {"messages": messages, "tools": tools, "tool_choice": "required"}
    quirks.apply(fields, SPECS["mistral"], "mistral-large-latest", "openai_chat")
    assert json.dumps([messages, tools]) == before
    assert fields["messages"] != messages


# ---- providers ----------------------------------------------------------------------------------------------


def test_openai_reasoning_models_take_max_completion_tokens_and_no_sampling() -> None:
    body = {"max_tokens": 9, "temperature": 0.2, "top_p": 1, "stop": ["a"], "logprobs": True, "seed": 1}
    assert sent("openai", "o3", body) == {"max_completion_tokens": 9, "seed": 1}
    assert sent("openai", "gpt-5-mini", body) == {"max_completion_tokens": 9, "seed": 1}
    assert sent("openai", "gpt-4o", body) == body


def test_openai_since_gpt_5_1_samples_when_it_does_not_reason() -> None:
    assert sent("openai", "gpt-5.1", {"temperature": 0.2, "max_tokens": 1}) == {
        "temperature": 0.2,
        "max_completion_tokens": 1,
    }
    assert sent("openai", "gpt-5.2", {"temperature": 0.2, "reasoning_effort": "high"}) == {
        "reasoning_effort": "high"
    }
    assert sent("openai", "gpt-5-chat-latest", {"temperature": 0.2}) == {"temperature": 0.2}


@pytest.mark.parametrize(
    ("model", "given", "wanted"),
    [
        ("o3", "minimal", "low"),
        ("o3", "xhigh", "high"),
        ("gpt-5", "none", "minimal"),
        ("gpt-5.1", "minimal", "low"),
        ("gpt-5.1", "none", "none"),
        ("gpt-5.1-codex-max", "xhigh", "xhigh"),
        ("gpt-5.2", "xhigh", "xhigh"),
        ("gpt-5.2", "max", "xhigh"),
    ],
)
def test_openai_efforts_fit_the_model_in_both_formats(model: str, given: str, wanted: str) -> None:
    assert sent("openai", model, {"reasoning_effort": given}) == {"reasoning_effort": wanted}
    in_responses = sent(
        "openai", model, {"reasoning": {"effort": given, "summary": "auto"}}, "openai_responses"
    )
    assert in_responses == {"reasoning": {"effort": wanted, "summary": "auto"}}


def test_openai_models_that_do_not_reason_get_no_effort() -> None:
    assert sent("openai", "gpt-4.1", {"reasoning_effort": "low"}) == {}
    assert sent("openai", "gpt-4.1", {"reasoning": {"effort": "low"}}, "openai_responses") == {}


def test_openai_history_holds_no_foreign_reasoning() -> None:
    turn = {"role": "assistant", "content": "a", "reasoning_content": "hm", "reasoning_details": []}
    assert sent("openai", "gpt-4o", {"messages": [turn]}) == {
        "messages": [{"role": "assistant", "content": "a"}]
    }


def test_o1_mini_knows_no_system_role() -> None:
    body = {"messages": [{"role": "system", "content": "s"}, user()]}
    assert sent("openai", "o1-mini", body) == {"messages": [user("s"), user()]}


def test_anthropic_sampling() -> None:
    body = {"temperature": 1.5, "top_p": 0.9, "top_k": 5}
    assert sent("anthropic", "claude-sonnet-4-5", body, "anthropic_messages") == {
        "temperature": 1,
        "top_k": 5,
    }
    assert sent("anthropic", "claude-opus-4-7", body, "anthropic_messages") == {}
    assert sent("anthropic", "claude-sonnet-5-5", body, "anthropic_messages") == {}


def test_anthropic_gets_no_blank_stop_and_no_empty_text() -> None:
    body = {
        "stop_sequences": [" \n", "END"],
        "messages": [user([{"type": "text", "text": ""}, {"type": "text", "text": "x"}])],
    }
    assert sent("anthropic", "claude-haiku-4-5", body, "anthropic_messages") == {
        "stop_sequences": ["END"],
        "messages": [user([{"type": "text", "text": "x"}])],
    }
    assert sent("anthropic", "claude-haiku-4-5", {"stop_sequences": [" "]}, "anthropic_messages") == {}


def test_anthropic_keeps_its_own_beta_fields() -> None:
    body = {
        "context_management": {"edits": []},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
        "tools": [
            {"name": "a", "defer_loading": True},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "messages": [user(), {"role": "system", "content": "more"}],
    }
    assert sent("anthropic", "claude-opus-4-6", body, "anthropic_messages") == body


CLAUDE_CODE = {
    "max_tokens": 32_000,
    "context_management": {"edits": []},
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "high"},
    "messages": [user(), {"role": "system", "content": "more", "output_config": {}}],
    "tools": [
        {"name": "a", "input_schema": {}, "defer_loading": True},
        {"type": "web_search_20250305", "name": "web_search"},
    ],
}


@pytest.mark.parametrize("provider", ["glm", "minimax", "kimi", "kimi-coding"])
def test_anthropic_clones_get_what_they_know_of_a_claude_code_request(provider: str) -> None:
    assert sent(provider, "some-model", CLAUDE_CODE, "anthropic_messages") == {
        "max_tokens": 32_000,
        "thinking": {"type": "enabled", "budget_tokens": 16_384},
        "messages": [user(), user("more")],
        "tools": [{"name": "a", "input_schema": {}}],
    }


def test_deepseeks_twin_reads_an_effort() -> None:
    body = sent("deepseek", "deepseek-v4-pro", CLAUDE_CODE, "anthropic_messages")
    assert body["output_config"] == {"effort": "high"}
    assert "context_management" not in body


def test_adaptive_thinking_without_room_for_a_budget_is_left_out() -> None:
    body = {"max_tokens": 1000, "thinking": {"type": "adaptive"}}
    assert sent("glm", "glm-4.7", body, "anthropic_messages") == {"max_tokens": 1000}


def test_no_tool_left_means_no_tools_and_no_choice() -> None:
    body = {"tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "auto"}}
    assert sent("glm", "glm-4.7", body, "anthropic_messages") == {}


def test_deepseek() -> None:
    body = {
        "max_completion_tokens": 5,
        "reasoning_effort": "high",
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": None, "tool_calls": [call()]},
            {"role": "tool", "tool_call_id": "call_1", "content": "r"},
            {"role": "assistant", "content": "x", "reasoning_content": "old"},
        ],
    }
    assert sent("deepseek", "deepseek-reasoner", body) == {
        "max_tokens": 5,
        "reasoning_effort": "high",
        "thinking": {"type": "enabled"},
        "messages": [
            {"role": "system", "content": "a\nb"},
            {"role": "assistant", "content": None, "tool_calls": [call()], "reasoning_content": " "},
            {"role": "tool", "tool_call_id": "call_1", "content": "r"},
            {"role": "assistant", "content": "x"},
        ],
    }


def test_deepseek_keeps_the_reasoning_of_a_tool_turn() -> None:
    turn = {"role": "assistant", "content": "", "reasoning_content": "why", "tool_calls": [call()]}
    assert sent("deepseek", "deepseek-chat", {"messages": [turn]}) == {"messages": [turn]}


def test_deepseek_thinking_is_switched_off_by_effort_none_and_the_clients_own_switch_wins() -> None:
    assert sent("deepseek", "deepseek-chat", {"reasoning_effort": "none"}) == {
        "thinking": {"type": "disabled"}
    }
    own = {"reasoning_effort": "low", "thinking": {"type": "disabled"}}
    assert sent("deepseek", "deepseek-chat", own) == own


def test_deepseek_reasoner_takes_no_logprobs_and_no_forced_tool() -> None:
    body = sent(
        "deepseek", "deepseek-reasoner", {"logprobs": True, "tool_choice": "required", "messages": [user()]}
    )
    assert body["tool_choice"] == "auto"
    assert "logprobs" not in body
    assert body["messages"][0] == {"role": "system", "content": "Answer by calling one of the tools."}


def test_a_json_schema_becomes_a_prompt_where_only_json_object_is_known() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = {
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        "messages": [{"role": "system", "content": "Be brief."}, user()],
    }
    body = sent("deepseek", "deepseek-chat", body)
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["content"].startswith("Be brief.\n\nAnswer with one JSON object")
    assert json.dumps(schema) in body["messages"][0]["content"]


def test_groq() -> None:
    body = {
        "n": 3,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": {},
        "max_completion_tokens": 7,
        "reasoning_effort": "high",
        "messages": [
            {**user(), "name": "bob"},
            {"role": "assistant", "content": "x", "refusal": None, "reasoning_content": "hm"},
            {"role": "tool", "name": "look", "tool_call_id": "1", "content": "r"},
        ],
    }
    assert sent("groq", "llama-3.3-70b-versatile", body) == {
        "n": 1,
        "max_completion_tokens": 7,
        "messages": [
            user(),
            {"role": "assistant", "content": "x"},
            {"role": "tool", "name": "look", "tool_call_id": "1", "content": "r"},
        ],
    }


@pytest.mark.parametrize(
    ("model", "given", "wanted"),
    [
        ("qwen/qwen3-32b", "high", "default"),
        ("qwen/qwen3-32b", "none", "none"),
        ("openai/gpt-oss-120b", "minimal", "low"),
        ("openai/gpt-oss-120b", "medium", "medium"),
    ],
)
def test_groq_efforts(model: str, given: str, wanted: str) -> None:
    assert sent("groq", model, {"reasoning_effort": given})["reasoning_effort"] == wanted


def test_groq_raw_reasoning_is_parsed_beside_tools() -> None:
    raw = {"reasoning_format": "raw"}
    assert sent("groq", "qwen/qwen3-32b", raw) == raw
    assert sent("groq", "qwen/qwen3-32b", {**raw, "tools": [tool()]})["reasoning_format"] == "parsed"
    assert sent("groq", "qwen/qwen3-32b", {}) == {"reasoning_format": "parsed"}


def test_xai() -> None:
    body = {
        "stop": "a",
        "presence_penalty": 1,
        "reasoning_effort": "high",
        "max_completion_tokens": 3,
        "tools": [tool(strict=True)],
        "messages": [{**user(), "name": "n"}],
    }
    assert sent("xai", "grok-4", body) == {"max_tokens": 3, "tools": [tool()], "messages": [user()]}
    assert sent("xai", "grok-3-mini", {"reasoning_effort": "medium"}) == {"reasoning_effort": "high"}
    assert sent("xai", "grok-4.3", {"reasoning_effort": "medium"}) == {"reasoning_effort": "medium"}
    assert sent("xai", "grok-3", {"stop": "a"}) == {"stop": "a"}


def test_mistral_fields() -> None:
    body = {
        "seed": 4,
        "max_completion_tokens": 5,
        "user": "u",
        "stream_options": {"include_usage": True},
        "logit_bias": {},
        "reasoning_effort": "low",
    }
    assert sent("mistral", "mistral-large-latest", body) == {"random_seed": 4, "max_tokens": 5}
    assert sent("mistral", "mistral-small-latest", {"reasoning_effort": "medium"}) == {
        "reasoning_effort": "high"
    }


def test_mistral_ids_fit_and_stay_pairs_in_every_turn() -> None:
    first = [
        {"role": "assistant", "content": "", "tool_calls": [call("call_abc-1"), call("A1b2C3d4E")]},
        {"role": "tool", "tool_call_id": "call_abc-1", "content": "r"},
        {"role": "tool", "tool_call_id": "A1b2C3d4E", "content": "r"},
    ]
    mapped = sent("mistral", "mistral-large-latest", {"messages": first})["messages"]
    ids = [each["id"] for each in mapped[0]["tool_calls"]]
    assert ids == [mapped[1]["tool_call_id"], mapped[2]["tool_call_id"]]
    assert ids[1] == "A1b2C3d4E"
    assert all(len(id) == 9 and id.isalnum() and id.isascii() for id in ids)
    longer = sent("mistral", "mistral-large-latest", {"messages": [*first, user()]})["messages"]
    assert longer[:3] == mapped


def test_mistral_ids_are_different_for_different_calls() -> None:
    from providers.edits.messages import mistral_id

    assert len({mistral_id(f"call_{n}") for n in range(5000)}) == 5000


def test_mistral_tools_and_choice() -> None:
    parameters = {
        "$schema": "s",
        "additionalProperties": False,
        "properties": {"$id": {"type": "string", "$id": "x"}, "additionalProperties": {"enum": [False]}},
    }
    body = {
        "tools": [tool("a", strict=True, parameters=parameters), tool("b")],
        "tool_choice": {"type": "function", "function": {"name": "a"}},
    }
    body = sent("mistral", "mistral-large-latest", body)
    assert body["tool_choice"] == "any"
    assert [each["function"]["name"] for each in body["tools"]] == ["a"]
    assert body["tools"][0]["function"] == {
        "name": "a",
        "parameters": {"properties": {"$id": {"type": "string"}, "additionalProperties": {"enum": [False]}}},
    }
    assert sent("mistral", "m", {"tool_choice": "required"}) == {"tool_choice": "any"}


def test_mistral_turns() -> None:
    body = {
        "messages": [
            {"role": "developer", "content": "s"},
            {**user(), "name": "n"},
            {"role": "assistant", "content": ""},
            {"role": "assistant", "content": "Once"},
        ]
    }
    assert sent("mistral", "mistral-large-latest", body) == {
        "messages": [
            {"role": "system", "content": "s"},
            user(),
            {"role": "assistant", "content": "Once", "prefix": True},
        ]
    }


def test_perplexity_turns_alternate_and_tools_become_text() -> None:
    body = {
        "tools": [tool()],
        "stop": "x",
        "n": 2,
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            user("1"),
            user([{"type": "text", "text": "2"}]),
            {"role": "assistant", "content": None, "tool_calls": [call()]},
            {"role": "tool", "tool_call_id": "call_1", "content": "r"},
            user("3"),
        ],
    }
    assert sent("perplexity", "sonar", body) == {
        "messages": [
            {"role": "system", "content": "a\n\nb"},
            user([{"type": "text", "text": "1"}, {"type": "text", "text": "2"}]),
            {"role": "assistant", "content": "Called look with {}"},
            user("Result of the tool call:\nr\n\n3"),
        ]
    }


def test_perplexity_begins_and_ends_with_the_user() -> None:
    roles = [
        message["role"]
        for message in sent("perplexity", "sonar", {"messages": [{"role": "assistant", "content": "x"}]})[
            "messages"
        ]
    ]
    assert roles == ["user", "assistant", "user"]
    plain = {"messages": [{"role": "system", "content": "s"}, user()]}
    assert sent("perplexity", "sonar", plain) == plain


def test_together_efforts() -> None:
    assert sent("together", "m", {"reasoning_effort": "xhigh"}) == {"reasoning_effort": "high"}
    assert sent("together", "m", {"reasoning_effort": "none"}) == {"reasoning": {"enabled": False}}


def test_fireworks_answers_in_one_piece_are_short() -> None:
    assert sent("fireworks", "m", {"max_tokens": 32_000}) == {"max_tokens": 4096}
    assert sent("fireworks", "m", {"max_tokens": 32_000, "stream": True}) == {
        "max_tokens": 32_000,
        "stream": True,
    }


def test_cerebras() -> None:
    body = {
        "logit_bias": {},
        "service_tier": "auto",
        "messages": [user([{"type": "text", "text": "a"}]), user([{"type": "image_url", "image_url": {}}])],
        "response_format": {"type": "json_schema", "json_schema": {"schema": {}}},
    }
    assert sent("cerebras", "gpt-oss-120b", body) == {
        "messages": [user("a"), user([{"type": "image_url", "image_url": {}}])],
        "response_format": {"type": "json_schema", "json_schema": {"schema": {}, "strict": True}},
    }
    assert sent("cerebras", "gpt-oss-120b", {"max_completion_tokens": 9}) == {"max_completion_tokens": 9}


def test_glm_thinking() -> None:
    assert sent("glm", "glm-4.7", {"reasoning_effort": "low", "temperature": 1.4}) == {
        "thinking": {"type": "enabled"},
        "temperature": 1,
    }
    assert sent("glm", "glm-5.2", {"reasoning_effort": "low"}) == {
        "thinking": {"type": "enabled"},
        "reasoning_effort": "high",
    }


def test_minimax() -> None:
    assert sent("minimax", "MiniMax-M2.1", {"temperature": 0}) == {
        "temperature": 0.01,
        "reasoning_split": True,
    }
    assert sent("minimax", "MiniMax-M2.1", {"temperature": 2}, "anthropic_messages") == {"temperature": 1}


def test_kimi() -> None:
    body = {
        "max_completion_tokens": 2,
        "temperature": 0.1,
        "n": 2,
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "messages": [user(), {"role": "assistant", "content": "", "tool_calls": [call()]}],
    }
    result = sent("kimi", "kimi-k2-0905-preview", body)
    assert result["max_tokens"] == 2
    assert result["temperature"] == 0.3
    assert result["tool_choice"] == "auto"
    assert result["messages"][0] == {"role": "system", "content": "Answer by calling the tool look."}
    assert result["messages"][2]["reasoning_content"] == " "
    reasoning = sent("kimi", "kimi-k2.5", {"temperature": 0.1, "top_p": 1, "reasoning_effort": "none"})
    assert reasoning == {"thinking": {"type": "disabled"}}


def test_embeddings_of_nvidia_say_what_they_are_for() -> None:
    body = sent("nvidia", "nvidia/nv-embedqa-e5-v5", {"input": "x"}, "openai_embeddings")
    assert body == {"input": "x", "input_type": "query"}


DECLARES = with_quirks(Quirk(edits=("declare_called_tools",), formats=("openai_chat", "anthropic_messages")))


def test_tools_that_a_conversation_called_are_declared_again():
    calls = [{"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}} for id in "ab"]
    called = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": calls}]}
    (tool,) = sent(DECLARES, "m", called)["tools"]
    assert tool["type"] == "function"
    assert tool["function"]["name"] == "look"
    used = [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]}]
    (tool,) = sent(DECLARES, "m", {"messages": used, "tools": []}, "anthropic_messages")["tools"]
    assert (tool["name"], tool["input_schema"]) == ("look", {"type": "object", "properties": {}})


def test_tools_that_are_declared_or_were_never_called_stay_as_they_are():
    own = {"type": "function", "function": {"name": "other"}}
    for body in ({"messages": [{"role": "user", "content": "Hi"}]}, {"messages": [], "tools": [own]}):
        assert sent(DECLARES, "m", body) == body
