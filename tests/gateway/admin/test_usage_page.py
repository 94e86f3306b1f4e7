from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.keys import create_api_key
from billing.models import RequestLog
from gateway.admin.usage_page import DIMENSIONS
from providers.models import Account
from tests.html import json_script
from tests.usage import count, recorded

pytestmark = pytest.mark.django_db

PAGE = "/admin/gateway/usage/"


@pytest.fixture
def used():
    account = Account.objects.create(provider="glm", name="Plan", api_key="k")
    key = create_api_key("Laptop").record
    now = timezone.now()
    tokens = {"input_tokens": 1000, "output_tokens": 200, "cache_read_tokens": 400, "reasoning_tokens": 50}
    where = {"account_id": account.pk, "api_key_id": key.pk, "combo": "free"}
    count(
        now, **where, requests=4, errors=1, cost="0.5", saved="2.25", cache_hits=1, latency_ms=4000, **tokens
    )
    count(now, "openai", "gpt-4o", requests=2, unpriced=2, **tokens)
    count(now, "", "")
    count(now - timedelta(days=40), requests=7)


def page(client, query: str = "") -> str:
    response = client.get(PAGE + query)
    assert response.status_code == 200
    return str(response.content, "utf-8")


@pytest.mark.parametrize("range_", ["24h", "7d", "30d", "90d", "ytd", "all", "nonsense"])
@pytest.mark.parametrize("by", [*DIMENSIONS, "nonsense"])
def test_every_view_answers_with_usage_and_without(by, range_, admin_client, used):
    assert "usage-chart" in page(admin_client, f"?range={range_}&by={by}")


def test_without_usage_it_says_so(admin_client):
    html = page(admin_client)
    assert "Nothing was asked in this period." in html
    assert "usage-chart" not in html


def test_the_figures_of_a_period(admin_client, used):
    html = page(admin_client)
    for text in ("$0.50", "$2.25", "1 cache hit", "1 of 7", "2 unpriced", "2k in · 400 out", "7 requests"):
        assert text in html, text


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("model", ["glm-4.7", "gpt-4o", "No model"]),
        ("account", ["Plan"]),
        ("key", ["Laptop", "Without a key"]),
        ("combo", ["free", "No combo"]),
    ],
)
def test_the_chart_has_a_line_for_each(by, names, admin_client, used):
    data = json_script("usage-data", page(admin_client, f"?by={by}"))
    assert [line["label"] for line in data["lines"]] == names
    assert len(data["labels"]) == 30
    assert (
        sum(sum(line["requests"]) for line in data["lines"]) == sum(data["whole"]["requests"])
        or by == "account"
    )


def test_days_show_what_failed_and_what_tokens_were(admin_client, used):
    data = json_script("usage-data", page(admin_client, "?by=all"))
    assert (sum(data["whole"]["requests"]), sum(data["failed"])) == (7, 1)
    assert sum(data["split"]["Fresh input"]) == 1200
    assert sum(data["split"]["Output"]) == 300


def test_figures_are_compared_with_the_time_before(admin_client, used):
    cards = {card.title: card for card in admin_client.get(PAGE).context["cards"]}
    assert cards["Requests"].change == 0
    assert cards["Cost"].change is None
    assert page(admin_client, "?range=all").count("or-change") == 0


def test_rows_lead_to_their_requests(admin_client, used):
    assert "/admin/billing/usagerecord/?model=gpt-4o&amp;provider=openai" in page(admin_client)


def test_it_reads_the_roll_ups_alone(admin_client, used):
    for by in DIMENSIONS:
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, f"?range=all&by={by}")
        assert not any("billing_usagerecord" in each["sql"] for each in queries)
        assert len(queries) < 25


def test_names_are_text(admin_client):
    count(timezone.now(), "glm", "<script>alert(1)</script>")
    html = page(admin_client)
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_request_shows_what_went_over_the_wire(admin_client, settings):
    from billing.usage.request_logs import _pack

    row = recorded(created_at=timezone.now(), status=200, request_id="req_1")
    url = f"/admin/billing/usagerecord/{row.pk}/change/"
    assert "ENABLE_REQUEST_LOGS=true" in admin_client.get(url).content.decode()
    settings.ENABLE_REQUEST_LOGS = True
    assert "Nothing is logged of this request" in admin_client.get(url).content.decode()
    cut = {"_truncated": True, "_originalSize": 20480, "_preview": "begin"}
    answer = {"status": 200, "headers": {"x-a": "b"}, "body": {"text": "<b>hello</b>"}}
    log = {
        "request": {"method": "POST", "path": "/v1/messages", "headers": {}, "body": cut},
        "upstream": [{"request": {"url": "https://up", "headers": {}, "body": None}, "response": answer}],
        "response": answer,
    }
    RequestLog.objects.create(request_id="req_1", created_at=timezone.now(), document=_pack(log))
    html = admin_client.get(url).content.decode()
    assert "&lt;b&gt;hello&lt;/b&gt;" in html
    assert "begin…" in html
    assert "20.0" in html
    assert "https://up" in html


def test_the_settings_of_the_history_have_their_form(admin_client):
    url = "/admin/billing/usagesettings/1/change/"
    form = admin_client.get(url).context["adminform"].form
    values = {name: form.initial.get(name) or "" for name in form.fields}
    assert admin_client.post(url, {**values, "keep_daily_days": 10}).context["adminform"].form.errors
    assert admin_client.post(url, {**values, "keep_requests_days": ""}).status_code == 302
    assert admin_client.get(url).context["adminform"].form.initial["keep_requests_days"] is None
