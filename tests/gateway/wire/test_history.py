from __future__ import annotations

import copy
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir
from gateway.wire.base import Rules
from gateway.wire.history import INTERRUPTED, repair

OPEN = Rules()
TURNS = Rules(merge_roles=True, user_first=True, filler=".")


def user(*parts: ir.Part | str) -> ir.Message:
    return ir.Message("user", [ir.Text(part) if isinstance(part, str) else part for part in parts])


def model(*parts: ir.Part | str) -> ir.Message:
    return ir.Message("assistant", [ir.Text(part) if isinstance(part, str) else part for part in parts])


def call(identity: str, name: str = "f") -> ir.ToolCall:
    return ir.ToolCall(identity, name, "{}")


def result(identity: str, text: str = "ok", name: str | None = None) -> ir.ToolResult:
    return ir.ToolResult(identity, [ir.Text(text)] if text else [], name)


def repaired(*messages: ir.Message, rules: Rules = OPEN, system: list[ir.Text] | None = None) -> ir.Request:
    request = ir.Request("m", list(messages), system=system or [])
    before = copy.deepcopy(request)
    after = repair(request, rules)
    assert request == before
    return after


def outline(request: ir.Request) -> list[list[str]]:
    """The conversation, one list a message: texts, `name#id` for calls, `id=text` for results."""
    lines = []
    for message in request.messages:
        line: list[str] = [message.role]
        for part in message.parts:
            if isinstance(part, ir.ToolCall):
                line.append(f"{part.name}#{part.id}")
            elif isinstance(part, ir.ToolResult):
                line.append(f"{part.call_id}={''.join(p.text for p in part.parts if isinstance(p, ir.Text))}")
            elif isinstance(part, ir.Text | ir.Reasoning):
                line.append(part.text)
        lines.append(line)
    return lines


# ---- Calls and results -----------------------------------------------------------------------------------


def test_a_sound_history_stays_as_it_is():
    messages = (user("hi"), model("ok", call("a")), user(result("a")), model("done"), user("thanks"))
    assert outline(repaired(*messages, rules=TURNS)) == outline(ir.Request("m", list(messages)))


def test_a_call_without_a_result_gets_one_that_says_so():
    after = repaired(user("hi"), model(call("a"), call("b")), user(result("b"), "go on"))
    assert outline(after)[2] == ["user", f"a={INTERRUPTED}", "b=ok"]
    answer = after.messages[2].parts[0]
    assert isinstance(answer, ir.ToolResult)
    assert answer.is_error
    assert answer.name == "f"
    assert outline(repaired(user("hi"), model(call("a"))))[-1] == ["user", f"a={INTERRUPTED}"]


def test_a_result_without_a_call_becomes_text_or_nothing():
    after = repaired(user("hi"), model("ok"), user(result("lost", "news")), user(result("gone", ""), "go on"))
    assert outline(after)[2:] == [["user", "news"], ["user", "go on"]]


def test_results_move_up_to_their_calls_in_the_calls_order():
    after = repaired(model(call("a"), call("b")), user("wait"), user(result("b")), user(result("a")))
    assert outline(after) == [["assistant", "f#a", "f#b"], ["user", "a=ok", "b=ok"], ["user", "wait"]]


def test_of_two_results_for_one_call_the_last_counts():
    after = repaired(model(call("a")), user(result("a", "old")), user(result("a", "new")))
    assert outline(after)[1:] == [["user", "a=new"]]


def test_an_id_that_is_used_again_is_made_unique():
    after = repaired(
        model(call("call_0", "f")),
        user(result("call_0", "1")),
        model(call("call_0", "g")),
        user(result("call_0", "2")),
    )
    (_, first), (_, one), (_, second), (_, two) = outline(after)
    assert (first, one) == ("f#call_0", "call_0=1")
    identity = second.removeprefix("g#")
    assert identity != "call_0"
    assert two == f"{identity}=2"


def test_ids_are_made_to_fit_and_stay_the_same_every_time():
    rules = Rules(tool_id="[a-zA-Z0-9]{9}")
    messages = (model(call("functions.f:0")), user(result("functions.f:0")))
    once, again = repaired(*messages, rules=rules), repaired(*messages, rules=rules)
    assert outline(once) == outline(again)
    part = once.messages[0].parts[0]
    assert isinstance(part, ir.ToolCall)
    assert re.fullmatch("[a-zA-Z0-9]{9}", part.id)


def test_results_without_an_id_are_matched_by_name_then_by_order():
    after = repaired(model(call("a", "f"), call("b", "g")), user(result("", "2", "g"), result("", "1", "f")))
    assert outline(after)[1] == ["user", "a=1", "b=2"]
    after = repaired(model(call("a", "f"), call("b", "f")), user(result("", "1"), result("", "2")))
    assert outline(after)[1] == ["user", "a=1", "b=2"]


def test_results_learn_the_name_of_their_call():
    part = repaired(model(call("a", "weather")), user(result("a"))).messages[1].parts[0]
    assert isinstance(part, ir.ToolResult)
    assert part.name == "weather"


def test_one_answer_that_came_as_several_messages_is_one():
    after = repaired(
        user("hi"),
        model(ir.Reasoning("hm")),
        model("ok"),
        model(call("a")),
        model(call("b")),
        user(result("a"), result("b")),
    )
    assert outline(after) == [
        ["user", "hi"],
        ["assistant", "hm", "ok", "f#a", "f#b"],
        ["user", "a=ok", "b=ok"],
    ]


def test_plain_answers_stay_apart_where_the_format_allows_it():
    assert len(repaired(model("a"), model("b")).messages) == 2
    assert len(repaired(user("x"), model("a"), model("b"), rules=TURNS).messages) == 2


# ---- Turns -----------------------------------------------------------------------------------------------


def test_neighbours_are_joined_with_results_first():
    after = repaired(user("a"), user("b"), model(call("x")), user("c", result("x")), user("d"), rules=TURNS)
    assert outline(after) == [["user", "a", "b"], ["assistant", "f#x"], ["user", "x=ok", "c", "d"]]


def test_instructions_on_the_way_move_up_where_turns_alternate():
    messages = (user("a"), ir.Message("system", [ir.Text("mind")]), user("b"))
    after = repaired(*messages, rules=TURNS, system=[ir.Text("first")])
    assert [text.text for text in after.system] == ["first", "mind"]
    assert outline(after) == [["user", "a", "b"]]
    assert outline(repaired(*messages))[1] == ["system", "mind"]


def test_the_user_begins_where_he_must():
    assert outline(repaired(model("a"), rules=TURNS)) == [["user", "."], ["assistant", "a"]]
    assert outline(repaired(rules=TURNS, system=[ir.Text("x")])) == []


@pytest.mark.parametrize("rules", [OPEN, TURNS])
def test_blank_turns_are_filled_for_the_user_and_dropped_for_the_model(rules):
    after = repaired(user(""), model(" \n"), model(), user("x", ""), rules=rules)
    texts = [text for line in outline(after) for text in line[1:]]
    assert "x" in texts
    assert "" not in texts
    assert all(len(line) > 1 for line in outline(after))


def test_a_blank_turn_beside_another_of_the_user_says_nothing():
    messages = (user("a"), model(call("x")), user(""), user(result("x")))
    assert outline(repaired(*messages, rules=TURNS)) == [
        ["user", "a"],
        ["assistant", "f#x"],
        ["user", "x=ok"],
    ]
    assert outline(repaired(user(" "), user("a"), user(""), rules=TURNS)) == [["user", "a"]]


def test_a_turn_of_nothing_but_thought_is_dropped():
    assert outline(repaired(user("a"), model(ir.Reasoning("hm")), user("b"))) == [
        ["user", "a"],
        ["user", "b"],
    ]


# ---- Properties ------------------------------------------------------------------------------------------

IDS = st.sampled_from(["a", "b", "call.0", "", "x" * 70])
PARTS = st.one_of(
    st.builds(ir.Text, st.sampled_from(["", " ", "hi", "more"])),
    st.builds(call, IDS, st.sampled_from(["f", "g"])),
    st.builds(result, IDS, st.sampled_from(["", "ok"]), st.sampled_from([None, "f"])),
    st.builds(ir.Reasoning, st.sampled_from(["", "hm"])),
)
MESSAGES = st.builds(
    ir.Message, st.sampled_from(["user", "assistant", "system"]), st.lists(PARTS, max_size=4)
)


@given(
    st.lists(MESSAGES, max_size=8),
    st.sampled_from([OPEN, TURNS, Rules(tool_id="[a-z0-9]{9}", merge_roles=True)]),
)
def test_whatever_came_every_call_is_answered_right_behind_it(messages, rules):
    after = repaired(*messages, rules=rules)
    seen: set[str] = set()
    waiting: list[str] = []
    for message in after.messages:
        answers = [part.call_id for part in message.parts if isinstance(part, ir.ToolResult)]
        assert answers == waiting
        waiting = [part.id for part in message.parts if isinstance(part, ir.ToolCall)]
        assert not seen & set(waiting)
        assert len(set(waiting)) == len(waiting)
        assert all(re.fullmatch(rules.tool_id, identity) for identity in waiting)
        seen |= set(waiting)
    assert not waiting
    if rules.merge_roles:
        roles = [message.role for message in after.messages]
        assert all(one != two for one, two in itertools.pairwise(roles))


@given(st.lists(MESSAGES, max_size=8), st.sampled_from([OPEN, TURNS]))
def test_repairing_twice_changes_nothing_more(messages, rules):
    once = repaired(*messages, rules=rules)
    assert outline(repair(once, rules)) == outline(once)
