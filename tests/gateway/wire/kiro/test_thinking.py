from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.kiro.thinking import Splitter


def split(*chunks: str) -> tuple[str, str]:
    """(thoughts, text)"""
    splitter = Splitter()
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.end()
    return "".join(t for is_thought, t in pieces if is_thought), "".join(
        t for is_thought, t in pieces if not is_thought
    )


CASES = [
    ("<thinking>Let me see.</thinking>\n\nIt is 4.", ("Let me see.", "It is 4.")),
    ("\n<thinking>\nHm</thinking>Yes", ("Hm", "Yes")),
    ("It is <thinking>text</thinking>.", ("", "It is <thinking>text</thinking>.")),
    ("<think", ("", "<think")),
    ("<thinking>never closed </thin", ("never closed </thin", "")),
    ("<thinking></thinking>", ("", "")),
    ("a < b", ("", "a < b")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_thoughts_at_the_beginning_are_told_from_the_answer(text: str, expected: tuple[str, str]) -> None:
    assert split(text) == expected


@given(st.sampled_from(CASES), st.lists(st.integers(0, 60)))
def test_it_does_not_matter_where_the_text_is_cut(case: tuple[str, tuple[str, str]], cuts: list[int]) -> None:
    text, expected = case
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    assert split(*(text[start:end] for start, end in pairwise(places))) == expected


def test_a_thought_is_shown_as_it_comes() -> None:
    splitter = Splitter()
    assert splitter.feed("<thinking>Let me") == [(True, "Let me")]
    assert splitter.feed(" see.</thin") == [(True, " see.")]
