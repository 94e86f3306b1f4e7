from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.backoff import exponential, parse_wait

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("20ms", 0.02),
        ("1s", 1),
        ("6m0s", 360),
        ("2m59.56s", 179.56),
        ("1h2m3.5s", 3723.5),
        ("7.66s", 7.66),
        ("1d", 86400),
        ("26.4s", 26.4),
        ("2 minutes and 30 seconds", 150),
        ("1 hour, 20 mins", 4800),
        ("33011.382867", 33011.382867),
        (str(int(NOW) + 30), 30),
        (str(int(NOW + 30) * 1000), 30),
        ("2027-01-15T08:00:30Z", 30),
        ("2027-01-15T08:00:30+00:00", 30),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
    ],
)
def test_it_reads_every_spelling_of_a_wait(text: str, seconds: float):
    assert parse_wait(text, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "1 week", "5x", "m", "--"])
def test_it_says_none_for_what_is_no_wait(text: str):
    assert parse_wait(text, NOW) is None


@given(st.text())
def test_it_survives_any_text(text: str):
    wait = parse_wait(text, NOW)
    assert wait is None or wait >= 0


def test_backoff_doubles_up_to_two_minutes():
    assert [exponential(level) for level in (0, 1, 2, 3)] == [1, 2, 4, 8]
    assert exponential(50) == 120
