"""The whole life of an account, with every provider that one signs in to: people connect it in a browser, programs chat
through it, its token ends and is renewed, its plan is used up, its sign-in dies and is made again.

A real gateway, a real browser, and stand-ins as strict as the vendors.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.wire import ir
from tests.e2e.conversing import ask, send, text_of, user
from tests.e2e.server import PASSWORD, Gateway, running
from tests.omniroute.test_admin_browser import ARGS
from tests.services import chromium
from tests.vendors import chat, framework, gemini_cli, iflow, whole
from tests.vendors.framework import Reply
from tests.vendors.whole import Whole

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

UNIFIED = "anthropic-ratelimit-unified-"
SOON_S = 9000
"""When the windows that are used up in these tests begin anew."""


@dataclass(frozen=True)
class Kind:
    """`refresh`: what renews a token; `rests`: the model whose allowance ends, and one that goes on, if any does."""

    title: str
    button: str
    refresh: str
    model: str
    rests: str
    goes_on: str = ""


KINDS = {
    "claude": Kind("Claude Code", "Sign in", "POST /v1/oauth/token", "cc/claude-sonnet-4-6", "cc/claude-sonnet-4-6"),
    "codex": Kind("OpenAI Codex", "Sign in", "POST /oauth/token", "cx/gpt-5.2-codex", "cx/gpt-5.2-codex"),
    "gemini-cli": Kind(
        "Gemini CLI", "Sign in", "POST /token", "gc/gemini-2.5-flash", "gc/gemini-2.5-pro", "gc/gemini-2.5-flash"
    ),
    "github": Kind(
        "GitHub Copilot", "Get a code", "GET /copilot_internal/v2/token", "gh/gpt-4.1", "gh/gpt-5.2", "gh/gpt-4.1"
    ),
    "iflow": Kind("iFlow", "Sign in", "POST /oauth/token", "if/glm-4.7", "if/glm-4.7"),
    "qwen": Kind("Qwen Code", "Get a code", "POST /api/v1/oauth2/token", "qw/qwen3-coder-plus", "qw/qwen3-coder-plus"),
    "kiro": Kind("Kiro", "Get a code", "POST /token", "kr/claude-sonnet-4.5", "kr/claude-sonnet-4.5"),
}  # fmt: skip
each_vendor = pytest.mark.parametrize("provider", KINDS)


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, Whole]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(framework.running(app)) for name, app in whole.make().items()}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, vendors: dict[str, Whole]) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("accounts")
    file = folder / "providers.toml"
    file.write_text("\n".join(app.overlay for app in vendors.values()))
    env = {
        "OMNIROUTE_PROVIDERS_FILE": str(file),
        "GEMINI_CLI_OAUTH_CLIENT_SECRET": gemini_cli.SECRET,
        "IFLOW_OAUTH_CLIENT_SECRET": iflow.SECRET,
    }
    with running(folder, env) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def page(browser: Browser, gateway: Gateway) -> Iterator[Page]:
    """Logged in; discontinued providers are offered, by the box in the settings."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=gateway.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto("/admin/providers/signinsettings/")
    page.get_by_label("Offer discontinued providers").check()
    page.get_by_role("button", name="Save", exact=True).click()
    yield page
    context.close()


@each_vendor
def test_an_account_lives(provider: str, gateway: Gateway, page: Page, vendors: dict[str, Whole]) -> None:
    vendor, kind = vendors[provider], KINDS[provider]
    account = connect_with_a_token_that_ends_at_once(gateway, page, vendor)
    first = vendor.grants.issued[:]
    renewals = len(vendor.calls(kind.refresh))
    chat_in_two_formats(gateway, kind)
    assert len(vendor.calls(kind.refresh)) == renewals + 1
    assert not {each.bearer for each in chats_of(vendor)} & set(first)
    renew_after_a_refusal(gateway, vendor, kind)
    sign_in_again(gateway, page, vendor, account)
    see_the_quota_used_up(gateway, page, vendor, account)
    assert all(secret not in gateway.log for secret in vendor.grants.issued)


def connect_with_a_token_that_ends_at_once(gateway: Gateway, page: Page, vendor: Whole) -> str:
    """The account's id."""
    usual, vendor.grants.life_s = vendor.grants.life_s, 61
    page.goto("/admin/providers/catalog/")
    card = page.locator(
        "article", has=page.get_by_role("heading", name=KINDS[vendor.provider].title, exact=True)
    )
    card.get_by_role("link", name="Connect").click()
    sign_in(page, vendor)
    vendor.grants.life_s = usual
    time.sleep(1.1)
    return str(accounts_of(gateway, vendor)[0]["id"])


def sign_in(page: Page, vendor: Whole) -> None:
    """From the page with the warning to the account's own page."""
    kind = KINDS[vendor.provider]
    page.get_by_label("I have read the warning").check()
    by_code = kind.button == "Get a code" or (vendor.provider == "codex" and not is_free(1455))
    page.get_by_role("button", name="Get a code" if by_code else kind.button, exact=True).first.click()
    expect(page.locator("[data-countdown]")).to_have_text(re.compile(r"\d+:\d\d left"))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the page").click()
    tab = opened.value
    if by_code:
        tab.goto(f"{vendor.url}/device?user_code={page.locator('#user-code').inner_text()}")
        expect(tab.get_by_role("heading", name="Allowed")).to_be_visible()
    else:
        tab.get_by_role("link", name="Allow").click()
        expect(tab.get_by_role("heading", name=f"{kind.title} is connected")).to_be_visible(timeout=20_000)
    tab.close()
    expect(page.locator("#sign-in")).to_have_attribute("data-status", "done", timeout=30_000)
    page.get_by_role("link", name="Open the account").click()
    expect(page.get_by_text("Token renewed")).to_be_visible()


def is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def accounts_of(gateway: Gateway, vendor: Whole) -> list[dict[str, Any]]:
    rows = gateway.manage("GET", "/api/providers")["connections"]
    return [row for row in rows if row["provider"] == vendor.provider]


def chats_of(vendor: Whole) -> list[framework.Asked]:
    return [asked for asked in vendor.asked if is_chat(asked.path)]


def is_chat(path: str) -> bool:
    ends = ("/messages", "/responses", "/completions", ":generateContent", ":streamGenerateContent")
    return path.endswith((*ends, "/generateAssistantResponse"))


def chat_in_two_formats(gateway: Gateway, kind: Kind) -> None:
    for format in ("openai_chat", "anthropic_messages"):
        for stream in (False, True):
            answer = ask(
                gateway, format, kind.model, user("Good morning"), stream=stream, max_output_tokens=500
            )
            assert text_of(answer).endswith("Good morning"), (format, stream)


def renew_after_a_refusal(gateway: Gateway, vendor: Whole, kind: Kind) -> None:
    """The vendor ends a token before its time: one renewal, one repetition, and the client hears nothing of it."""
    vendor.forget_access()
    before, asked = len(vendor.calls(kind.refresh)), len(chats_of(vendor))
    assert text_of(ask(gateway, "openai_chat", kind.model, user("Again"))).endswith("Again")
    assert len(vendor.calls(kind.refresh)) == before + 1
    assert len(chats_of(vendor)) == asked + 2


def sign_in_again(gateway: Gateway, page: Page, vendor: Whole, account: str) -> None:
    """The vendor ends the sign-in: nobody is asked any more, the home page says so, and the same row comes back."""
    kind = KINDS[vendor.provider]
    vendor.end_sign_ins()
    used = requests_of(gateway, account)
    answer = send(gateway, "openai_chat", ir.Request(kind.model, [user("Hi")]))
    assert answer.status_code in (401, 403, 503), answer.text
    page.goto("/admin/")
    page.get_by_role("link", name=re.compile("Sign in again")).first.click()
    sign_in(page, vendor)
    (row,) = accounts_of(gateway, vendor)
    assert row["id"] == account
    assert row["isActive"]
    assert row.get("signInNeeded") is None
    assert requests_of(gateway, account) > used
    assert text_of(ask(gateway, "openai_chat", kind.model, user("Back"))).endswith("Back")


def requests_of(gateway: Gateway, account: str) -> int:
    return len(gateway.rows(f"SELECT id FROM billing_usagerecord WHERE account_id = {int(account)}"))


# ---- Plans -----------------------------------------------------------------------------------------------------------


def see_the_quota_used_up(gateway: Gateway, page: Page, vendor: Whole, account: str) -> None:
    USED_UP[vendor.provider](gateway, vendor)
    kind = KINDS[vendor.provider]
    page.goto(f"/admin/providers/account/{account}/change/")
    if vendor.provider not in ("iflow", "qwen"):
        page.get_by_role("button", name="Ask for quota").or_(
            page.get_by_role("link", name="Ask for quota")
        ).first.click()
        expect(page.locator(".or-bar-bad").first).to_be_visible()
    told = gateway.manage("GET", f"/api/usage/{account}")
    assert told["tracked"] is (vendor.provider != "iflow")
    if vendor.provider not in ("iflow", "qwen"):
        assert any(window["usedPercent"] == 100 and not window["paidExtra"] for window in told["quotas"])
    asked = len(chats_of(vendor))
    answer = send(gateway, "openai_chat", ir.Request(kind.rests, [user("Hi")]))
    assert answer.status_code == 429, answer.text
    assert 1 <= int(answer.headers["retry-after"]) <= 32 * 86_400
    assert len(chats_of(vendor)) == asked
    if kind.goes_on:
        assert text_of(ask(gateway, "openai_chat", kind.goes_on, user("On"))).endswith("On")


def claude_is_used_up(gateway: Gateway, vendor: Whole) -> None:
    """Told by the headers of a good answer."""
    limits = chat.CLAUDE_LIMITS
    reset = str(int(time.time()) + SOON_S)
    chat.CLAUDE_LIMITS = {**limits, f"{UNIFIED}5h-utilization": "1.0", f"{UNIFIED}5h-reset": reset}
    try:
        ask(gateway, "openai_chat", KINDS["claude"].model, user("Last"))
    finally:
        chat.CLAUDE_LIMITS = limits
    vendor.chats.usage = {"five_hour": {"utilization": 100, "resets_at": in_iso(SOON_S)}}  # type: ignore[attr-defined]


def codex_is_used_up(gateway: Gateway, vendor: Whole) -> None:
    window = {"used_percent": 100, "limit_window_seconds": 18_000, "reset_at": int(time.time()) + SOON_S}
    vendor.chats.usage = {"rate_limit": {"primary_window": window}}  # type: ignore[attr-defined]


def gemini_is_used_up(gateway: Gateway, vendor: Whole) -> None:
    """One of its models is."""
    left = {"gemini-2.5-pro": 0, "gemini-2.5-flash": 0.9}
    buckets = [
        {"modelId": model, "remainingFraction": part, "resetTime": in_iso(SOON_S)}
        for model, part in left.items()
    ]
    vendor.chats.usage = {"buckets": buckets}  # type: ignore[attr-defined]


def copilot_is_used_up(gateway: Gateway, vendor: Whole) -> None:
    premium = {"entitlement": 300, "percent_remaining": 0, "overage_permitted": False}
    vendor.chats.usage = {  # type: ignore[attr-defined]
        "quota_reset_date_utc": in_iso(SOON_S),
        "quota_snapshots": {"chat": {"unlimited": True}, "premium_interactions": premium},
    }


def kiro_is_used_up(gateway: Gateway, vendor: Whole) -> None:
    used = {"currentUsageWithPrecision": 50, "usageLimitWithPrecision": 50}
    vendor.chats.usage = {"usageBreakdownList": [used], "nextDateReset": time.time() + SOON_S}  # type: ignore[attr-defined]


def refuses(status: int, body: Any) -> Any:
    def used_up(gateway: Gateway, vendor: Whole) -> None:
        """Such a vendor tells by refusing."""
        vendor.fail("POST /v1/chat/completions", Reply(status, body))
        assert (
            send(gateway, "openai_chat", ir.Request(KINDS[vendor.provider].model, [user("Hi")])).status_code
            >= 400
        )

    return used_up


USED_UP = {
    "claude": claude_is_used_up,
    "codex": codex_is_used_up,
    "gemini-cli": gemini_is_used_up,
    "github": copilot_is_used_up,
    "iflow": refuses(429, {"error": {"message": "Too many requests", "code": "rate_limit"}}),
    "qwen": refuses(
        403, {"error": {"message": "Free allocated quota exceeded.", "code": "insufficient_quota"}}
    ),
    "kiro": kiro_is_used_up,
}


def in_iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
