"""People connect accounts in a real browser, and look at a vendor's page on the way."""

from __future__ import annotations

import re
import socket
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from providers.models import Account, SignInSettings
from tests.omniroute.test_admin_browser import browser, page  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _own_port(settings, live_server):
    """Vendors send the browser back to the gateway's own port."""
    settings.PORT = int(live_server.url.rpartition(":")[2])


def begin(page: Page, name: str, button: str) -> None:  # noqa: F811
    page.goto("/admin/providers/catalog/")
    card = page.locator("article", has=page.get_by_role("heading", name=name, exact=True))
    card.get_by_role("link", name="Connect").click()
    page.get_by_label("I have read the warning").check()
    page.get_by_role("button", name=button, exact=True).first.click()


def at_the_vendor(page: Page, link: str = "Open the page") -> Page:  # noqa: F811
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link).click()
    return opened.value


def expect_connected(page: Page, name: str) -> Account:  # noqa: F811
    """Without a reload."""
    expect(page.locator("#sign-in")).to_have_attribute("data-status", "done", timeout=30_000)
    expect(page.get_by_text(f"Connected as {name}")).to_be_visible()
    page.get_by_role("link", name="Open the account").click()
    expect(page.get_by_text("Token renewed")).to_be_visible()
    return Account.objects.get()


def test_claude_code_comes_back_to_the_gateway(page, vendor):  # noqa: F811
    app = vendor("claude")
    begin(page, "Claude Code", "Sign in")
    expect(page.locator("[data-countdown]")).to_have_text(re.compile(r"\d+:\d\d left"))
    tab = at_the_vendor(page)
    tab.get_by_role("link", name="Allow").click()
    expect(tab.get_by_role("heading", name="Claude Code is connected")).to_be_visible()
    account = expect_connected(page, "ada@example.com")
    assert account.refresh_token in app.refresh_tokens
    assert not any(secret in page.content() for secret in app.issued)


def test_claude_codes_page_shows_a_code_to_paste(page, vendor):  # noqa: F811
    vendor("claude")
    begin(page, "Claude Code", "The browser is on another machine")
    tab = at_the_vendor(page)
    tab.get_by_role("link", name="Allow").click()
    page.get_by_label("Paste the code that the page shows").fill(tab.locator("#code").inner_text())
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("Connected as ada@example.com")).to_be_visible()


def test_codex_comes_back_through_port_1455(page, vendor):  # noqa: F811
    with closing(socket.socket()) as probe:
        if probe.connect_ex(("127.0.0.1", 1455)) == 0:
            pytest.skip("another program listens at port 1455")
    vendor("codex")
    begin(page, "OpenAI Codex", "Sign in")
    assert "localhost%3A1455%2Fauth%2Fcallback" in page.locator("#vendor-page").get_attribute("href")
    tab = at_the_vendor(page)
    tab.get_by_role("link", name="Allow").click()
    expect(tab.get_by_role("heading", name="OpenAI Codex is connected")).to_be_visible()
    assert tab.url.startswith(page.evaluate("location.origin"))
    assert expect_connected(page, "ada@example.com").plan == "Plus"


@pytest.mark.parametrize(("provider", "name"), [("github", "GitHub Copilot"), ("qwen", "Qwen Code")])
def test_a_code_is_entered_at_the_vendors_page(page, vendor, provider, name):  # noqa: F811
    SignInSettings(allow_discontinued=True).save()
    vendor(provider)
    begin(page, name, "Get a code")
    expect(page.locator("#user-code")).to_have_text(re.compile(r"[0-9A-F]{4}-[0-9A-F]{4}"))
    expect(page.locator(".or-qr svg")).to_be_visible()
    tab = at_the_vendor(page)
    expect(tab.get_by_role("heading", name="Allowed")).to_be_visible()
    expect_connected(page, "ada" if provider == "github" else name)


def test_kiro_is_connected_by_builder_id_and_by_google(page, vendor):  # noqa: F811
    vendor("kiro")
    begin(page, "Kiro", "Get a code")
    expect(at_the_vendor(page).get_by_role("heading", name="Allowed")).to_be_visible()
    expect_connected(page, "ada@example.com")
    page.goto("/admin/providers/catalog/connect/kiro/")
    page.get_by_label("I have read the warning").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    tab = at_the_vendor(page)
    tab.get_by_role("link", name="Allow").click()
    expect(tab.get_by_role("heading", name="Kiro is connected")).to_be_visible()
    expect(page.get_by_text("Connected as ada@example.com (Google)")).to_be_visible()
    assert Account.objects.count() == 2


def test_a_declined_sign_in_says_so_without_a_reload(page, vendor):  # noqa: F811
    app = vendor("github")
    begin(page, "GitHub Copilot", "Get a code")
    for device in app.devices.values():
        device.answer = "denied"
    expect(page.get_by_text("The sign-in was declined at the vendor's page")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Begin again").click()
    expect(page.get_by_role("button", name="Get a code")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(theme, page, vendor):  # noqa: F811
    vendor("kiro")
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/providers/catalog/connect/kiro/")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_label("I have read the warning").check()
    page.get_by_role("button", name="Get a code").click()
    expect(page.locator("#user-code")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
