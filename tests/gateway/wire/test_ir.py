from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir
from omniroute.types import Usage

EXTRA = st.sampled_from([{}, {"x": {"a": [1]}}])
TEXT = st.sampled_from(["", "a", " b\n"])
OPTIONAL = st.none() | st.just("s")
PARTS = st.one_of(
    st.builds(ir.Text, TEXT, EXTRA, st.sampled_from([[], [ir.Citation("u", start=0, end=1)]])),
    st.builds(ir.Refusal, TEXT, extra=EXTRA),
    st.builds(
        ir.Reasoning, TEXT, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL, st.sampled_from([(), ("a",)]), EXTRA
    ),
    st.builds(ir.ToolCall, TEXT, TEXT, TEXT, st.sampled_from(["function", "custom"]), OPTIONAL, EXTRA),
    st.builds(ir.Image, OPTIONAL, OPTIONAL, extra=EXTRA),
    st.builds(ir.Unknown, st.just("x"), TEXT, st.just({"a": 1}), EXTRA),
)
CANDIDATES = st.builds(
    ir.Candidate,
    st.lists(PARTS, max_size=4),
    st.sampled_from(["stop", "tool_calls", "length"]),
    OPTIONAL,
    st.none() | st.just({"content": []}),
    EXTRA,
)
RESPONSES = st.builds(
    ir.Response,
    TEXT,
    TEXT,
    st.none() | st.integers(0, 9),
    st.lists(CANDIDATES, max_size=3),
    st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9)),
    OPTIONAL,
    EXTRA,
)


@given(RESPONSES)
def test_a_stream_out_of_a_reply_is_the_same_reply(response):
    before = copy.deepcopy(response)
    assert ir.fold(ir.unfold(response)) == response
    assert response == before


@given(RESPONSES)
def test_the_parts_of_a_stream_begin_grow_and_end_in_order(response):
    open_parts: set[tuple[int, int]] = set()
    for position, event in enumerate(ir.unfold(response)):
        assert isinstance(event, ir.Started) == (position == 0)
        if isinstance(event, ir.PartStarted):
            open_parts.add((event.candidate, event.index))
        elif isinstance(event, ir.PartDelta):
            assert (event.candidate, event.index) in open_parts
            assert event.text
        elif isinstance(event, ir.PartEnded):
            open_parts.remove((event.candidate, event.index))
        elif isinstance(event, ir.Finished):
            assert not open_parts


def test_a_reply_without_a_candidates_end_or_content_keeps_its_candidates():
    response = ir.Response("r", "m", 1, [ir.Candidate(), ir.Candidate([ir.Text("a")])])
    assert ir.fold(ir.unfold(response)).candidates[1:] == response.candidates[1:]


def test_folding_does_not_change_the_events():
    events: list[ir.Event] = [ir.PartStarted(0, ir.Text("")), ir.PartDelta(0, "a"), ir.PartDelta(0, "b")]
    before = copy.deepcopy(events)
    assert ir.fold(events).candidates[0].parts == [ir.Text("ab")]
    assert events == before


def test_folding_a_late_part_leaves_the_event_alone():
    late = ir.Text("", {"x": {"notes": [1]}})
    events: list[ir.Event] = [
        ir.PartStarted(0, ir.Text("", {"x": {"notes": [0]}})),
        ir.PartDelta(0, "a"),
        ir.PartEnded(0, late),
    ]
    before = copy.deepcopy(events)
    assert ir.fold(events).candidates[0].parts[0].extra == {"x": {"notes": [0, 1]}}
    assert events == before


def test_what_comes_late_completes_the_part():
    events: list[ir.Event] = [
        ir.PartStarted(0, ir.Reasoning("")),
        ir.PartStarted(1, ir.ToolCall("c", "f")),
        ir.PartDelta(1, "{}"),
        ir.PartDelta(0, "hm"),
        ir.PartEnded(0, ir.Reasoning(signature="s", vendor="v", id="i", summaries=("hm",))),
        ir.PartEnded(1, ir.ToolCall("c", "f", signature="t")),
    ]
    assert ir.fold(events).candidates[0].parts == [
        ir.Reasoning("hm", signature="s", vendor="v", id="i", summaries=("hm",)),
        ir.ToolCall("c", "f", "{}", signature="t"),
    ]


def test_usage_of_the_start_is_replaced_by_a_later_one():
    events: list[ir.Event] = [ir.Started(usage=Usage(5)), ir.UsageReported(Usage(5, 2), "flex")]
    response = ir.fold(events)
    assert (response.usage, response.service_tier) == (Usage(5, 2), "flex")
    assert ir.fold(events[:1]).usage == Usage(5)


@pytest.mark.parametrize(
    "events",
    [
        [ir.Started(), ir.Errored("no", 429)],
        [ir.PartDelta(0, "a")],
        [ir.PartStarted(0, ir.Image(url="u")), ir.PartDelta(0, "a")],
    ],
)
def test_what_cannot_be_folded_is_broken(events):
    with pytest.raises(ir.BrokenStream):
        ir.fold(events)


def test_the_error_of_a_broken_stream_is_at_hand():
    error = ir.Errored("no", 429)
    with pytest.raises(ir.BrokenStream) as caught:
        ir.fold([error])
    assert caught.value.error is error


@pytest.mark.parametrize(
    ("event", "meaningful"),
    [
        (ir.Started(), False),
        (ir.PartStarted(0, ir.Text("")), False),
        (ir.PartStarted(0, ir.Text("a")), True),
        (ir.PartStarted(0, ir.Reasoning("")), False),
        (ir.PartStarted(0, ir.Reasoning(redacted="d")), True),
        (ir.PartStarted(0, ir.ToolCall("c", "f")), True),
        (ir.PartStarted(0, ir.Image(url="u")), True),
        (ir.PartDelta(0, ""), False),
        (ir.PartDelta(0, "a"), True),
        (ir.PartEnded(0), False),
        (ir.Finished("stop"), True),
        (ir.UsageReported(Usage()), False),
        (ir.Errored("no"), False),
    ],
)
def test_the_first_meaningful_event_is_the_commit_point(event, meaningful):
    assert ir.is_meaningful(event) is meaningful
