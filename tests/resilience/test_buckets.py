from __future__ import annotations

import pytest

from resilience.buckets import Bucket, is_over_limit, read_buckets

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "bucket"),
    [
        (
            {"x-ratelimit-limit-requests": "5000", "x-ratelimit-remaining-requests": "4999",
             "x-ratelimit-reset-requests": "12ms"},
            Bucket("requests", 5000, 4999, 0.012),
        ),
        (
            {"anthropic-ratelimit-output-tokens-limit": "8000", "anthropic-ratelimit-output-tokens-remaining": "0",
             "anthropic-ratelimit-output-tokens-reset": "2027-01-15T08:00:09Z"},
            Bucket("output-tokens", 8000, 0, 9),
        ),
        (
            {"anthropic-ratelimit-unified-5h-utilization": "0.75"},
            Bucket("unified-5h", 1, 0.25, None, 18000),
        ),
        (
            {"x-ratelimit-limit-tokens-minute": "100000", "x-ratelimit-remaining-tokens-minute": "99403"},
            Bucket("tokens-minute", 100000, 99403, None, 60),
        ),
        ({"x-ratelimit-remaining-requests-day": "3"}, Bucket("requests-day", None, 3, None, 86400)),
        ({"x-ratelimit-limit-req-minute": "60"}, Bucket("req-minute", 60, None, None, 60)),
        ({"ratelimitbysize-limit": "500000", "ratelimitbysize-query-cost": "26"}, Bucket("size", 500000)),
        ({"x-ratelimit-limit": "60", "x-ratelimit-remaining": "1"}, Bucket("", 60, 1)),
        ({"x-tokenlimit-limit": "9000"}, Bucket("tokens", 9000)),
        (
            {"x-ratelimit-limit-requests": "10", "x-ratelimit-renewalperiod-requests": "60"},
            Bucket("requests", 10, None, None, 60),
        ),
    ],
    ids=lambda value: getattr(value, "name", "") or "-",
)  # fmt: skip
def test_each_family_of_headers_is_a_bucket(headers: dict[str, str], bucket: Bucket):
    assert read_buckets(headers, NOW) == [bucket]


def test_a_rejected_status_is_an_exhausted_bucket():
    (bucket,) = read_buckets({"anthropic-ratelimit-unified-7d-status": "rejected"})
    assert bucket.is_exhausted


def test_the_share_that_is_left():
    (bucket,) = read_buckets({"x-ratelimit-limit": "200", "x-ratelimit-remaining": "50"})
    assert bucket.share == 0.25
    assert Bucket("x", None, 5).share is None


@pytest.mark.parametrize(
    "name", ["x-ratelimit-over-limit", "x-ratelimit-tokens-query-cost", "x-limit", "limit"]
)
def test_what_is_no_number_of_a_limit_is_left_out(name: str):
    assert read_buckets({name: "yes"}) == []


def test_fireworks_says_to_slow_down():
    assert is_over_limit({"x-ratelimit-over-limit": "yes"})
    assert not is_over_limit({"x-ratelimit-over-limit": "no"})
    assert not is_over_limit({})
