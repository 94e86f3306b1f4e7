from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.hints import CAP_S, WINDOW_CAP_S, wait_after

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z: midnight in California


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s"}, 179.56),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:40Z",
                "retry-after": "12",
            },
            40,
        ),
        (
            {
                "anthropic-ratelimit-unified-5h-utilization": "1.0",
                "anthropic-ratelimit-unified-5h-reset": str(int(NOW) + 9000),
                "anthropic-ratelimit-unified-7d-utilization": "0.4",
                "anthropic-ratelimit-unified-7d-reset": str(int(NOW) + 500_000),
            },
            9000,
        ),
        (
            {
                "anthropic-ratelimit-unified-status": "rejected",
                "anthropic-ratelimit-unified-reset": str(int(NOW) + 4000),
            },
            4000,
        ),
        (
            {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "33011.382867"},
            33011.382867,
        ),
        ({"ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "41"}, 41),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3"}, 3),
        ({"x-tokenlimit-remaining": "0", "x-tokenlimit-reset": "5"}, 5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 55) * 1000)}, 55),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "50"}, 50),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({}, None),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value),
)
def test_headers_of_every_provider_are_read(headers: dict[str, str], seconds: float | None):
    assert wait_after(headers, now=NOW) == (None if seconds is None else pytest.approx(seconds))


def test_only_exhausted_buckets_count_and_the_longest_of_them():
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "12s",
        "x-ratelimit-remaining-tokens": "900",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-remaining-images": "0",
        "x-ratelimit-reset-images": "20s",
    }
    assert wait_after(headers) == 20


def google(*details: Any) -> dict[str, Any]:
    return {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": list(details)}}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26.4s"}
DAILY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
MINUTE = {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (google(MINUTE, RETRY), 26.4),
        ([google(RETRY)], 26.4),
        (google(DAILY, RETRY), 86400),
        ({"error": {"type": "usage_limit_reached", "resets_at": int(NOW) + 7200}}, 7200),
        ({"error": {"type": "usage_limit_reached", "resets_in_seconds": 200_000}}, 200_000),
        ({"error": {"code": 429, "metadata": {"headers": {
            "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW + 60) * 1000)}}}}, 60),
        ({"error": {"retry_after": 12.5}}, 12.5),
        ({"detail": "Too many requests", "retryAfter": 4}, 4),
        ({"error": {"retry_after": True}}, None),
        ({"error": "quota"}, None),
    ],
)  # fmt: skip
def test_bodies_of_every_provider_are_read(body: Any, seconds: float | None):
    wait = wait_after({}, json.dumps(body).encode(), now=NOW)
    assert wait == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please retry in 26.5s.", 26.5),
        ("Rate limit reached. Please try again in 2m59.56s. Visit", 179.56),
        ("Please try again in 20ms.", 0.02),
        ("Rate limit. Try again in 2m30s", 150),
        ("Retry after 20 seconds", 20),
        ("Your quota resets in 20 minutes and 5 seconds.", 1205),
        ("You are too fast, please wait 5 minutes", 300),
        ("No idea", None),
        ("try again in 5 months", None),
    ],
)
def test_the_message_is_asked_when_nothing_else_knows(text: str, seconds: float | None):
    assert wait_after({}, b"", text) == (None if seconds is None else pytest.approx(seconds))
    assert wait_after({"retry-after": "3"}, b"", text) == 3


def test_a_mere_wait_is_capped_and_the_end_of_a_window_is_not():
    assert wait_after({"retry-after": "86400"}) == CAP_S
    weekly = {"anthropic-ratelimit-unified-7d-status": "rejected"}
    weekly["anthropic-ratelimit-unified-7d-reset"] = str(int(NOW) + 6 * 86400)
    assert wait_after({"retry-after": "90", **weekly}, now=NOW) == 6 * 86400
    never = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(10**10)}
    assert wait_after(never, now=NOW) == WINDOW_CAP_S


@given(
    st.binary(), st.text(), st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset"]), st.text())
)
def test_it_survives_anything(body: bytes, message: str, headers: dict[str, str]):
    wait = wait_after(headers, body, message)
    assert wait is None or 0 <= wait <= WINDOW_CAP_S
