from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection, transaction

from billing import rollups
from billing.rollups import Try
from tests.management import ManagementClient, api  # noqa: F401

PATH = "/api/combos/metrics"
WHEN = datetime(2026, 3, 10, 12, tzinfo=UTC)


def tried(combo: str) -> None:
    tries = [
        Try(combo, "", "", failed=False, fell_back=True, latency_ms=300, status=200, moment=WHEN),
        Try(combo, "glm", "glm-4.7", failed=True, fell_back=False, latency_ms=100, status=429, moment=WHEN),
        Try(
            combo, "openai", "gpt-4o", failed=False, fell_back=False, latency_ms=200, status=200, moment=WHEN
        ),
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.add_tries(cursor, tries)


def test_a_combo_and_its_targets(api: ManagementClient):  # noqa: F811
    tried("free")
    tried("team/premium")
    assert sorted(api.ok("GET", PATH)["metrics"]) == ["free", "team/premium"]
    found = api.ok("GET", f"{PATH}?combo=free")["metrics"]
    expected = {
        "totalRequests": 1, "totalSuccesses": 1, "totalFailures": 0, "totalFallbacks": 1, "avgLatencyMs": 300,
        "successRate": 100, "fallbackRate": 100, "lastUsedAt": "2026-03-10T12:00:00Z",
    }  # fmt: skip
    assert found | expected == found
    assert list(found["byModel"]) == ["glm/glm-4.7", "openai/gpt-4o"]
    assert found["byModel"]["glm/glm-4.7"] == {
        "requests": 1, "successes": 0, "failures": 1, "avgLatencyMs": 100, "successRate": 0, "lastStatus": 429,
        "lastUsedAt": "2026-03-10T12:00:00Z",
    }  # fmt: skip


def test_a_combo_without_requests_has_none(api: ManagementClient):  # noqa: F811
    assert api.ok("GET", PATH) == {"metrics": {}}
    assert api.ok("GET", f"{PATH}?combo=free") == {"metrics": None}


def test_metrics_can_be_reset(api: ManagementClient):  # noqa: F811
    tried("free")
    tried("paid")
    assert api.ok("DELETE", f"{PATH}?combo=free")["success"]
    assert list(api.ok("GET", PATH)["metrics"]) == ["paid"]
    api.ok("DELETE", PATH)
    assert api.ok("GET", PATH) == {"metrics": {}}
