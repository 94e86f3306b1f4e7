from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.keys import create_api_key
from billing.models import UsageRecord
from billing.usage.queries import utc_today
from combos.models import Combo
from providers.models import Account, ProviderNode
from tests.html import json_script, only
from tests.usage import count

pytestmark = pytest.mark.django_db

KEY = "sk-home-page-secret-0123456789"


@pytest.fixture
def used():
    account = Account.objects.create(provider="glm", name="Plan", api_key=KEY, test_status="valid")
    Account.objects.create(provider="glm", name="Backup", api_key=KEY, test_status="invalid")
    values = {"provider": "glm", "model": "glm-4.7", "account_id": account.pk, "input_tokens": 1200}
    values |= {"requests": 8, "errors": 2, "unpriced": 3, "output_tokens": 300, "cache_read_tokens": 400}
    count(utc_today(), cost="0.0123", latency_ms=800, **values)
    for status in (200, 429):
        UsageRecord.objects.create(
            created_at=timezone.now(), status=status, requested_model="glm/glm-4.7", served_model="glm-4.7"
        )


def page(client) -> str:
    return str(client.get("/admin/").content, "utf-8")


def command(html: str) -> str:
    return unescape(only(r'<pre id="first-request">(.*?)</pre>', html))


def test_a_new_installation_is_shown_the_way(admin_client, settings):
    settings.BASE_URL = "https://llm.example.org/"
    settings.REQUIRE_API_KEY = False
    html = page(admin_client)
    assert "Three steps to the first answer" in html
    assert "curl https://llm.example.org/v1/chat/completions" in command(html)
    assert "Authorization" not in command(html)
    assert "usage-chart" not in html


def test_the_command_is_one_that_works(admin_client, settings):
    settings.REQUIRE_API_KEY = True
    Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    create_api_key("Laptop")
    text = command(page(admin_client))
    body = json.loads(only(r"-d '(.*)'", text))
    assert body["model"].startswith("glm/")
    assert "Authorization: Bearer" in text
    Combo.objects.create(name="premium")
    assert '"model": "premium"' in command(page(admin_client))


def test_the_command_asks_a_server_of_one_s_own_whose_models_nobody_knows(admin_client):
    node = ProviderNode.objects.create(name="Desk", prefix="desk", base_url="http://localhost:11434/v1")
    Account.objects.create(provider=node.pk, name="Desk", auth_type="none")
    assert '"model": "desk/MODEL"' in command(page(admin_client))


def test_steps_that_are_done_are_marked(admin_client):
    assert page(admin_client).count("or-done") == 0
    Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    create_api_key("Laptop")
    assert page(admin_client).count("or-done") == 2


def test_the_first_answer_ends_the_introduction(used, admin_client):
    html = page(admin_client)
    assert "Three steps" not in html
    assert "1.2k in · 300 out · 400 cached" in html
    assert "$0.012" in html
    assert re.search(r"3 unpriced</span>, not in this sum", html)
    assert "2 of 8 failed" in html
    assert "1 of 2 failed the last test" in html
    assert KEY not in html


def test_a_request_that_failed_leaves_the_introduction_where_it_is(admin_client):
    UsageRecord.objects.create(created_at=timezone.now(), status=503, requested_model="openai/gpt-4o")
    count(utc_today(), requests=1, errors=1)
    html = page(admin_client)
    assert "Three steps to the first answer" in html
    assert "openai/gpt-4o" in html


def test_requests_that_reached_nobody_are_told_from_those_that_cost_nothing(used, admin_client):
    count(utc_today(), provider="", model="")
    html = page(admin_client)
    assert "<b>No model</b><small>Reached no provider</small>" in html
    assert "· 1.5k tokens" in html
    assert "> · " not in html


def test_a_provider_that_answered_today_needs_no_test(admin_client):
    Account.objects.create(provider="glm", name="Plan", api_key=KEY)
    assert "Not tested yet" in page(admin_client)
    count(utc_today(), provider="glm", model="glm-4.7", requests=1)
    assert "Answering" in page(admin_client)
    assert "Not tested yet" not in page(admin_client)


def test_an_account_without_the_key_that_its_provider_asks_for_is_shown(admin_client):
    Account.objects.create(provider="openai", name="imported")
    assert "1 of 1 without a key" in admin_client.get("/admin/").content.decode()


def test_the_last_requests_lead_to_their_pages(used, admin_client):
    html = page(admin_client)
    for row in UsageRecord.objects.all():
        link = f"/admin/billing/usagerecord/{row.request_id}/change/"
        assert f'href="{link}"' in html
        assert admin_client.get(link).context["original"] == row


def test_the_chart_covers_fourteen_days(used, admin_client):
    data = json_script("usage-data", page(admin_client))
    drawn = [*data["whole"].values(), *data["split"].values(), data["labels"], data["failed"]]
    assert {len(values) for values in drawn} == {14}
    assert (data["whole"]["requests"][-1], data["failed"][-1]) == (8, 2)
    assert data["whole"]["cost"][-1] == 0.0123


def test_it_reads_no_more_with_a_longer_history(used, admin_client):
    cache.clear()  # what is remembered for seconds must not run out between the two
    page(admin_client)
    with CaptureQueriesContext(connection) as before:
        page(admin_client)
    now = timezone.now()
    UsageRecord.objects.bulk_create([UsageRecord(created_at=now, status=200) for _ in range(500)])
    with CaptureQueriesContext(connection) as after:
        page(admin_client)
    assert len(after) == len(before) < 30
    history = [each["sql"] for each in after if "billing_usagerecord" in each["sql"]]
    assert all("LIMIT" in sql and "COUNT" not in sql for sql in history)


def test_settings_open_their_one_form(admin_client):
    response = admin_client.get("/admin/gateway/timelimits/", follow=True)
    form = response.context["adminform"].form
    values = {name: str(form.initial[name]) for name in form.fields}
    url = response.redirect_chain[-1][0]
    refused = admin_client.post(url, {**values, "idle_timeout_s": "0"})
    assert "idle_timeout_s" in refused.context["adminform"].form.errors
    assert admin_client.post(url, {**values, "idle_timeout_s": "45"}).status_code == 302
    assert admin_client.get(url).context["adminform"].form.initial["idle_timeout_s"] == 45


def test_it_tells_nothing_to_who_may_see_nothing(used, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    html = page(client)
    assert "glm" not in html.lower()
    assert "Requests today" not in html
