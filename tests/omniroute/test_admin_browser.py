"""The admin in a real browser: what a new user does first, and what only scripts do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright

from billing.keys import hash_key
from billing.models import ApiKey, UsageRecord
from combos.models import Combo
from providers.models import Account
from resilience.breaker import breakers
from resilience.classify import RATE_LIMITED
from resilience.cooldown import cooldowns
from resilience.profiles import PROFILES
from tests.services import chromium
from tests.usage import count

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KEY = "sk-typed-in-the-browser-0042"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright runs an event loop in this thread, beside which Django would refuse to query."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        found = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        yield found
        found.close()


@pytest.fixture
def page(browser, live_server, django_user_model) -> Iterator[Page]:
    """Logged in, on the home page. An error in a script or a failed request fails the test."""
    django_user_model.objects.create_superuser("boss", password="a-password")
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=live_server.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto("/")
    page.get_by_label("Username").fill("boss")
    page.get_by_label("Password").fill("a-password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Three steps to the first answer")).to_be_visible()
    yield page
    context.close()
    assert problems == []


def test_from_nothing_to_a_key(page, simulator):
    connect_provider(page, simulator)
    make_combo(page)
    create_key(page)
    page.goto("/admin/")
    expect(page.locator("li.or-done")).to_have_count(2)


def connect_provider(page: Page, simulator) -> None:
    page.get_by_role("link", name="Choose a provider").click()
    page.locator("article", has=page.get_by_role("heading", name="OpenAI", exact=True)).get_by_role(
        "link", name="Add account"
    ).click()
    expect(page.locator("#id_provider")).to_have_value("openai")
    expect(page.locator("#id_name")).to_have_value("OpenAI")
    expect(page.locator(".or-provider-card")).to_contain_text("openai/")
    page.locator("#id_api_key").fill(KEY)
    page.get_by_text("Advanced").click()
    page.locator("#id_base_url").fill(simulator.openai_url)
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="Test this account").click()
    expect(page.get_by_text("the provider accepts the key")).to_be_visible()
    expect(page.locator("#id_api_key")).to_have_value("")
    assert KEY not in page.content()
    assert Account.objects.get().api_key == KEY


def make_combo(page: Page) -> None:
    page.goto("/admin/combos/combo/add/")
    page.locator("#id_name").fill("my-combo")
    targets = page.locator("#targets-group input[name$=-model]:visible")
    targets.nth(0).fill("openai/gpt-4o")
    targets.nth(1).fill("glm/glm-4.7")
    page.get_by_role("button", name="Save and continue editing").click()
    flow = page.locator(".or-flow > li")
    expect(flow).to_have_count(2)
    expect(flow.nth(0)).to_contain_text("openai/gpt-4o")
    expect(flow.nth(1)).to_contain_text("No active account")
    handles = page.locator("#targets-group tbody.original .cursor-move")
    handles.nth(1).drag_to(handles.nth(0))
    page.get_by_role("button", name="Save and continue editing").click()
    expect(flow.nth(0)).to_contain_text("glm/glm-4.7")
    names = Combo.objects.get().targets.values_list("model", flat=True)
    assert list(names) == ["glm/glm-4.7", "openai/gpt-4o"]


def create_key(page: Page) -> None:
    page.goto("/admin/billing/apikey/add/")
    page.locator("#id_name").fill("Laptop")
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.locator("#new-key").inner_text()
    assert ApiKey.objects.get().key_hash == hash_key(secret)
    page.locator("[data-copy='#new-key']").click()
    expect(page.locator("[data-copy='#new-key']")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.reload()
    expect(page.locator("#id_name")).to_have_value("Laptop")
    assert secret not in page.content()
    assert ApiKey.objects.count() == 1


def test_choosing_a_provider_offers_what_it_has(page):
    page.goto("/admin/providers/account/add/")
    endpoint, region = page.locator("#id_variant"), page.locator("#id_region")
    expect(endpoint).to_be_hidden()
    page.locator("#id_provider").select_option("glm")
    expect(endpoint).to_be_visible()
    expect(region).to_be_visible()
    page.get_by_text("Advanced").click()
    address = page.locator("#id_base_url")
    before = address.get_attribute("placeholder")
    region.select_option("cn")
    assert before != address.get_attribute("placeholder")
    name = page.locator("#id_name")
    assert name.input_value().startswith("GLM")
    page.locator("#id_provider").select_option("groq")
    expect(name).to_have_value("Groq")
    expect(endpoint).to_be_hidden()
    name.fill("My own name")
    page.locator("#id_provider").select_option("openai")
    expect(name).to_have_value("My own name")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(theme, page):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 390, "height": 800})
    Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    count(timezone.now(), input_tokens=1000, cost="0.5")
    paths = (
        "",
        "providers/catalog/",
        "providers/account/",
        "combos/combo/add/",
        "billing/usagerecord/",
        "gateway/usage/",
        "gateway/accesssettings/",
        "gateway/resilience/",
        "omniroute/auditentry/",
        "gateway/cli-tools/",
        "gateway/cli-tools/tool/codex/",
    )
    for path in paths:
        page.goto(f"/admin/{path}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_settings_are_reached_by_their_tabs(page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/gateway/accesssettings/")
    for tab, inner in (("Routing", "Fallback chains"), ("Advanced", "Background jobs")):
        page.get_by_role("link", name=tab, exact=True).click()
        page.get_by_role("link", name=inner, exact=True).click()
        chosen = page.locator(".or-tabs nav:nth-child(2) a[aria-current]")
        expect(chosen).to_have_text(inner)
        expect(chosen).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="System & storage", exact=True).click()
    page.get_by_label("Database file").set_input_files({"name": "a.sqlite", "mimeType": "", "buffer": b"x"})
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("The file is not an SQLite database. Nothing was changed.")).to_be_visible()


def test_the_keyboard_reaches_the_content_and_what_opens_by_a_click(page):
    page.goto("/admin/billing/apikey/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('content').contains(document.activeElement)")
    page.get_by_role("button", name="Filters").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#changelist-filter")).to_be_hidden()
    page.get_by_role("button", name="boss").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Log out")).to_be_hidden()


def test_the_health_page_says_when_nobody_is_logged_in_any_more(page):
    page.goto("/admin/gateway/health/")
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("[data-looked]")).to_have_text("Nobody is logged in any more: reload this page")


def test_the_weights_show_with_their_strategy_only(page):
    page.goto("/admin/combos/combo/add/")
    weight = page.locator("#id_targets-0-weight")
    expect(weight).to_be_hidden()
    if page.locator("#id_strategy option[value=weighted]").count():
        page.locator("#id_strategy").select_option("weighted")
        expect(weight).to_be_visible()


def test_a_strategy_is_explained_where_it_is_chosen(page):
    page.goto("/admin/combos/combo/add/")
    told = page.locator(".or-explanation")
    expect(told).to_contain_text("The first target gets every request")
    page.locator("#id_strategy").select_option("weighted")
    expect(told).to_contain_text("A weight of 0 makes it a fallback only")
    page.goto("/admin/combos/providerrouting/add/")
    expect(told).to_be_hidden()
    page.locator("#id_account_strategy").select_option("reset_soonest")
    expect(told).to_contain_text("what is not used by then is lost")


def test_a_backup_is_made_restored_and_deleted(page, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    Combo.objects.create(name="kept")
    page.goto("/admin/gateway/storage/")
    rows = page.locator(".or-table tbody tr")
    page.get_by_role("button", name="Back up now").click()
    expect(page.get_by_text("is made")).to_be_visible()
    expect(rows).to_have_count(1)
    Combo.objects.all().delete()
    page.once("dialog", lambda dialog: dialog.dismiss())
    rows.get_by_role("button", name="Restore").click()
    assert not Combo.objects.exists()
    page.once("dialog", lambda dialog: dialog.accept())
    rows.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Taken over: 1 combo")).to_be_visible()
    assert Combo.objects.get().name == "kept"
    page.once("dialog", lambda dialog: dialog.accept())
    rows.last.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("is deleted")).to_be_visible()


def test_times_are_those_of_the_browsers_zone(browser, live_server, page):
    UsageRecord.objects.create(
        created_at=datetime(2026, 1, 15, 23, 30, tzinfo=UTC), status=200, requested_model="glm/glm-4.7"
    )
    with browser.new_context(
        base_url=live_server.url, timezone_id="Asia/Tokyo", storage_state=page.context.storage_state()
    ) as far:
        there = far.new_page()
        there.goto("/admin/")
        there.goto("/admin/billing/usagerecord/?period=all")
        expect(there.get_by_text("16 Jan, 08:30:00")).to_be_visible()


def test_the_usage_page_draws_what_is_chosen(page):
    count(timezone.now(), input_tokens=1000, cost="0.5")
    drawn = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(byte => byte)"
    for by in ("model", "all"):
        page.goto(f"/admin/gateway/usage/?by={by}")
        for name in ("Tokens", "Cost", "Requests"):
            button = page.get_by_role("button", name=name, exact=True)
            button.click()
            expect(button).to_have_attribute("aria-pressed", "true")
            assert page.locator("#usage-chart").evaluate(drawn)


def test_the_chart_is_drawn(page):
    Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    page.goto("/admin/")
    for name in ("Tokens", "Cost", "Requests"):
        button = page.get_by_role("button", name=name, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
    drawn = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(byte => byte)"
    assert page.locator("#usage-chart").evaluate(drawn)


@pytest.mark.parametrize("width", [1200, 1280, 1400, 1536, 1920])
def test_the_last_requests_fit_their_card(width, page):
    longest = {"requested_model": "some-prefix/a-model-with-a-long-name:32b", "served_model": "long-name:32b"}
    numbers = {"input_tokens": 123_400, "output_tokens": 98_700, "latency_ms": 754_000, "attempt_count": 3}
    for status, code in ((200, ""), (429, "rate_limit_exceeded")):
        values = {**longest, **numbers, "status": status, "error_code": code, "cost": "0.000012"}
        UsageRecord.objects.create(created_at=timezone.now(), **values)
    Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/admin/")
    card = page.locator(".or-scroll")
    assert card.evaluate("e => e.scrollWidth - e.clientWidth") == 0
    took = page.get_by_role("cell", name="12 min 34 s").first.bounding_box()
    box = card.bounding_box()
    assert took["x"] + took["width"] <= box["x"] + box["width"] + 1
    expect(page.locator("#live-state")).to_be_hidden()


def test_on_a_phone_the_last_requests_scroll_in_their_card(page):
    UsageRecord.objects.create(created_at=timezone.now(), status=200, requested_model="glm/glm-4.7")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/")
    card = page.locator(".or-scroll")
    card.evaluate("e => e.scrollTo(1000, 0)")
    box, last = card.bounding_box(), page.get_by_role("columnheader", name="Took").bounding_box()
    assert last["x"] + last["width"] <= box["x"] + box["width"] + 1
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_click_takes_an_account_back(page):
    account = Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    try:
        for url, button in (
            ("/admin/", page.get_by_role("button", name="Clear all cooldowns")),
            (
                f"/admin/providers/account/{account.pk}/change/",
                page.get_by_role("link", name="Clear cooldown"),
            ),
        ):
            cooldowns.apply(f"account:{account.pk}", RATE_LIMITED, 90)
            page.goto(url)
            expect(page.get_by_text("Rate limited · 1 min")).to_be_visible()
            button.click()
            expect(page.get_by_text("1 cooldown cleared.")).to_be_visible()
            expect(page.get_by_text("Rate limited")).to_have_count(0)
            expect(button).to_have_count(0)
    finally:
        cooldowns.reset()


def test_the_health_page_looks_again_by_itself(page, monkeypatch):
    """And says so when nobody answers."""
    Account.objects.create(provider="openai", name="Work", api_key=KEY)
    monkeypatch.setattr("gateway.admin.health_pages.REFRESH_S", 0.3)
    page.goto("/admin/gateway/health/")
    card = page.locator("section", has=page.get_by_role("heading", name="Provider health"))
    expect(card.get_by_text("Closed")).to_be_visible()
    for _ in range(PROFILES["apikey"].breaker_failures):
        breakers.fail("openai", PROFILES["apikey"])
    expect(card.get_by_text("Open", exact=True)).to_be_visible()
    assert page.locator("#health-cards > .or-health > section").count() == 6
    page.get_by_role("link", name="Reset all").click()  # a button that came with the newer cards
    expect(card.get_by_text("Closed")).to_be_visible()
    page.route("**/health/?cards", lambda route: route.fulfill(status=200, body="<p>newer</p>"))
    expect(page.get_by_text("newer")).to_be_visible()


def test_what_to_write_by_hand_follows_what_is_entered(page):
    page.goto("/admin/gateway/cli-tools/tool/codex/")
    shown = page.locator("#snippet-1")
    expect(shown).to_contain_text('experimental_bearer_token = "your-omniroute-api-key"')
    page.get_by_label("API key", exact=True).fill(KEY)
    expect(shown).to_contain_text(f'experimental_bearer_token = "{KEY}"')
    with page.expect_response(lambda response: "by-hand" in response.url) as caught:
        page.get_by_label("Model", exact=True).fill("my/combo")
        page.get_by_label("Address of this gateway").fill("https://llm.example.com")
    assert KEY not in caught.value.url
    expect(shown).to_contain_text('model = "my/combo"')
    expect(shown).to_contain_text(f'experimental_bearer_token = "{KEY}"')
    page.get_by_label("API key", exact=True).click()
    expect(shown).to_contain_text('base_url = "https://llm.example.com/v1"')
