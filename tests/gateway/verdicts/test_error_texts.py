"""Answers that are errors in disguise: which are seen through, and how much of a stream is held back for it."""

from __future__ import annotations

import pytest

from gateway.verdicts.error_texts import check
from omniroute.errors import UpstreamBroken

TEXTS = ("out of credits",)


def said(*parts: str, field: str = "content") -> bytes:
    return b"".join(
        f'data: {{"choices":[{{"delta":{{"{field}":"{part}"}}}}]}}\n\n'.encode() for part in parts
    )


@pytest.mark.parametrize("parts", [("Out of credits, sorry",), (" ", "out o", "f credits")])
def test_an_answer_that_begins_with_such_a_text_is_a_failure(parts: tuple[str, ...]) -> None:
    with pytest.raises(UpstreamBroken, match=r"(?i)out of credits"):
        check(said(*parts), TEXTS)


@pytest.mark.parametrize(("parts", "is_held"), [((" ",), True), (("Out", " of"), True), (("Outer",), False)])
def test_a_stream_is_held_back_while_it_may_still_become_one(parts: tuple[str, ...], is_held: bool) -> None:
    assert check(said(*parts), TEXTS) is is_held


def test_a_stream_that_begins_with_reasoning_is_not_held_back_until_its_first_word() -> None:
    assert not check(said("") + said("Let me think", field="reasoning_content"), TEXTS)
