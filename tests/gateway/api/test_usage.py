from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from billing.keys import create_api_key
from billing.models import UsageRecord
from gateway.records import in_flight
from providers import catalog
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401
from tests.usage import count


def test_usage_history_has_the_documented_shape(api: ManagementClient, monkeypatch):  # noqa: F811
    monkeypatch.setattr(in_flight, "_flights", {})  # other tests leave trials open
    account = Account.objects.create(provider="glm", name="work", api_key="k")
    key = create_api_key("ci").record
    tokens = {"input_tokens": 30, "output_tokens": 6}
    count(
        timezone.now(),
        account_id=account.pk,
        api_key_id=key.pk,
        combo="free",
        requests=3,
        cost="0.5",
        **tokens,
    )
    count(timezone.now() - timedelta(days=40), "ds", "m", account_id=99)
    in_flight.begin(key, in_flight.Flight("glm-4.7", "glm", "work"))
    stats = api.ok("GET", "/api/usage/history")
    in_flight.end(key)
    assert (stats["totalRequests"], stats["totalPromptTokens"], stats["totalCompletionTokens"]) == (4, 30, 6)
    assert stats["totalCost"] == 0.5
    glm = stats["byProvider"]["glm"]
    assert (glm["requests"], glm["provider"], glm["providerName"]) == (3, "glm", catalog.load()["glm"].name)
    assert stats["byModel"]["glm/glm-4.7"]["rawModel"] == "glm-4.7"
    assert stats["byAccount"][str(account.pk)]["accountName"] == "work"
    assert stats["byAccount"]["99"]["accountName"] == "deleted"
    assert stats["byApiKey"][str(key.pk)] | {"keyName": "ci", "cost": 0.5} == stats["byApiKey"][str(key.pk)]
    assert stats["byApiKey"]["local"]["requests"] == 1
    minutes = [row["requests"] for row in stats["last10Minutes"]]
    assert minutes in ([0] * 9 + [3], [0] * 8 + [3, 0])  # the minute may end in between
    assert stats["pending"] == {"byModel": {"glm-4.7": 1}, "byAccount": {"work": 1}}
    assert stats["activeRequests"] == [{"model": "glm-4.7", "provider": "glm", "account": "work", "count": 1}]
    assert api.ok("GET", "/api/usage/history")["activeRequests"] == []
    assert api.ok("GET", "/api/usage/history?range=30d")["totalRequests"] == 3
    assert api.error("GET", "/api/usage/history?range=never") == (400, "range")


def test_usage_stays_fast_with_a_long_history(api: ManagementClient):  # noqa: F811
    now = timezone.now()
    row = {"status": 200, "provider": "p"}
    UsageRecord.objects.bulk_create(
        UsageRecord(created_at=now - timedelta(seconds=second), **row) for second in range(500)
    )
    columns = ", ".join(f.attname for f in UsageRecord._meta.concrete_fields if not f.primary_key)
    table = UsageRecord._meta.db_table
    with connection.cursor() as cursor:
        while UsageRecord.objects.count() < 100_000:
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}")
    for path in ("/api/usage/history", "/api/usage/logs"):
        started = time.perf_counter()
        answer = api.ok("GET", path)
        assert time.perf_counter() - started < 2, path
    assert len(answer) == 200
