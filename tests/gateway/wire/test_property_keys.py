"""Names of parameters that Claude refuses: replaced on the way there, put back on the way home."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir
from gateway.wire.base import ModelProfile
from gateway.wire.property_keys import Renaming, Replacer, fits_claude, renaming_of, replaced
from gateway.wire.schema_walk import inline_refs

CLAUDE = ModelProfile(provider="anthropic", vendor="anthropic", model="claude-sonnet-4-5")
SCHEMA = {
    "type": "object",
    "properties": {
        "$filter": {"type": "string"},
        "ok": {"type": "object", "properties": {"a b": {"type": "integer"}}, "required": ["a b"]},
        "same": {"$ref": "#/properties/$filter"},
        "default": {"enum": ["$filter"], "title": "Own"},
        "x" * 65: {"items": {"anyOf": [{"properties": {"@type": {}}}]}},
    },
    "required": ["$filter", "ok"],
    "dependentRequired": {"$filter": ["ok"]},
}


def ask(schema: Any = None, *parts: ir.Part) -> ir.Request:
    messages = [ir.Message("assistant", list(parts))] if parts else []
    return ir.Request("m", messages, tools=[ir.Tool("query", parameters=schema or SCHEMA)])


def renaming(request: ir.Request | None = None) -> Renaming:
    found = renaming_of(request or ask(), CLAUDE)
    assert found is not None
    return found


def names(schema: Any) -> set[str]:
    return set(re.findall(r'"([^"]+)": \{', json.dumps(schema)))


def sent(renamed: Renaming, name: str) -> str:
    call = ir.ToolCall("c", "query", json.dumps({name: 1}))
    (part,) = renamed.request(ask(None, call)).messages[0].parts
    assert isinstance(part, ir.ToolCall)
    return str(next(iter(json.loads(part.arguments))))


def test_every_name_fits_and_the_others_stay() -> None:
    schema = renaming().request(ask()).tools[0].parameters
    assert fits_claude(schema)
    assert not fits_claude(SCHEMA)
    assert {"ok", "same", "default"} <= set(schema["properties"])  # type: ignore[index]


def test_what_speaks_of_a_name_follows_it() -> None:
    renamed = renaming()
    schema = renamed.request(ask()).tools[0].parameters or {}
    filtered = sent(renamed, "$filter")
    assert schema["required"] == [filtered, "ok"]
    assert list(schema["properties"]["ok"]["properties"]) == schema["properties"]["ok"]["required"]
    assert inline_refs(schema)["properties"]["same"] == schema["properties"][filtered]
    assert schema["properties"][filtered]["title"] == "$filter"
    assert schema["properties"]["default"] == SCHEMA["properties"]["default"]  # type: ignore[index]


def test_the_request_stays_as_it_is() -> None:
    request = ask(None, ir.ToolCall("c", "query", '{"$filter": 1}'))
    before = repr(request)
    renaming().request(request)
    assert repr(request) == before


@pytest.mark.parametrize(
    "profile",
    [ModelProfile(provider="openrouter", model="anthropic/claude-sonnet-4.5"), CLAUDE],
)
def test_it_is_for_claude_wherever_it_runs(profile: ModelProfile) -> None:
    assert renaming_of(ask(), profile) is not None
    assert renaming_of(ask(), ModelProfile(provider="groq", model="llama-4")) is None
    assert renaming_of(ask({"properties": {"fits": {}}}), profile) is None


def test_a_streamed_call_comes_back_with_the_clients_names_wherever_it_is_cut() -> None:
    renamed = renaming()
    key, inner = sent(renamed, "$filter"), sent(renamed, "a b")
    pattern = '{"KEY": "%s \\"%s\\":", "n": 1.50, "ok": {"INNER" : [{"KEY":"\\\\"}]}}'.replace("%s", key)
    arguments = pattern.replace("KEY", key).replace("INNER", inner)
    wanted = pattern.replace("KEY", "$filter").replace("INNER", "a b")
    json.loads(wanted)
    for size in range(1, len(arguments) + 1):
        restore = renamed.after(lambda event: [event])
        pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
        events: list[ir.Event] = [ir.Started(), ir.PartStarted(0, ir.ToolCall("c", "query"))]
        events += [*(ir.PartDelta(0, piece) for piece in pieces), ir.PartEnded(0), ir.Finished("tool_calls")]
        response = ir.fold(found for event in events for found in restore(event))
        assert response.candidates[0].parts == [ir.ToolCall("c", "query", wanted)]


def test_a_whole_call_comes_back_with_the_clients_names_and_text_does_not() -> None:
    renamed = renaming()
    key = sent(renamed, "$filter")
    text, free = ir.Text(f'{{"{key}": 1}}'), ir.ToolCall("d", "free", f'{{"{key}": 1}}', "custom")
    answer = [ir.Candidate([text, ir.ToolCall("c", "query", f'{{"{key}": 1}}'), free])]
    (candidate,) = renamed.response(ir.Response(candidates=answer)).candidates
    assert candidate.parts == [text, ir.ToolCall("c", "query", '{"$filter": 1}'), free]


def test_only_what_may_be_a_name_waits() -> None:
    replacer = Replacer({"filter_12345678": "$filter"})
    assert replacer.feed('{"text": "a long va') == '{"text": "a long va'
    assert replacer.feed('lue", "fil') == 'lue", '
    assert replacer.feed('ter_12345678" ') == ""
    assert replacer.feed(": 1}") == '"$filter" : 1}'


KEYS = st.text(max_size=70)
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
def test_there_and_back_is_the_same_for_any_arguments(value: dict[str, Any], ascii: bool) -> None:
    renamed = renaming_of(ask({"properties": {key: {} for key in value}}), CLAUDE)
    if renamed is None:
        return
    arguments = json.dumps(value, ensure_ascii=ascii)
    call = ir.ToolCall("c", "query", arguments)
    (part,) = renamed.request(ask(None, call)).messages[0].parts
    assert isinstance(part, ir.ToolCall)
    assert all(re.fullmatch("[a-zA-Z0-9_.-]{1,64}", key) for key in json.loads(part.arguments))
    (candidate,) = renamed.response(ir.Response(candidates=[ir.Candidate([part])])).candidates
    (back,) = candidate.parts
    assert isinstance(back, ir.ToolCall)
    assert json.loads(back.arguments) == value


@given(st.lists(st.text(max_size=30), max_size=6))
def test_text_that_is_no_json_passes(pieces: list[str]) -> None:
    replacer = Replacer({"absent_name": "x"})
    assert "".join(map(replacer.feed, pieces)) + replacer.end() == "".join(pieces)
    assert replaced("".join(pieces), {"absent_name": "x"}) == "".join(pieces)
