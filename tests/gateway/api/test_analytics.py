from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from billing.keys import create_api_key
from providers import catalog
from providers.models import Account
from tests.management import ManagementClient, api  # noqa: F401
from tests.usage import count


def test_analytics_have_the_documented_shape(api: ManagementClient):  # noqa: F811
    account = Account.objects.create(provider="glm", name="work", api_key="k")
    key = create_api_key("ci").record
    now = timezone.now()
    tokens = {"input_tokens": 300, "output_tokens": 60, "cache_read_tokens": 100, "reasoning_tokens": 20}
    count(
        now,
        account_id=account.pk,
        api_key_id=key.pk,
        combo="free",
        requests=3,
        cost="0.5",
        saved="2",
        **tokens,
    )
    count(
        now - timedelta(days=1), "openai", "gpt-4o", account_id=99, input_tokens=40, errors=1, latency_ms=500
    )
    count(now - timedelta(days=60), "openai", "gpt-4o", input_tokens=1)
    found = api.ok("GET", "/api/usage/analytics?range=7d")
    summary = found["summary"]
    assert (summary["totalRequests"], summary["totalErrors"], summary["totalTokens"]) == (4, 1, 400)
    assert (summary["promptTokens"], summary["completionTokens"], summary["cachedTokens"]) == (340, 60, 100)
    assert (summary["totalCost"], summary["totalSaved"], summary["reasoningTokens"]) == (0.5, 2, 20)
    assert (summary["uniqueModels"], summary["uniqueAccounts"], summary["uniqueApiKeys"]) == (2, 2, 1)
    assert (summary["streak"], found["granularity"], len(found["dailyTrend"])) == (2, "day", 7)
    today = found["dailyTrend"][-1]
    assert (today["date"], today["requests"], today["cost"]) == (now.date().isoformat(), 3, 0.5)
    assert found["modelNames"] == ["glm-4.7", "gpt-4o"]
    assert found["dailyByModel"][-1] == {"date": now.date().isoformat(), "glm-4.7": 360, "gpt-4o": 0}
    glm = found["byModel"][0]
    assert (glm["model"], glm["provider"], glm["pct"], glm["totalTokens"]) == ("glm-4.7", "glm", 90.0, 360)
    assert glm["providerName"] == catalog.load()["glm"].name
    assert [each["account"] for each in found["byAccount"]] == ["work", "deleted account 99"]
    assert [each["apiKeyName"] for each in found["byApiKey"]] == ["ci", "local"]
    assert [each["combo"] for each in found["byCombo"]] == ["free"]
    assert found["byProvider"][1]["avgLatencyMs"] == 500
    assert sum(found["activityMap"].values()) == 401
    assert sum(day["totalTokens"] for day in found["weeklyPattern"]) == 400


def test_every_range_answers_and_others_do_not(api: ManagementClient):  # noqa: F811
    for range_, points in (("24h", 24), ("7d", 7), ("30d", 30), ("90d", 90), ("all", 1)):
        assert len(api.ok("GET", f"/api/usage/analytics?range={range_}")["dailyTrend"]) == points
    assert api.ok("GET", "/api/usage/analytics?range=ytd")["dailyTrend"][0]["date"].endswith(
        ("-01", "-12-29")
    )
    assert api.error("GET", "/api/usage/analytics?range=never") == (400, "range")
