from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.keys import hash_key
from billing.models import ApiKey, Price, UsageRecord
from billing.usage.queries import utc_today
from providers.choices import provider_names
from providers.models import ProviderNode
from tests.html import only
from tests.usage import count, recorded

pytestmark = pytest.mark.django_db

KEYS = "/admin/billing/apikey/"
REQUESTS = "/admin/billing/usagerecord/"
DAYS = "/admin/billing/dailyusage/"
PRICES = "/admin/billing/price/"


def record(**values) -> UsageRecord:
    given = {"created_at": timezone.now(), "status": 200, "requested_model": "glm/glm-4.7"}
    return recorded(**{**given, **values})


def shown(client, url: str) -> list[int]:
    return [row.pk for row in client.get(url).context["cl"].result_list]


class TestNewKey:
    def create(self, client, **values):
        return client.post(f"{KEYS}add/", {"name": "Laptop", "scope": "use", **values})

    def secret(self, response) -> str:
        return only(r'id="new-key">([^<]+)<', response.content.decode())

    def test_it_is_shown_once_and_only_its_hash_is_kept(self, admin_client):
        response = self.create(admin_client)
        assert response.status_code == 200
        secret = self.secret(response)
        key = ApiKey.objects.get()
        assert key.key_hash == hash_key(secret)
        assert response.content.decode().count(f"Bearer {secret}") == 1
        for url in (KEYS, f"{KEYS}{key.pk}/change/", f"{KEYS}{key.pk}/history/", "/admin/"):
            html = admin_client.get(url).content.decode()
            assert secret not in html
            assert key.key_hash not in html

    def test_no_browser_or_proxy_keeps_the_page(self, admin_client):
        assert "no-store" in self.create(admin_client)["Cache-Control"]

    def test_neither_session_nor_cookie_nor_history_holds_it(self, admin_client):
        response = self.create(admin_client)
        secret = self.secret(response)
        assert all(secret not in cookie.value for cookie in response.cookies.values())
        assert all(secret not in str(session.get_decoded()) for session in Session.objects.all())
        (entry,) = LogEntry.objects.all()
        assert secret not in entry.change_message + entry.object_repr

    def test_it_takes_its_limits_along(self, admin_client):
        self.create(admin_client, scope="manage", allowed_models="premium\r\n glm/* \r\n\r\npremium")
        key = ApiKey.objects.get()
        assert (key.scope, key.allowed_models, key.is_active) == ("manage", ["premium", "glm/*"], True)

    def test_it_cannot_have_expired_already(self, admin_client):
        response = self.create(admin_client, expires_at_0="2020-01-01", expires_at_1="00:00:00")
        assert "expires_at" in response.context["adminform"].form.errors
        assert not ApiKey.objects.exists()

    def test_editing_leaves_the_key_alone(self, admin_client):
        secret = self.secret(self.create(admin_client))
        key = ApiKey.objects.get()
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(days=1))
        moment = ApiKey.objects.get().expires_at
        values = {"name": "Desk", "scope": "use", "allowed_models": "glm/*", "is_active": "on"}
        values |= {"expires_at_0": f"{moment:%Y-%m-%d}", "expires_at_1": f"{moment:%H:%M:%S}"}
        assert admin_client.post(f"{KEYS}{key.pk}/change/", values).status_code == 302
        key.refresh_from_db()
        assert (key.name, key.allowed_models, key.key_hash) == ("Desk", ["glm/*"], hash_key(secret))

    def test_it_is_switched_off_in_the_list(self, admin_client):
        self.create(admin_client)
        key = ApiKey.objects.get()
        data = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(key.pk), "_save": "Save"}
        admin_client.post(KEYS, data)
        key.refresh_from_db()
        assert not key.is_active


class TestRequests:
    def test_the_newest_come_first(self, admin_client):
        first, second = record(), record()
        assert shown(admin_client, REQUESTS) == [second.pk, first.pk]

    def test_it_never_counts_the_history(self, admin_client):
        record(status=500)
        for query in ("", "?result=error", "?q=abc", "?period=day&cost=unpriced"):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                admin_client.get(REQUESTS + query)
            sql = [each["sql"] for each in queries if "billing_usagerecord" in each["sql"]]
            assert sql
            assert not any("COUNT(" in each for each in sql), query
            assert all("LIMIT" in each or '"request_id" = ' in each for each in sql), query

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("result=ok", ["good"]),
            ("result=error", ["left", "limited"]),
            ("result=499", ["left"]),
            ("result=4xx", ["left", "limited"]),
            ("result=fallback", ["limited"]),
            ("provider=glm", ["good"]),
            ("model=glm-4.7", ["good"]),
            ("combo=free", ["limited"]),
            ("key=7", ["left"]),
            ("key=nonsense", ["left", "limited", "good"]),
            ("period=hour", ["left", "limited"]),
            ("cost=unpriced", ["limited"]),
            ("q=good", ["good"]),
            ("q=goo", []),
        ],
    )
    def test_filters(self, query, names, admin_client):
        old = timezone.now() - timedelta(hours=2)
        count(utc_today(), combo="free")
        ApiKey.objects.create(pk=7, name="Laptop", key_hash="x")
        record(
            request_id="good", provider="glm", served_model="glm-4.7", created_at=old, cost=1, input_tokens=5
        )
        record(request_id="limited", status=429, attempt_count=2, combo="free", input_tokens=5)
        record(request_id="left", status=499, api_key_id=7)
        rows = admin_client.get(f"{REQUESTS}?{query}").context["cl"].result_list
        assert [row.request_id for row in rows] == names

    def test_what_is_priced_apart_from_tokens_may_lack_a_price_too(self, admin_client):
        searched = record(status=200, priced_apart={"rerank_searches": 1})
        record(status=200, priced_apart={"rerank_searches": 1}, cost=0)
        assert shown(admin_client, f"{REQUESTS}?cost=unpriced") == [searched.pk]

    def test_an_unknown_price_is_no_zero(self, admin_client):
        record(input_tokens=10, output_tokens=5)
        html = admin_client.get(REQUESTS).content.decode()
        assert "unpriced" in html
        assert "$0" not in html

    def test_the_detail_tells_the_attempts_in_order(self, admin_client):
        attempts = [
            {
                "provider": "anthropic",
                "model": "claude",
                "account": "A",
                "status": 429,
                "error": "slow <b>",
                "ms": 212,
            },
            {
                "provider": "glm",
                "model": "glm-4.7",
                "account": "Plan",
                "status": None,
                "error": "refused",
                "ms": 3,
            },
            {
                "provider": "glm",
                "model": "glm-4.7",
                "account": "Backup",
                "status": 200,
                "error": "",
                "ms": 1400,
            },
        ]
        row = record(attempts=attempts, attempt_count=3, cost=Decimal("0.0042"), cost_source="override")
        html = admin_client.get(f"{REQUESTS}{row.pk}/change/").content.decode()
        places = [html.index(text) for text in ("slow &lt;b&gt;", "no answer", "1.4 s")]
        assert places == sorted(places)
        assert "$0.0042" in html
        assert "Own price" in html

    @pytest.mark.parametrize("attempts", [[], [{}], [{"provider": "glm"}]])
    def test_a_meagre_trail_breaks_nothing(self, attempts, admin_client):
        row = record(attempts=attempts, error_message="<script>")
        response = admin_client.get(f"{REQUESTS}{row.pk}/change/")
        assert response.status_code == 200
        assert "&lt;script&gt;" in response.content.decode()


class TestDays:
    def test_filters_offer_what_occurred(self, admin_client):
        count(utc_today(), requests=2, unpriced=1)
        old = utc_today() - timedelta(days=20)
        count(old, "openai", "gpt-4o", requests=4, api_key_id=99)
        html = admin_client.get(DAYS).content.decode()
        assert "1 unpriced" in html
        assert "deleted key 99" in html
        assert len(shown(admin_client, f"{DAYS}?period=week")) == 1
        assert len(shown(admin_client, f"{DAYS}?provider=openai")) == 1
        assert len(shown(admin_client, f"{DAYS}?cost=unpriced")) == 1


class TestPrices:
    values = {"provider": "glm", "model": "glm-4.7", "input": "0.6", "output": "2.2"}

    def test_it_is_shown_per_million_and_per_thousand(self, admin_client):
        assert admin_client.post(f"{PRICES}add/", self.values).status_code == 302
        html = admin_client.get(PRICES).content.decode()
        assert "$0.60 / 1M" in html
        assert "$0.0006 / 1K" in html
        assert "not set" in html

    def test_it_cannot_be_negative_or_twice(self, admin_client):
        def errors(**changes):
            response = admin_client.post(f"{PRICES}add/", {**self.values, **changes})
            return response.context["adminform"].form.errors

        assert "input" in errors(input="-1")
        Price.objects.create(**self.values)
        assert errors()


def test_filters_offer_no_counts_of_the_history(admin_client):
    record()
    for url in (REQUESTS, DAYS):
        assert "Show counts" not in admin_client.get(url).content.decode()


def test_requests_are_found_by_their_own_id(admin_client):
    row = record(request_id="req_0123456789abcdef01234567")
    page = admin_client.get(f"{REQUESTS}{row.request_id}/change/")
    assert page.context["original"] == row
    assert admin_client.get(f"{REQUESTS}req_unknown/change/").status_code == 302
    assert shown(admin_client, f"{REQUESTS}?q={row.request_id}") == [row.pk]


def test_a_request_is_looked_up_by_an_index():
    with connection.cursor() as cursor:
        indexes = connection.introspection.get_constraints(cursor, UsageRecord._meta.db_table).values()
    assert any(each["columns"] == ["request_id"] and each["index"] for each in indexes)


@pytest.mark.parametrize("url", [REQUESTS, DAYS])
def test_the_provider_filter_offers_names(url, admin_client):
    node = ProviderNode.objects.create(name="Desk", prefix="desk", base_url="http://localhost:11434/v1")
    for provider in (node.pk, "glm", "node-gone"):
        record(provider=provider)
    (found,) = (f for f in admin_client.get(url).context["cl"].filter_specs if f.title == "provider")
    assert [name for _, name in found.lookup_choices] == ["Desk", provider_names()["glm"], "node-gone"]
    assert len(shown(admin_client, f"{url}?provider={node.pk}")) == 1
