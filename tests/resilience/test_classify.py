from __future__ import annotations

import pytest

from omniroute.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from resilience.classify import Next, Scope, classify


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (429, "Rate limit reached", "rate_limited"),
        (429, "whatever", "rate_limited"),
        (503, "Too Many Requests, slow down", "rate_limited"),
        (429, "You exceeded your current quota, please check your plan", "billing"),
        (400, "Your credit balance is too low to access the API", "billing"),
        (402, "", "billing"),
        (401, "Incorrect API key provided", "auth"),
        (400, "API key not valid. Please pass a valid API key. API_KEY_INVALID", "auth"),
        (403, "forbidden", "permission"),
        (400, "User location is not supported for the API use.", "permission"),
        (404, "nothing here", "model_unavailable"),
        (400, "The model `gpt-9` does not exist", "model_unavailable"),
        (400, "This model's maximum context length is 8192 tokens", "context_length"),
        (413, "prompt is too long: 210000 tokens > 200000 maximum", "context_length"),
        (400, "temperature must be at most 2", "bad_request"),
        (422, "extra_forbidden", "bad_request"),
        (529, "Overloaded", "overloaded"),
        (503, "The model is overloaded", "overloaded"),
        (500, "oops", "transient"),
        (502, "", "transient"),
        (408, "", "transient"),
        (524, "a timeout occurred", "transient"),
    ],
)
def test_status_and_text_tell_the_reason(status: int, message: str, reason: str):
    assert classify(UpstreamRefused(message, status=status)).reason == reason


def test_the_code_counts_like_text():
    assert (
        classify(UpstreamRefused("no", status=400, code="context_length_exceeded")).reason == "context_length"
    )


@pytest.mark.parametrize("error", [UpstreamUnreachable("x"), UpstreamTimeout("x"), UpstreamBroken("x")])
def test_connection_trouble_is_transient_and_may_be_retried(error):
    verdict = classify(error)
    assert (verdict.reason, verdict.retryable, verdict.soft) == ("transient", True, True)


def test_a_provider_that_hangs_is_left_with_all_its_accounts():
    assert classify(UpstreamTimeout("x")).next is Next.TARGET
    assert classify(UpstreamBroken("x")).next is Next.ACCOUNT
    assert (
        classify(UpstreamTimeout("x", code="proxy_failed")).next is Next.ACCOUNT
    )  # it may be one account's proxy


def test_what_every_account_would_answer_alike_leaves_the_target_and_cools_nobody():
    verdict = classify(UpstreamRefused("temperature must be at most 2", status=400))
    assert (verdict.next, verdict.scope) == (Next.TARGET, Scope.NONE)


def test_a_missing_model_is_put_aside_alone():
    assert classify(UpstreamRefused("", status=404)).scope is Scope.MODEL
