import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import freetext, ir
from gateway.wire.base import Rules
from gateway.wire.tools import adapt

OPENAI = Rules()
GEMINI = Rules(tool_name=r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
KNOWS_CUSTOM = Rules(custom_tools=True)
LONG = "mcp__a_server_with_a_long_name__and_a_tool_whose_name_is_much_too_long_as_well"


def ask(*tools, messages=(), choice=None):
    return ir.Request(model="m", messages=list(messages), tools=list(tools), tool_choice=choice)


def call_events(name, *pieces, index=0, arguments=""):
    return [
        ir.PartStarted(index, ir.ToolCall("call_1", name, arguments)),
        *(ir.PartDelta(index, piece) for piece in pieces),
        ir.PartEnded(index),
    ]


def restore(toolmap, events):
    return [restored for event in events for restored in toolmap.restore(event)]


def only_call(toolmap, events):
    reply = ir.fold([ir.Started(), *restore(toolmap, events), ir.Finished("tool_calls")])
    (part,) = reply.candidates[0].parts
    assert isinstance(part, ir.ToolCall)
    return part


def test_names_that_fit_stay_and_nothing_else_changes():
    tool = ir.Tool("get_weather", "Weather", {"type": "object"}, strict=True)
    adapted, toolmap = adapt(ask(tool), OPENAI)
    assert adapted.tools == [tool]
    events = call_events("get_weather", '{"a"', ":1}")
    assert restore(toolmap, events) == events


@pytest.mark.parametrize("name", ["a.b", "a b", "ü", LONG, "", "ns/tool:1", "x" * 200])
def test_a_name_that_does_not_fit_is_changed_and_restored(name):
    adapted, toolmap = adapt(ask(ir.Tool(name)), OPENAI)
    sent = adapted.tools[0].name
    assert re.fullmatch(OPENAI.tool_name, sent)
    assert only_call(toolmap, call_events(sent, "{}")).name == name


def test_a_long_name_is_cut_to_55_characters_and_a_hash():
    adapted, _ = adapt(ask(ir.Tool(LONG)), OPENAI)
    assert re.fullmatch(re.escape(LONG[:55]) + "_[0-9a-f]{8}", adapted.tools[0].name)


def test_gemini_keeps_dots_and_gets_no_leading_digit():
    adapted, toolmap = adapt(ask(ir.Tool("a.b"), ir.Tool("1st")), GEMINI)
    assert [tool.name for tool in adapted.tools] == ["a.b", "_1st"]
    assert only_call(toolmap, call_events("_1st")).name == "1st"


def test_two_names_that_become_alike_stay_two():
    adapted, toolmap = adapt(ask(ir.Tool("a.b"), ir.Tool("a_b"), ir.Tool("a b")), OPENAI)
    sent = [tool.name for tool in adapted.tools]
    assert sent[1] == "a_b"
    assert len(set(sent)) == 3
    assert [only_call(toolmap, call_events(name)).name for name in sent] == ["a.b", "a_b", "a b"]


@given(st.lists(st.text(max_size=80), max_size=8, unique=True))
def test_the_map_is_a_bijection(names):
    adapted, toolmap = adapt(ask(*(ir.Tool(name) for name in names)), GEMINI)
    sent = [tool.name for tool in adapted.tools]
    assert all(re.fullmatch(GEMINI.tool_name, name) for name in sent)
    assert len(set(sent)) == len(names)
    assert [only_call(toolmap, call_events(name)).name for name in sent] == names


def test_the_same_request_gets_the_same_names():
    request = ask(ir.Tool("a.b"), ir.Tool(LONG), ir.Tool("a_b"))
    assert adapt(request, OPENAI)[0] == adapt(request, OPENAI)[0]


def test_the_request_it_was_given_stays_as_it_is():
    history = [ir.Message("assistant", [ir.ToolCall("c", "a.b", "{}")])]
    request = ask(ir.Tool("a.b"), ir.Tool("a.b"), messages=history)
    before = repr(request)
    adapt(request, OPENAI)
    assert repr(request) == before


def test_choice_history_and_results_follow_the_tool():
    history = [
        ir.Message("assistant", [ir.ToolCall("c1", "a.b", "{}"), ir.ToolCall("c2", "gone.tool", "{}")]),
        ir.Message(
            "user",
            [ir.ToolResult("c1", [ir.Text("1")]), ir.ToolResult("c2", [ir.Text("2")], name="gone.tool")],
        ),
    ]
    adapted, _ = adapt(ask(ir.Tool("a.b"), messages=history, choice=ir.ToolChoice("any", ("a.b",))), OPENAI)
    assert adapted.tool_choice == ir.ToolChoice("any", ("a_b",))
    assert [call.name for call in adapted.messages[0].parts] == ["a_b", "gone_tool"]
    assert [result.name for result in adapted.messages[1].parts] == ["a_b", "gone_tool"]


def test_a_tool_declared_twice_is_sent_once_and_noted():
    adapted, _ = adapt(ask(ir.Tool("a", "first"), ir.Tool("a", "second")), OPENAI)
    assert [tool.description for tool in adapted.tools] == ["first"]
    assert adapted.dropped == ["tools.a (declared twice)"]


def test_a_name_that_the_model_made_up_reaches_the_client():
    _, toolmap = adapt(ask(ir.Tool("a.b")), OPENAI)
    assert only_call(toolmap, call_events("invented", "{}")).name == "invented"


def test_hosted_tools_are_left_to_the_emitter():
    hosted = ir.Tool("web_search", kind="hosted", format="openai_responses", raw={"type": "web_search"})
    assert adapt(ask(hosted), OPENAI)[0].tools == [hosted]


# ---- custom tools

PATCH = ir.Tool(
    "apply_patch",
    "Edits files",
    kind="custom",
    grammar={"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
)


def test_a_custom_tool_becomes_a_function_with_one_string():
    (tool,) = adapt(ask(PATCH), OPENAI)[0].tools
    assert tool.kind == "function"
    assert tool.grammar is None
    assert tool.parameters
    assert tool.description
    assert tool.parameters["required"] == ["input"]
    assert tool.parameters["properties"]["input"]["type"] == "string"
    assert tool.description.startswith("Edits files")
    assert 'lark grammar:\nstart: "x"' in tool.description


def test_a_custom_tool_stays_where_the_target_knows_them():
    adapted, toolmap = adapt(ask(PATCH), KNOWS_CUSTOM)
    assert adapted.tools == [PATCH]
    events = [
        ir.PartStarted(0, ir.ToolCall("c", "apply_patch", kind="custom")),
        ir.PartDelta(0, '{"input": "'),
        ir.PartEnded(0),
    ]
    assert restore(toolmap, events) == events


def test_custom_calls_of_the_history_become_json():
    text = 'a "quoted"\nline \ud83d'
    history = [
        ir.Message("assistant", [ir.ToolCall("c", "apply_patch", text, kind="custom")]),
        ir.Message("user", [ir.ToolResult("c", [ir.Text("ok")], kind="custom")]),
    ]
    adapted, _ = adapt(ask(PATCH, messages=history), OPENAI)
    call, result = adapted.messages[0].parts[0], adapted.messages[1].parts[0]
    assert (call.kind, json.loads(call.arguments)) == ("function", {"input": text})
    assert (result.kind, result.name) == ("function", "apply_patch")


@given(st.text(), st.booleans(), st.lists(st.integers(0, 400), max_size=12))
def test_free_text_comes_out_of_the_json_however_it_is_cut(text, ascii_only, cuts):
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    edges = sorted({0, len(arguments), *(cut for cut in cuts if cut < len(arguments))})
    pieces = [arguments[a:b] for a, b in itertools.pairwise(edges)]
    _, toolmap = adapt(ask(PATCH), OPENAI)
    call = only_call(toolmap, call_events("apply_patch", *pieces))
    assert (call.kind, call.arguments) == ("custom", text)


def test_free_text_streams_while_it_arrives():
    _, toolmap = adapt(ask(PATCH), OPENAI)
    toolmap.restore(ir.PartStarted(0, ir.ToolCall("c", "apply_patch")))
    seen = [
        toolmap.restore(ir.PartDelta(0, piece))
        for piece in ['{"inp', 'ut": "ab', "\\", "ncd\\u00", 'e9"', "}"]
    ]
    assert [[event.text for event in events] for events in seen] == [[], ["ab"], [], ["\ncd"], ["é"], []]


def test_no_half_of_an_emoji_is_ever_sent():
    unwrapper = freetext.Unwrapper()
    assert unwrapper.feed('{"input":"a\\ud83d') == "a"
    assert unwrapper.feed("\\ude00b\\\\ud83d") == "😀b\\ud83d"
    assert unwrapper.feed('"}') == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("*** Begin Patch\nplain text", "*** Begin Patch\nplain text"),
        ('{"patch": "x"}', "x"),
        ('{"input": "cut off\\nhere', "cut off\nhere"),
        ('{"input": "bad \\d escape"}', "bad \\d escape"),
        ('{"a": 1, "b": 2}', '{"a":1,"b":2}'),
        ('{"a": 1, "input": "x"}', "x"),
        ('"only a string"', "only a string"),
        ("", ""),
        ("{}", "{}"),
    ],
)
def test_a_model_that_leaves_the_schema_is_taken_at_its_word(arguments, text):
    _, toolmap = adapt(ask(PATCH), OPENAI)
    assert only_call(toolmap, call_events("apply_patch", *arguments)).arguments == text
    whole = ir.Response(candidates=[ir.Candidate([ir.ToolCall("c", "apply_patch", arguments)])])
    assert toolmap.restore_response(whole).candidates[0].parts[0].arguments == text


def test_calls_that_share_an_id_are_told_apart():
    _, toolmap = adapt(ask(ir.Tool("f"), ir.Tool("g")), OPENAI)
    started = [ir.PartStarted(number, ir.ToolCall("call_0", "f")) for number in range(3)]
    assert [event.part.id for event in restore(toolmap, started)] == ["call_0", "call_0_2", "call_0_3"]
    whole = ir.Response(candidates=[ir.Candidate([ir.ToolCall("call_0", "f"), ir.ToolCall("call_0", "g")])])
    for _ in range(2):
        parts = toolmap.restore_response(whole).candidates[0].parts
        assert [part.id for part in parts] == ["call_0", "call_0_2"]


def test_a_call_that_starts_whole_is_restored_too():
    _, toolmap = adapt(ask(PATCH), OPENAI)
    call = only_call(toolmap, call_events("apply_patch", arguments='{"input":"x"}'))
    assert (call.kind, call.arguments) == ("custom", "x")


def test_parallel_custom_calls_keep_apart():
    _, toolmap = adapt(ask(PATCH, ir.Tool("other")), OPENAI)
    first, second = (
        call_events("apply_patch", '{"input":"1', '1"}'),
        call_events("other", '{"a"', ":2}", index=1),
    )
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    reply = ir.fold([ir.Started(), *restore(toolmap, mixed)])
    assert [part.arguments for part in reply.candidates[0].parts] == ["11", '{"a":2}']


# ---- groups


def grouped(namespace, name, **more):
    return ir.Tool(name, namespace=namespace, **more)


def test_a_group_becomes_flat_and_comes_back():
    adapted, toolmap = adapt(
        ask(grouped("agents", "close"), grouped("mcp__fs__", "read"), ir.Tool("close")), OPENAI
    )
    assert [tool.name for tool in adapted.tools] == ["agents__close", "mcp__fs__read", "close"]
    assert all(tool.namespace is None for tool in adapted.tools)
    call = only_call(toolmap, call_events("agents__close", "{}"))
    assert (call.name, call.extra) == ("close", {"openai_responses": {"namespace": "agents"}})
    assert only_call(toolmap, call_events("close", "{}")).extra == {}


def test_a_model_that_leaves_the_group_out_is_understood():
    _, toolmap = adapt(ask(grouped("agents", "close")), OPENAI)
    assert only_call(toolmap, call_events("close")).extra == {"openai_responses": {"namespace": "agents"}}


def test_a_custom_tool_in_a_group_is_restored_as_both():
    adapted, toolmap = adapt(ask(grouped("functions", "exec", kind="custom")), OPENAI)
    call = only_call(toolmap, call_events(adapted.tools[0].name, '{"input":"1+1"}'))
    assert (call.kind, call.name, call.arguments) == ("custom", "exec", "1+1")
    assert call.extra["openai_responses"]["namespace"] == "functions"


def test_grouped_calls_of_the_history_get_the_flat_name():
    call = ir.ToolCall("c", "close", "{}", extra={"openai_responses": {"namespace": "agents", "id": "fc_1"}})
    history = [ir.Message("assistant", [call]), ir.Message("user", [ir.ToolResult("c", [])])]
    adapted, _ = adapt(ask(grouped("agents", "close"), messages=history), OPENAI)
    assert adapted.messages[0].parts[0].name == "agents__close"
    assert adapted.messages[1].parts[0].name == "agents__close"
