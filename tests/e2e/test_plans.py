"""What is left of a plan decides, per account: a reserve, paid use beyond the plan, and the word of another process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.wire import ir
from tests.e2e.conversing import send, user
from tests.e2e.server import Gateway, running
from tests.vendors import chat, quota
from tests.vendors.chat import ChatApp
from tests.vendors.framework import running as vendor_running

MODELS = {
    "claude": "cc/claude-sonnet-4-6",
    "codex": "cx/gpt-5.2-codex",
    "gemini-cli": "gc/gemini-2.5-pro",
    "github": "gh/gpt-5.2",
    "kiro": "kr/claude-sonnet-4.5",
}
RESET = "2030-01-01T00:00:00Z"
RESET_S = 1_893_456_000
UNIFIED = "anthropic-ratelimit-unified-"


def usage(provider: str, used: float, *, extra: bool = False) -> Any:
    """The vendor's answer for a plan of which so many percent are used; `extra`: it would go on for money."""
    premium = {"entitlement": 300, "percent_remaining": 100 - used, "overage_permitted": extra}
    spent = {"currentUsageWithPrecision": used / 2, "usageLimitWithPrecision": 50}
    paid = {
        "is_enabled": extra,
        "monthly_limit": 5000,
        "used_credits": 10,
        "utilization": 0.2,
        "decimal_places": 2,
    }
    week = {"used_percent": used, "limit_window_seconds": 604_800, "reset_at": RESET_S}
    return {
        "claude": {"seven_day": {"utilization": used, "resets_at": RESET}, "extra_usage": paid},
        "codex": {
            "rate_limit": {"primary_window": week},
            "credits": {"has_credits": extra, "unlimited": False, "balance": "3.5"},
        },
        "gemini-cli": {
            "buckets": [
                {"modelId": "gemini-2.5-pro", "remainingFraction": 1 - used / 100, "resetTime": RESET}
            ]
        },
        "github": {"quota_reset_date_utc": RESET, "quota_snapshots": {"premium_interactions": premium}},
        "kiro": {
            "usageBreakdownList": [spent],
            "nextDateReset": RESET_S,
            "overageConfiguration": {"overageStatus": "ENABLED" if extra else "DISABLED"},
        },
    }[provider]


CASES: tuple[tuple[str, float, bool, dict[str, Any], bool], ...] = (
    ("below the reserve", 85, False, {"quota_reserve": 20}, False),
    ("above the reserve", 85, False, {"quota_reserve": 10}, True),
    ("without a reserve", 99, False, {}, True),
    ("used up", 100, False, {}, False),
    ("used up, with extra usage", 100, True, {}, True),
    ("used up, with extra usage that is not wanted", 100, True, {"plan_only": True}, False),
    ("not used up, and no extra usage wanted", 99, True, {"plan_only": True}, True),
    ("below the reserve, with extra usage", 85, True, {"quota_reserve": 20}, False),
)
"""Name, percent used, paid use allowed by the vendor, the account's fields, whether it is asked."""
FREE_OF_EXTRA = {"gemini-cli"}


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        yield {kind.provider: stack.enter_context(vendor_running(kind())) for kind in quota.ALL}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, vendors: dict[str, Any]) -> Iterator[Gateway]:
    """With an account for every case, none of them active."""
    with running(tmp_path_factory.mktemp("plans")) as found:
        lines = [
            account_code(app, name, **fields) for app in vendors.values() for name, _, _, fields, _ in CASES
        ]
        found.command("shell", "-c", "\n".join(["from providers.models import Account", *lines]))
        yield found


def account_code(app: ChatApp, name: str, **fields: Any) -> str:
    known = {
        "provider": app.provider,
        "name": name,
        "auth_type": "oauth",
        "access_token": app.token,
        "base_url": app.url,
        "provider_data": app.data,
        "refresh_token": quota.GITHUB_TOKEN,
        "is_active": False,
    }
    return f"Account.objects.create(**{ {**known, **fields}!r})"


@pytest.mark.parametrize("provider", MODELS)
def test_an_account_is_asked_as_far_as_its_operator_lets_it(
    gateway: Gateway, vendors: dict[str, Any], provider: str
) -> None:
    rows = gateway.manage("GET", "/api/providers")["connections"]
    for name, used, extra, _, is_asked in CASES:
        if extra and provider in FREE_OF_EXTRA:
            continue
        (id,) = (row["id"] for row in rows if (row["provider"], row["name"]) == (provider, name))
        vendors[provider].usage = usage(provider, used, extra=extra)
        gateway.manage("PUT", f"/api/providers/{id}", {"isActive": True})
        told = gateway.manage("GET", f"/api/usage/{id}")
        assert told["message"] is None
        answer = send(gateway, "openai_chat", ir.Request(MODELS[provider], [user("Hi")]))
        assert answer.status_code == (200 if is_asked else 429), (name, answer.text)
        if not is_asked:
            assert "plan" in answer.text
            assert int(answer.headers["retry-after"]) > 86_400
        gateway.manage("PUT", f"/api/providers/{id}", {"isActive": False})


@pytest.mark.cluster
def test_what_one_process_learns_takes_the_account_out_in_all_of_them(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    env = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    with (
        vendor_running(chat.ClaudeCodeChat()) as first,
        vendor_running(chat.ClaudeCodeChat()) as second,
        running(tmp_path, env, ["--no-jobs", "--workers", "3"]) as gateway,
    ):
        lines = [
            account_code(first, "first", is_active=True, priority=1),
            account_code(second, "second", is_active=True, priority=2),
        ]
        before = gateway.configuration()
        gateway.command("shell", "-c", "\n".join(["from providers.models import Account", *lines]))
        while gateway.configuration() == before:
            time.sleep(0.05)
        gateway.settle()
        assert set(ask_all(gateway)) == {"first"}
        reset = {f"{UNIFIED}5h-utilization": "1.0", f"{UNIFIED}5h-reset": str(int(time.time()) + 9000)}
        limits, chat.CLAUDE_LIMITS = chat.CLAUDE_LIMITS, {**chat.CLAUDE_LIMITS, **reset}
        try:
            assert ask_once(gateway) == "first"
        finally:
            chat.CLAUDE_LIMITS = limits
        deadline = time.monotonic() + 30
        while {would_ask(gateway) for _ in range(24)} != {"second"}:
            assert time.monotonic() < deadline
        asked = len(first.asked)
        assert set(ask_all(gateway)) == {"second"}
        assert len(first.asked) == asked


def ask_once(gateway: Gateway) -> str:
    """From a connection of its own, so that every process gets some."""
    body = {"model": "cc/claude-sonnet-4-6", "messages": [{"role": "user", "content": "Hi"}]}
    answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=body, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-omniroute-account"])


def would_ask(gateway: Gateway) -> str:
    """Whom a process would ask, without asking: an answer would tell it news of the plan."""
    headers = {"authorization": f"Bearer {gateway.key}"}
    body = {"model": "cc/claude-sonnet-4-6"}
    answer = httpx.post(
        f"{gateway.url}/api/route/explain", json=body, headers=headers, timeout=60, trust_env=False
    )
    return str(answer.json()["attempts"][0]["account"])


def ask_all(gateway: Gateway) -> list[str]:
    return [ask_once(gateway) for _ in range(24)]
