"""Thoughts in the text are lifted out of it, wherever the stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ir
from gateway.wire.thought_tags import Splitter


def streamed(pieces, late=None, tag="think", after=()):
    """What is said of a text that comes in these pieces: [(kind, text)]."""
    splitter = Splitter(tag)
    events: list[ir.Event] = [ir.Started(), ir.PartStarted(0, ir.Text(""))]
    events += [ir.PartDelta(0, piece) for piece in pieces]
    events += [ir.PartEnded(0, late), *after, ir.Finished("stop")]
    (candidate,) = ir.fold(split for event in events for split in splitter.feed(event)).candidates
    return candidate.parts


def outline(parts):
    return [(type(part).__name__, part.text) for part in parts]


ANSWERS = [
    ("<think>hm\nm</think>\n\nyes", [("Reasoning", "hm\nm"), ("Text", "yes")]),
    ("  \n<think>\n hm \n</think> yes ", [("Reasoning", "hm"), ("Text", "yes ")]),
    ("<think>\n\n</think>yes", [("Text", "yes")]),
    ("<think>cut of", [("Reasoning", "cut of")]),
    ("<think>all</think>", [("Reasoning", "all")]),
    ("<thin", [("Text", "<thin")]),
    ("no <think>tag</think>", [("Text", "no <think>tag</think>")]),
    ("<think>a < b </thin> c</think>d", [("Reasoning", "a < b </thin> c"), ("Text", "d")]),
    ("", [("Text", "")]),
    ("   ", [("Text", "   ")]),
]


@pytest.mark.parametrize(("text", "wanted"), ANSWERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_thought_becomes_reasoning(text, wanted, size):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert outline(streamed(pieces)) == wanted
    whole = ir.Response(candidates=[ir.Candidate([ir.Text(text)], "stop")])
    assert outline(Splitter("think").response(whole).candidates[0].parts) == wanted


def test_the_tag_is_the_models_own():
    assert outline(streamed(["<thinking>a</thinking>b"], tag="thinking")) == [
        ("Reasoning", "a"),
        ("Text", "b"),
    ]


def test_what_stands_beside_the_text_stays_in_order():
    call = [ir.PartStarted(1, ir.ToolCall("c", "f")), ir.PartDelta(1, "{}", 0), ir.PartEnded(1)]
    kinds = [type(part) for part in streamed(["<think>a</think>b"], after=call)]
    assert kinds == [ir.Reasoning, ir.Text, ir.ToolCall]


def test_places_of_sources_move_with_the_answer():
    text = "<think>a[1]</think>\nb[1]"
    cited = [ir.Citation("u", start=8, end=11), ir.Citation("u", start=21, end=24)]
    (_, answer) = streamed([text], ir.Text("", citations=cited))
    assert [(c.start, c.end) for c in answer.citations] == [(None, None), (1, 4)]
    assert answer.text[1:4] == "[1]"


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "</thi", "nk>", " ", "\n", "a", "é"]), max_size=12)
)
def test_nothing_but_tags_and_white_space_is_lost_at_any_cut(pieces):
    text = "".join(pieces)
    one, many = outline(streamed([text])), outline(streamed(pieces))
    assert one == many
    said = "".join(part for _, part in one)
    bare = (
        text.replace("<think>", "", 1).replace("</think>", "", 1)
        if text.lstrip().startswith("<think>")
        else text
    )
    assert "".join(said.split()) == "".join(bare.split())
