from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir, json
from gateway.wire.base import ModelProfile
from gateway.wire.kiro.frames import EXCEPTION
from gateway.wire.kiro.stream import _HANDLERS, KiroStreamParser
from gateway.wire.sse import ServerEvent
from omniroute.types import Usage

Event = tuple[str, object]


def parse(*events: Event, window: int | None = None) -> list[ir.Event]:
    parser = KiroStreamParser(ModelProfile(model="claude-sonnet-4.5", context_window=window))
    said = [
        found
        for name, value in events
        for found in parser.feed(ServerEvent(b"", json.dumps(value), name.encode()))
    ]
    return said + parser.close()


def text(content: str) -> Event:
    return ("assistantResponseEvent", {"content": content})


def use(input: object = None, *, stop: bool = False, id: str = "t1", name: str = "look") -> Event:
    value: dict[str, object] = {"toolUseId": id, "name": name}
    if input is not None:
        value["input"] = input
    return ("toolUseEvent", {**value, "stop": True} if stop else value)


def answer(*events: Event, window: int | None = None) -> ir.Response:
    return ir.fold(parse(*events, window=window))


def test_text_comes_piece_by_piece_and_ends_with_the_stream() -> None:
    response = answer(text("Hel"), text("lo"), ("followupPromptEvent", {"x": 1}))
    assert response.candidates[0].parts == [ir.Text("Hello")]
    assert response.candidates[0].finish_reason == "stop"


@pytest.mark.parametrize(
    "events",
    [
        [use(), use('{"city": '), use('"Rome"}'), use(stop=True)],
        [use({"city": "Ro"}), use({"city": "Rome"}), use(stop=True)],
        [use({"city": "Rome"}, stop=True)],
        [use('{"city": "Rome"}')],
        [use({"city": "Rome"})],
    ],
    ids=["pieces", "growing object", "object at once", "pieces without a stop", "object without a stop"],
)
def test_both_styles_of_tool_input_are_read(events: list[Event]) -> None:
    candidate = answer(text("Looking. "), *events).candidates[0]
    said, call = candidate.parts
    assert said == ir.Text("Looking. ")
    assert isinstance(call, ir.ToolCall)
    assert (call.id, call.name, json.loads(call.arguments.encode())) == ("t1", "look", {"city": "Rome"})
    assert candidate.finish_reason == "tool_calls"


def test_parallel_calls_keep_their_inputs_apart() -> None:
    response = answer(
        use('{"a"', id="1"), use('{"b"', id="2"), use(":1}", id="1"), use(":2}", id="2", stop=True)
    )
    calls = [part for part in response.candidates[0].parts if isinstance(part, ir.ToolCall)]
    assert [(call.id, call.arguments) for call in calls] == [("1", '{"a":1}'), ("2", '{"b":2}')]


def test_thoughts_come_as_events_or_inside_of_the_text() -> None:
    inline = answer(text("<thinking>H"), text("m</thin"), text("king>\n\nYes"))
    assert [type(part) for part in inline.candidates[0].parts] == [ir.Reasoning, ir.Text]
    events = answer(
        ("reasoningContentEvent", {"text": "H"}),
        ("reasoningContentEvent", {"text": "m", "signature": "s"}),
        text("Yes"),
    )
    thought, said = events.candidates[0].parts
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, thought.signature, said) == ("Hm", "s", ir.Text("Yes"))


def test_an_exception_in_the_middle_ends_the_stream() -> None:
    *_, last = parse(
        text("Hel"),
        (
            EXCEPTION.decode() + "ThrottlingException",
            {"message": "Slow down", "reason": "SERVICE_REQUEST_RATE_EXCEEDED"},
        ),
        text("lo"),
    )
    assert last == ir.Errored("Slow down", 429, "service_request_rate_exceeded")


def test_a_stream_without_content_is_an_error() -> None:
    assert isinstance(parse(("meteringEvent", {"usage": 0.1}))[-1], ir.Errored)


def test_real_counts_go_before_estimates() -> None:
    response = answer(
        text("Hi"),
        ("contextUsageEvent", {"contextUsagePercentage": 10}),
        ("metadataEvent", {"usage": {"inputTokens": 5, "outputTokens": 2, "cacheReadInputTokens": 7}}),
    )
    assert response.usage == Usage(input_tokens=12, output_tokens=2, cache_read_tokens=7)


def test_without_counts_the_share_of_the_context_tells_them() -> None:
    share = ("contextUsageEvent", {"contextUsagePercentage": 1.5})
    assert answer(text("x" * 400), share).usage == Usage(input_tokens=2900, output_tokens=100, estimated=True)
    larger = answer(text("x" * 400), share, window=1_000_000)
    assert larger.usage == Usage(input_tokens=14_900, output_tokens=100, estimated=True)


def test_credits_are_kept() -> None:
    response = answer(text("Hi"), ("meteringEvent", {"usage": 0.25, "unit": "credit"}))
    assert response.candidates[0].extra["kiro"] == {"credits": 0.25}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "content",
                    "text",
                    "signature",
                    "toolUseId",
                    "name",
                    "input",
                    "stop",
                    "usage",
                    "contextUsagePercentage",
                ]
            ),
            inner,
        )
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*_HANDLERS, EXCEPTION.decode() + "X", "unheard-of"])


@given(st.lists(st.tuples(NAMES, JSON), max_size=8))
def test_whatever_the_events_hold_they_make_a_reply_or_an_error(events: list[Event]) -> None:
    said = parse(*events)
    assert isinstance(said[-1], ir.Finished | ir.UsageReported | ir.Errored)
    if not isinstance(said[-1], ir.Errored):
        ir.fold(said)
