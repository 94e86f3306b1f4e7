from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import ir
from gateway.wire.linear import Linearizer


def run(*events: ir.Event) -> list[ir.Event]:
    linear = Linearizer()
    return [out for event in events for out in linear.feed(event)]


def call(name: str) -> ir.ToolCall:
    return ir.ToolCall(f"id_{name}", name)


def texts(events: list[ir.Event]) -> list[tuple[int, str]]:
    return [(event.index, event.text) for event in events if isinstance(event, ir.PartDelta)]


def check_one_open(events: list[ir.Event]) -> None:
    """At most one part is open, indexes count up from 0, and nothing happens to a part that is not open."""
    opened: int | None = None
    count = 0
    for event in events:
        if isinstance(event, ir.PartStarted):
            assert opened is None
            assert event.index == count
            opened, count = event.index, count + 1
        elif isinstance(event, ir.PartDelta | ir.PartEnded):
            assert event.index == opened
            opened = None if isinstance(event, ir.PartEnded) else opened
        elif isinstance(event, ir.Finished):
            assert opened is None


def test_it_passes_on_what_is_linear_already():
    events: list[ir.Event] = [
        ir.Started("a"),
        ir.PartStarted(0, ir.Text("")),
        ir.PartDelta(0, "one"),
        ir.PartEnded(0),
        ir.PartStarted(1, call("x")),
        ir.PartDelta(1, "{}"),
        ir.PartEnded(1),
        ir.Finished("tool_calls"),
    ]
    assert run(*events) == events


def test_it_holds_back_a_call_while_another_is_open():
    events = run(
        ir.PartStarted(0, call("a")),
        ir.PartStarted(1, call("b")),
        ir.PartDelta(0, "A1"),
        ir.PartDelta(1, "B1"),
        ir.PartDelta(0, "A2"),
        ir.PartDelta(1, "B2"),
        ir.PartEnded(0),
        ir.PartDelta(1, "B3"),
        ir.PartEnded(1),
        ir.Finished("tool_calls"),
    )
    check_one_open(events)
    assert texts(events) == [(0, "A1"), (0, "A2"), (1, "B1"), (1, "B2"), (1, "B3")]


def test_it_flushes_in_the_order_of_the_beginnings():
    events = run(
        ir.PartStarted(0, call("a")),
        ir.PartStarted(1, call("b")),
        ir.PartStarted(2, call("c")),
        ir.PartDelta(2, "C"),
        ir.PartEnded(2),
        ir.PartDelta(1, "B"),
        ir.PartEnded(1),
        ir.PartEnded(0),
    )
    check_one_open(events)
    started = [event.part for event in events if isinstance(event, ir.PartStarted)]
    assert [part.name for part in started if isinstance(part, ir.ToolCall)] == ["a", "b", "c"]
    assert texts(events) == [(1, "B"), (2, "C")]


def test_the_first_of_the_waiting_streams_on_once_it_is_open():
    linear = Linearizer()
    for event in (ir.PartStarted(0, call("a")), ir.PartStarted(1, call("b")), ir.PartEnded(0)):
        linear.feed(event)
    assert linear.feed(ir.PartDelta(1, "now")) == [ir.PartDelta(1, "now")]


def test_an_open_text_does_not_hold_back_a_call():
    linear = Linearizer()
    linear.feed(ir.PartStarted(0, ir.Text("")))
    linear.feed(ir.PartDelta(0, "text"))
    assert linear.feed(ir.PartStarted(1, call("a"))) == [ir.PartEnded(0), ir.PartStarted(1, call("a"))]
    assert linear.feed(ir.PartDelta(1, "{")) == [ir.PartDelta(1, "{")]


def test_a_text_that_was_ended_for_a_call_goes_on_as_another_text():
    events = run(
        ir.PartStarted(0, ir.Text("")),
        ir.PartDelta(0, "before"),
        ir.PartStarted(1, call("a")),
        ir.PartDelta(0, "after"),
        ir.PartDelta(1, "{}"),
        ir.PartEnded(1),
        ir.PartEnded(0),
        ir.Finished("tool_calls"),
    )
    check_one_open(events)
    assert texts(events) == [(0, "before"), (1, "{}"), (2, "after")]
    assert isinstance(events[-4], ir.PartStarted)
    assert events[-4].part == ir.Text("")


def test_a_signature_that_comes_after_its_reasoning_was_ended_is_kept():
    late = ir.Reasoning(signature="sig", vendor="openai")
    events = run(
        ir.PartStarted(0, ir.Reasoning(vendor="openai")),
        ir.PartDelta(0, "thought"),
        ir.PartStarted(1, ir.Text("")),
        ir.PartDelta(1, "text"),
        ir.PartEnded(0, late),
        ir.PartEnded(1),
        ir.Finished("stop"),
    )
    check_one_open(events)
    assert [event.part for event in events if isinstance(event, ir.PartEnded)] == [None, None, late]


def test_finished_ends_what_is_still_open():
    events = run(ir.PartStarted(0, call("a")), ir.PartStarted(1, call("b")), ir.Finished("tool_calls"))
    check_one_open(events)
    assert sum(isinstance(event, ir.PartEnded) for event in events) == 2


def test_an_error_leaves_behind_what_was_held_back():
    events = run(ir.PartStarted(0, call("a")), ir.PartStarted(1, call("b")), ir.Errored("cut"))
    assert events == [ir.PartStarted(0, call("a")), ir.Errored("cut")]


def test_it_keeps_the_first_candidate_only():
    second = ir.PartStarted(0, ir.Text(""), candidate=1)
    assert run(ir.PartStarted(0, ir.Text("")), second, ir.PartDelta(0, "x", candidate=1)) == [
        ir.PartStarted(0, ir.Text(""))
    ]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["call", "text"]), st.sampled_from(["more", "end"])),
        max_size=40,
    )
)
def test_whatever_is_interleaved_comes_out_whole_and_in_line(steps: list[tuple[int, str, str]]):
    linear = Linearizer()
    said: dict[int, str] = {}
    open_parts: dict[int, str] = {}
    done: set[int] = set()
    out: list[ir.Event] = []
    for number, (index, kind, step) in enumerate(steps):
        if index in done:
            continue
        if index not in open_parts:
            open_parts[index] = kind
            out += linear.feed(ir.PartStarted(index, call(str(index)) if kind == "call" else ir.Text("")))
        if step == "end":
            done.add(index)
            out += linear.feed(ir.PartEnded(index))
        else:
            said[index] = said.get(index, "") + f"{index}:{number};"
            out += linear.feed(ir.PartDelta(index, f"{index}:{number};"))
    out += linear.feed(ir.Finished("stop"))
    check_one_open(out)
    pieces = [piece for _, text in texts(out) for piece in text.split(";") if piece]
    for index, text in said.items():
        assert "".join(f"{piece};" for piece in pieces if piece.startswith(f"{index}:")) == text
