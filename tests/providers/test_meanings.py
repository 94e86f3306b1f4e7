"""What each vendor means by its errors, by the rules of its row. Bodies: docs/protocol-notes.md, Subscriptions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.wire import get_format
from omniroute.errors import UpstreamRefused
from providers import catalog, problems
from providers.meanings import LONGEST_S, Meaning, meaning_of
from providers.spec import ErrorRule, ProviderSpec
from resilience.classify import BAD_REQUEST, CONTEXT, Scope, classify

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
T = NOW.timestamp()
UNIFIED = "anthropic-ratelimit-unified-"


def refused(provider: str, status: int, body: Any, **headers: str) -> UpstreamRefused:
    spec = catalog.builtin()[provider]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return get_format(spec.endpoints[0].format).parse_error(status, raw, named)


def meaning(provider: str, status: int, body: Any, headers: dict[str, str] | None = None) -> Meaning | None:
    error = refused(provider, status, body)
    error.headers = headers or {}
    return meaning_of(error, catalog.builtin()[provider], T)


def said(reason: Any, status: str = "") -> Any:
    return {"error": {"message": reason, "status": status}}


def test_claudes_rejected_window_takes_the_account_out_until_its_reset() -> None:
    """Fixture 1 of the fact sheet."""
    headers = {
        f"{UNIFIED}status": "rejected",
        f"{UNIFIED}reset": str(int(T) + 4000),
        f"{UNIFIED}5h-status": "rejected",
    }
    found = meaning(
        "claude", 429, {"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}, headers
    )
    assert found is not None
    assert (found.verdict.scope, found.verdict.cooldown_s, found.verdict.soft) == (Scope.ACCOUNT, 4000, False)


def test_of_two_rejected_windows_the_longer_counts() -> None:
    headers = {
        f"{UNIFIED}status": "rejected",
        f"{UNIFIED}reset": str(int(T) + 4000),
        f"{UNIFIED}7d-status": "rejected",
        f"{UNIFIED}7d-reset": str(int(T) + 400_000),
    }
    found = meaning("claude", 429, "{}", headers)
    assert found is not None
    assert found.verdict.cooldown_s == 400_000


def test_a_week_of_one_model_takes_that_model_out_only() -> None:
    headers = {
        f"{UNIFIED}status": "rejected",
        f"{UNIFIED}reset": str(int(T) + 90_000),
        f"{UNIFIED}representative-claim": "seven_day_opus",
    }
    found = meaning("claude", 429, "{}", headers)
    assert found is not None
    assert (found.verdict.scope, found.verdict.cooldown_s) == (Scope.MODEL, 90_000)


DAY_S = 12 * 3600.0
MONTH_S = (datetime(2026, 12, 1, tzinfo=UTC) - NOW).total_seconds()
VIOLATION = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "RequestsPerDay"}],
}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}


def google(*details: Any, code: int = 429, message: str = "Resource exhausted") -> Any:
    return {
        "error": {"code": code, "message": message, "status": "RESOURCE_EXHAUSTED", "details": list(details)}
    }


@pytest.mark.parametrize(
    ("provider", "status", "body", "reason", "scope", "wait"),
    [
        ("claude", 400, said("You're out of extra usage."), "quota_exhausted", Scope.ACCOUNT, 3600),
        (
            "claude",
            400,
            said("Third-party apps now draw from your extra usage"),
            "terms",
            Scope.ACCOUNT,
            300,
        ),
        (
            "claude",
            400,
            said("This credential is only authorized for use with Claude Code"),
            "bad_request",
            Scope.NONE,
            None,
        ),
        (
            "claude",
            400,
            said("long context beta is not yet available for this subscription"),
            "bad_request",
            Scope.NONE,
            None,
        ),
        (
            "codex",
            429,
            {"error": {"type": "usage_limit_reached", "message": "x", "resets_at": int(T) + 777}},
            "quota_exhausted",
            Scope.ACCOUNT,
            777,
        ),
        (
            "codex",
            429,
            {"error": {"type": "usage_limit_reached", "message": "x", "resets_in_seconds": 99}},
            "quota_exhausted",
            Scope.ACCOUNT,
            99,
        ),
        (
            "codex",
            429,
            {"error": {"code": "rate_limit_exceeded", "message": "Please try again in 3.5s."}},
            "rate_limited",
            Scope.ACCOUNT,
            3.5,
        ),
        (
            "codex",
            503,
            {"error": {"code": "server_is_overloaded", "message": "x"}},
            "overloaded",
            Scope.MODEL,
            30,
        ),
        (
            "codex",
            400,
            {"detail": "The model is not supported when using Codex with a ChatGPT account."},
            "model_unavailable",
            Scope.MODEL,
            86_400,
        ),
        ("codex", 403, "<html>Just a moment...</html>", "rate_limited", Scope.ACCOUNT, 60),
        ("gemini-cli", 429, google(VIOLATION, RETRY), "quota_exhausted", Scope.MODEL, 20 * 3600),
        ("gemini-cli", 429, google(INFO, RETRY), "rate_limited", Scope.MODEL, 34.07),
        ("gemini-cli", 429, [google(INFO, RETRY)], "rate_limited", Scope.MODEL, 34.07),
        (
            "gemini-cli",
            503,
            google({"reason": "MODEL_CAPACITY_EXHAUSTED"}, code=503),
            "overloaded",
            Scope.MODEL,
            60,
        ),
        (
            "github",
            402,
            {"error": {"message": "You have no quota", "code": "quota_exceeded"}},
            "quota_exhausted",
            Scope.ACCOUNT,
            MONTH_S,
        ),
        ("github", 400, said("The requested model is not supported"), "model_unavailable", Scope.MODEL, 3600),
        ("github", 403, {"message": "API rate limit exceeded"}, "rate_limited", Scope.ACCOUNT, None),
        ("qwen", 403, said("free allocated quota exceeded"), "quota_exhausted", Scope.ACCOUNT, 4 * 3600),
        (
            "kiro",
            402,
            {"message": "x", "reason": "MONTHLY_REQUEST_COUNT"},
            "quota_exhausted",
            Scope.ACCOUNT,
            MONTH_S,
        ),
        (
            "kiro",
            400,
            {"message": "x", "reason": "DAILY_REQUEST_COUNT"},
            "quota_exhausted",
            Scope.ACCOUNT,
            DAY_S,
        ),
        (
            "kiro",
            429,
            {"message": "x", "reason": "USER_REQUEST_RATE_EXCEEDED"},
            "rate_limited",
            Scope.ACCOUNT,
            120,
        ),
        ("kiro", 429, {"message": "60-minute credit limit exceeded"}, "quota_exhausted", Scope.ACCOUNT, 3600),
        ("kiro", 400, {"message": "Improperly formed request."}, "bad_request", Scope.NONE, None),
        (
            "kiro",
            400,
            {"message": "x", "reason": "INSUFFICIENT_MODEL_CAPACITY"},
            "model_unavailable",
            Scope.MODEL,
            60,
        ),
    ],
)
def test_errors_mean_what_their_vendor_means(
    provider: str, status: int, body: Any, reason: str, scope: Scope, wait: float | None
) -> None:
    found = meaning(provider, status, body)
    assert found is not None
    assert (found.verdict.reason, found.verdict.scope) == (reason, scope)
    assert found.verdict.cooldown_s == (pytest.approx(wait) if wait is not None else None)
    assert found.then == ""


@pytest.mark.parametrize(
    ("provider", "status", "body", "then"),
    [
        ("codex", 403, {"error": {"type": "usage_not_included", "message": "x"}}, "disable"),
        ("gemini-cli", 403, google({"reason": "TOS_VIOLATION"}, code=403), "disable"),
        ("gemini-cli", 403, google({"reason": "VALIDATION_REQUIRED"}, code=403), "sign_in"),
        (
            "github",
            403,
            {"message": "x", "error_details": {"notification_id": "subscription_ended"}},
            "disable",
        ),
        ("kiro", 403, {"message": "Your User ID (1) temporarily is suspended"}, "disable"),
    ],
)
def test_some_errors_end_an_account(provider: str, status: int, body: Any, then: str) -> None:
    found = meaning(provider, status, body)
    assert found is not None
    assert found.then == then


def test_a_context_that_is_too_long_is_the_clients_affair() -> None:
    found = meaning("kiro", 400, {"message": "Input is too long."})
    assert found is not None
    assert found.verdict == CONTEXT


def test_the_verdict_goes_before_the_common_table() -> None:
    error = refused("kiro", 400, {"message": "Improperly formed request."})
    error.verdict = BAD_REQUEST
    assert classify(error) is BAD_REQUEST


def test_what_no_rule_is_about_is_left_to_the_common_table() -> None:
    assert meaning("codex", 418, {"detail": "teapot"}) is None
    assert meaning_of(refused("openai", 429, "{}"), catalog.builtin()["openai"], T) is None


def test_no_wait_is_longer_than_a_month() -> None:
    far = int((NOW + timedelta(days=400)).timestamp())
    found = meaning(
        "codex", 429, {"error": {"type": "usage_limit_reached", "message": "x", "resets_at": far}}
    )
    assert found is not None
    assert found.verdict.cooldown_s == LONGEST_S


@pytest.mark.parametrize(
    "body",
    ["", "\0\xff", "[" * 5000, '{"resets_at": {"a": []}}', '{"resets_at": "soon"}', '{"resets_at": true}'],
)
def test_odd_bodies_break_nothing(body: str) -> None:
    spec = ProviderSpec(
        id="x", name="x", endpoints=(), errors=(ErrorRule(means="quota", reset=("find:resets_at", "text")),)
    )
    error = UpstreamRefused("m", status=429, body=body.encode())
    found = meaning_of(error, spec, T)
    assert found is not None
    assert found.reset_s is None


def test_a_rule_that_cannot_be_is_named() -> None:
    rule = ErrorRule(means="quota", text="(", header=("x", "["), reset=("nowhere",))
    spec = ProviderSpec(id="x", name="x", endpoints=(), errors=(rule,))
    paths = [path for path, _ in problems.of_spec(spec)]
    assert {"errors[0].text", "errors[0].header", "errors[0].reset"} <= set(paths)
