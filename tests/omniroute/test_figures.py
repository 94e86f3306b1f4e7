from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from omniroute.templatetags.figures import ago, change, compact, cut_from, duration, percent, pretty, usd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (950, "950"),
        (1000, "1k"),
        (1234, "1.2k"),
        (34_567, "34.6k"),
        (340_000, "340k"),
        (999_960, "1M"),
        (5_600_000, "5.6M"),
        (2_000_000_000, "2B"),
    ],
)
def test_counts_are_short(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (Decimal(0), "$0"),
        (Decimal("12.3456"), "$12.35"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("0.25"), "$0.25"),
        (Decimal("0.00421"), "$0.0042"),
        (Decimal("0.0000123"), "$0.000012"),
        (Decimal("0.0000000001"), "< $0.000001"),
    ],
)
def test_small_amounts_do_not_become_nothing(value, text):
    assert usd(value) == text


def test_durations_and_percents():
    assert [duration(ms) for ms in (None, 840, 2400, 200_000)] == ["-", "840 ms", "2.4 s", "3 min 20 s"]
    assert [duration(ms) for ms in (59_949, 59_950, 119_999)] == ["59.9 s", "1 min 0 s", "2 min 0 s"]
    assert [percent(value) for value in (None, 0, 2.34, 50.0)] == ["-", "0%", "2.3%", "50%"]


def test_times_past():
    assert ago(None) == "never"
    assert ago(timezone.now()) == "just now"
    assert ago(timezone.now() - timedelta(hours=3, minutes=20)) == "3\xa0hours ago"


def test_a_logged_body_is_shown_as_it_is():
    assert pretty({"a": "é"}) == '{\n  "a": "é"\n}'
    assert pretty("data: x") == "data: x"
    assert pretty(None) == "(no body)"
    assert pretty({"_truncated": True, "_originalSize": 9, "_preview": "abc"}) == "abc…"
    assert cut_from({"_truncated": True, "_originalSize": 9, "_preview": "abc"}) == 9
    assert cut_from({"a": 1}) is None


def test_a_change_has_its_sign():
    assert [change(value) for value in (12.4, -3, 0, None, 123456)] == [
        "+12%",
        "-3%",
        "±0%",
        "",
        "+999%",
    ]
