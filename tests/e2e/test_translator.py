"""The translator over a running gateway with the simulated provider behind it: its four modes in a browser, and what
the API sends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from gateway.simulator import Simulator
from tests.e2e.server import PASSWORD, Gateway
from tests.omniroute.test_admin_browser import ARGS
from tests.services import chromium

SLOW_MS = 60_000
"""For what is a second of computing on a machine without other work."""
XSS = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CLAUDE = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": XSS}], "mcp_servers": [1]}


@pytest.fixture
def page(gateway: Gateway) -> Iterator[Page]:
    """Logged in. An error in a script fails the test, and so does anything that a foreign text does."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        page = browser.new_page(base_url=gateway.url)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda sent: problems.append(sent.url) if not sent.url.startswith(gateway.url) else None,
        )
        page.goto("/admin/login/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        yield page
        assert "owned" not in page.title()
        browser.close()
        assert [each for each in problems if not each.startswith(("data:", "blob:"))] == []


@pytest.mark.browser
def test_all_four_modes(page: Page, gateway: Gateway, simulator: Simulator) -> None:
    page.get_by_role("link", name="Translator", exact=False).first.click()
    play(page)
    chat(page, gateway, simulator)
    bench(page, gateway)
    monitor(page, gateway)


def play(page: Page) -> None:
    source, result = page.get_by_label("Body to translate"), page.get_by_label("Translated body")
    expect(result).to_contain_text('"input_schema"')
    page.locator("#play [name=sourceFormat]").select_option("")
    page.locator("#play [name=targetFormat]").select_option("gemini")
    source.fill(json.dumps(CLAUDE))
    expect(page.locator("#detected")).to_have_text("Anthropic Messages")
    expect(result).to_contain_text('"contents"')
    expect(result).to_contain_text("<script>")
    expect(page.locator("#changes tr", has_text="mcp_servers")).to_contain_text("left out")
    page.get_by_role("button", name="Neutral form").click()
    expect(result).to_contain_text('"is": "text"')
    page.locator("#play [name=target]").fill("sim1/some-model")
    expect(result).to_contain_text("some-model")
    page.get_by_role("button", name="What sim1 gets").click()
    expect(result).to_contain_text("/v1/chat/completions")
    expect(result).not_to_contain_text("sk-up-1")
    source.fill('{"a": 1,\n "b" 2}')
    expect(page.get_by_role("alert")).to_contain_text("line 2, column 6")
    page.locator("#play [name=kind]").select_option("stream")
    page.locator("#play [name=sample]").select_option(label="Tool call · Gemini generateContent")
    page.locator("#play [name=targetFormat]").select_option("anthropic_messages")
    expect(result).to_contain_text("input_json_delta")
    page.locator("#play [name=keepAs]").fill("a stream")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("#play [name=kept] option")).to_have_text(["A name…", "a stream"])


def chat(page: Page, gateway: Gateway, simulator: Simulator) -> None:
    before = len(gateway.rows())
    simulator.behave("503", times=1)
    page.get_by_role("link", name="Chat Tester").click()
    page.locator("#chat [name=model]").fill("three")
    page.locator("#chat [name=format]").select_option("anthropic_messages")
    page.locator("#chat [name=text]").fill(XSS)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#sent-path")).to_have_text("POST /v1/messages")
    expect(page.locator("#up-path")).to_contain_text("/v1/chat/completions")
    expect(page.locator("#got-text")).to_contain_text(f"You said: {XSS}")
    expect(page.locator("#got-body")).to_contain_text("event: message_stop")
    exchange = page.locator("#exchange")
    expect(exchange.locator(".or-trail > li")).to_have_count(2)
    expect(exchange).to_contain_text("anthropic messages → openai chat")
    assert "sk-up" not in page.content()
    rows = gateway.rows()
    assert len(rows) == before + 1
    row = rows[-1]
    assert (row["status"], row["requested_model"], row["attempt_count"], row["stream"]) == (
        200,
        "three",
        2,
        1,
    )
    assert row["user_agent"] == "OmniRoute-translator"
    assert row["output_tokens"] > 0
    page.locator("#chat [name=model]").fill("nobody/nothing")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#got-status")).to_have_text("404")
    page.locator("#chat [name=model]").fill("sim1/sim-n500-i20")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#got-text")).to_contain_text("word3")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#chat-state")).to_contain_text("Stopped")
    assert simulator.wait_for_end().ended == "client_left"
    wait_for(lambda: gateway.rows()[-1]["status"] == 499)
    gateway.manage("POST", "/api/resilience/reset")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def bench(page: Page, gateway: Gateway) -> None:
    page.get_by_role("link", name="Test Bench").click()
    page.get_by_role("button", name="Run").first.click()
    expect(page.locator("#bench-state")).to_contain_text("304 of 304 passed", timeout=SLOW_MS)
    page.get_by_role("button", name="Tool call, Claude to Gemini, streamed: passed").click()
    detail = page.locator("#bench-detail")
    expect(detail).to_contain_text("Everything that was meant arrived.")
    page.locator("#real [name=model]").fill("sim1/gpt-4o")
    page.get_by_role("button", name="Run").last.click()
    expect(page.locator("#real-state")).to_have_text("8 of 8 passed", timeout=SLOW_MS)
    assert gateway.rows()[-1]["requested_model"] == "sim1/gpt-4o"
    page.locator("#real [name=model]").fill("sim1/sim-429")
    page.get_by_role("button", name="Run").last.click()
    expect(page.locator("#real-state")).to_have_text("0 of 8 passed", timeout=SLOW_MS)
    page.locator("#real-matrix").get_by_role("button").first.click()
    expect(detail).to_contain_text("429")
    gateway.manage("POST", "/api/resilience/reset")


def monitor(page: Page, gateway: Gateway) -> None:
    page.get_by_role("link", name="Live Monitor").click()
    expect(page.locator("#monitor-state")).to_have_text("Live")
    rows = page.locator("#translations tr[data-request]")
    body = {**CLAUDE, "model": "sim1/live", "top_k": 4}
    answer = gateway.http.post("/v1/messages", json=body)
    assert answer.status_code == 200
    expect(rows.first).to_contain_text("sim1/live")
    expect(rows.first).to_contain_text("Anthropic Messages")
    expect(rows.first).to_contain_text("→ OpenAI Chat Completions")
    expect(rows.first).to_contain_text("mcp_servers")
    rows.first.get_by_role("button").click()
    expect(page.locator("#translations tr[data-more-of]").first).to_contain_text("Left out")
    page.get_by_label("something left out").check()
    gateway.chat("sim1/plain")
    expect(rows.filter(has_text="sim1/plain")).to_be_hidden()
    page.get_by_label("something left out").uncheck()
    expect(rows.first).to_contain_text("sim1/plain")
    page.get_by_role("button", name="Pause").click()
    gateway.chat("sim1/held")
    expect(page.locator("#held")).to_have_text("1 held")
    expect(rows.first).to_contain_text("sim1/plain")
    page.get_by_role("button", name="Go on").click()
    expect(rows.first).to_contain_text("sim1/held")


def test_a_body_is_sent_to_one_provider_and_streams_back(gateway: Gateway, simulator: Simulator) -> None:
    gateway.manage("GET", "/api/health")
    key = {"authorization": f"Bearer {gateway.key}"}
    asked = {
        "provider": "sim1",
        "body": {**CLAUDE, "model": "hello", "messages": [{"role": "user", "content": "Hi"}]},
    }
    answer = gateway.http.post("/api/translator/send", json=asked, headers=key)
    assert (answer.status_code, answer.headers["x-omniroute-provider"]) == (
        200,
        gateway.rows()[-1]["provider"],
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: message_stop" in answer.text
    assert simulator.requests[-1].path == "/v1/chat/completions"
    simulator.behave("401")
    refused = gateway.http.post("/api/translator/send", json=asked, headers=key)
    assert refused.status_code == gateway.rows()[-1]["status"] >= 400
    assert refused.json()["type"] == "error"
    history = gateway.manage("GET", "/api/translator/history?limit=1")["events"][0]
    assert (history["sourceFormat"], history["targetFormat"]) == ("anthropic_messages", "openai_chat")
    assert history["status"] == "error"


def test_the_grant_is_nothing_that_a_client_can_send(gateway: Gateway) -> None:
    """Headers and parameters of that name are headers and parameters."""
    forged = {"omniroute.grant": "1", "host": "foreign.example", "user-agent": "OmniRoute-translator"}
    body = {"model": "three", "messages": [{"role": "user", "content": "x"}]}
    answer = gateway.http.post("/v1/chat/completions?omniroute.grant=1", json=body, headers=forged)
    assert answer.status_code in (400, 403)
