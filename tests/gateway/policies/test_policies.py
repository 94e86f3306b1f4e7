from __future__ import annotations

from typing import Any

import pytest

from gateway.edge.inbound import parse
from gateway.policies import Policies, apply
from gateway.policies.thinking import ThinkingPolicy
from gateway.wire import CLIENT_FORMATS, FORMATS, json
from omniroute.types import InboundRequest

PROMPT = "Answer in French."
POLICIES = Policies(PROMPT)
BLOCK = {"type": "text", "text": PROMPT}
CACHED = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
USER = {"role": "user", "content": "Hi"}


def inbound(format: str, body: Any, operation: str = "generate") -> InboundRequest:
    text = body if isinstance(body, bytes) else json.dumps({"model": "m", **body})
    return parse(text, format=format, path="/", headers={}, operation=operation)


def applied(format: str, body: Any, policies: Policies = POLICIES) -> dict[str, Any]:
    request = apply(inbound(format, body), policies)
    return {name: value for name, value in json.decode_all(dict(request.fields)).items() if name != "model"}


def system(content: Any, role: str = "system") -> dict[str, Any]:
    return {"role": role, "content": content}


MESSAGES: dict[str, tuple[list[Any], list[Any]]] = {
    "none": ([USER], [system(PROMPT), USER]),
    "string": ([system("Be brief."), USER], [system(f"Be brief.\n\n{PROMPT}"), USER]),
    "developer": (
        [system("Be brief.", "developer"), USER],
        [system(f"Be brief.\n\n{PROMPT}", "developer"), USER],
    ),
    "blocks": ([system([CACHED]), USER], [system([CACHED, BLOCK]), USER]),
    "empty": ([system(""), USER], [system(PROMPT), USER]),
    "null": ([system(None), USER], [system(PROMPT), USER]),
    "several": ([system("a"), system("b"), USER], [system("a"), system(f"b\n\n{PROMPT}"), USER]),
    "later": ([USER, system("b"), USER, system("c")], [USER, system(f"b\n\n{PROMPT}"), USER, system("c")]),
    "a word in a text": (
        [{"role": "user", "content": '"system"'}],
        [system(PROMPT), system('"system"', "user")],
    ),
    "no text": ([system(7), USER], [system(7), USER]),
    "no objects": (["x"], [system(PROMPT), "x"]),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_chat_messages_get_the_prompt_behind_their_instructions(case):
    given, expected = MESSAGES[case]
    assert applied("openai_chat", {"messages": given}) == {"messages": expected}


SYSTEM: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({}, PROMPT),
    "null": ({"system": None}, PROMPT),
    "empty": ({"system": ""}, PROMPT),
    "string": ({"system": "Be brief."}, f"Be brief.\n\n{PROMPT}"),
    "blocks": ({"system": [CACHED]}, [CACHED, BLOCK]),
    "no blocks": ({"system": []}, PROMPT),
    "a number": ({"system": 7}, 7),
}


@pytest.mark.parametrize("case", SYSTEM)
def test_anthropic_system_gets_the_prompt_at_its_end(case):
    given, expected = SYSTEM[case]
    assert applied("anthropic_messages", {"messages": [USER], **given})["system"] == expected


INSTRUCTIONS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({}, PROMPT),
    "null": ({"instructions": None}, PROMPT),
    "string": ({"instructions": "Be brief."}, f"Be brief.\n\n{PROMPT}"),
    "something else": ({"instructions": [USER]}, [USER]),
}


@pytest.mark.parametrize("case", INSTRUCTIONS)
def test_responses_instructions_get_the_prompt_at_their_end(case):
    given, expected = INSTRUCTIONS[case]
    assert applied("openai_responses", {"input": "Hi", **given})["instructions"] == expected


PART = {"text": PROMPT}
GEMINI: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {"systemInstruction": {"parts": [PART]}}),
    "null": ({"system_instruction": None}, {"system_instruction": {"parts": [PART]}}),
    "parts": (
        {"systemInstruction": {"role": "user", "parts": [{"text": "a"}]}},
        {"systemInstruction": {"role": "user", "parts": [{"text": "a"}, PART]}},
    ),
    "snake case": (
        {"system_instruction": {"parts": [{"text": "a"}]}},
        {"system_instruction": {"parts": [{"text": "a"}, PART]}},
    ),
    "one part": (
        {"systemInstruction": {"parts": {"text": "a"}}},
        {"systemInstruction": {"parts": [{"text": "a"}, PART]}},
    ),
    "a bare part": (
        {"systemInstruction": {"text": "a"}},
        {"systemInstruction": {"parts": [{"text": "a"}, PART]}},
    ),
    "string": ({"systemInstruction": "a"}, {"systemInstruction": f"a\n\n{PROMPT}"}),
    "null parts": ({"systemInstruction": {"parts": None}}, {"systemInstruction": {"parts": [PART]}}),
    "cached": ({"cachedContent": "cachedContents/1"}, {"cachedContent": "cachedContents/1"}),
}


@pytest.mark.parametrize("case", GEMINI)
def test_gemini_instructions_get_the_prompt_in_the_clients_spelling(case):
    given, expected = GEMINI[case]
    contents = [{"parts": [{"text": "Hi"}]}]
    assert applied("gemini", {"contents": contents, **given}) == {"contents": contents, **expected}


def test_the_legacy_endpoint_gets_it_as_a_system_message():
    from gateway.wire.openai_chat.completions import to_chat

    body = applied("openai_completions", {"prompt": "Hi"})
    assert to_chat(body)["messages"] == [system(PROMPT), USER]


def test_every_format_of_a_client_is_covered():
    for format in (*FORMATS, *CLIENT_FORMATS):
        body = {"messages": [USER], "input": "Hi", "contents": [{"parts": []}], "prompt": "Hi"}
        request = inbound(format, body)
        assert PROMPT in str(json.decode_all(dict(apply(request, POLICIES).fields)))


def test_what_is_not_touched_keeps_its_bytes():
    body = (
        b'{"model":"m", "n":1e400, "x":0.70, "system":[ {"type":"text" , "text":"a\\u00e9"} ],'
        b'"messages":[ {"role":"user","content":"\\ud83d"} ]}'
    )
    request = apply(inbound("anthropic_messages", body), POLICIES)
    assert bytes(request.fields["x"]) == b"0.70"
    assert bytes(request.fields["n"]) == b"1e400"
    assert bytes(request.fields["messages"]) == b'[ {"role":"user","content":"\\ud83d"} ]'
    assert bytes(request.fields["system"]).startswith(b'[{"type":"text" , "text":"a\\u00e9"},')


def test_half_an_emoji_beside_the_instructions_is_no_obstacle():
    body = b'{"model":"m","messages":[{"role":"system","content":"\\ud83d"},{"role":"user","content":"\\ud83d"}]}'
    fields = apply(inbound("openai_chat", body), POLICIES).fields
    assert bytes(fields["messages"]).count(b"\\ud83d") == 2
    assert PROMPT.encode() in bytes(fields["messages"])


def test_the_clients_request_is_not_changed():
    request = inbound("openai_chat", {"messages": [USER]})
    before = dict(request.fields)
    assert apply(request, POLICIES) is not request
    assert request.fields == before


def test_without_policies_the_request_is_the_same_object():
    request = inbound("openai_chat", {"messages": [USER], "reasoning_effort": "high"})
    assert apply(request, Policies()) is request


@pytest.mark.parametrize("policies", [Policies(), POLICIES], ids=["off", "on"])
def test_internal_fields_go_no_further(policies):
    body = {"messages": [USER], "_omnirouteInternalRequest": "x", "_system": "mine", "_": 1, "store": False}
    fields = applied("openai_chat", body, policies)
    assert {name for name in fields if name.startswith("_")} == set()
    assert fields["store"] is False


@pytest.mark.parametrize(("flag", "skipped"), [(True, True), (False, False), (None, False)])
def test_a_request_can_go_without_the_prompt(flag, skipped):
    fields = applied("anthropic_messages", {"messages": [USER], "_skipSystemPrompt": flag})
    assert fields.get("system") == (None if skipped else PROMPT)
    assert "_skipSystemPrompt" not in fields


def test_a_client_cannot_write_instructions_into_the_legacy_endpoint():
    assert applied("openai_completions", {"prompt": "Hi", "_system": "x"}, Policies()) == {"prompt": "Hi"}


def test_counting_tokens_is_left_alone():
    policies = Policies(PROMPT, ThinkingPolicy("custom", 5000))
    request = inbound("anthropic_messages", {"messages": [USER], "_x": 1}, operation="count")
    assert set(apply(request, policies).fields) == {"model", "messages"}
