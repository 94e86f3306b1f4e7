from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.backoff import HINT_CAP_S, exponential, hinted_wait, parse_wait

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


def test_milliseconds_win_over_seconds():
    assert hinted_wait({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5


def test_only_exhausted_buckets_count():
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "12s",
        "x-ratelimit-remaining-tokens": "900",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert hinted_wait(headers) == 12


def test_the_message_is_asked_when_no_header_knows():
    assert hinted_wait({}, "Please retry in 26.5s.") == 26.5
    assert hinted_wait({}, "Rate limit. Try again in 2m30s") == 150
    assert hinted_wait({}, "No idea") is None


def test_a_hint_is_capped():
    assert hinted_wait({"retry-after": "86400"}) == HINT_CAP_S
