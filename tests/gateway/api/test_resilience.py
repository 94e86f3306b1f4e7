from __future__ import annotations

import pytest

from gateway.preparation.signatures import signatures
from gateway.records.telemetry import telemetry
from providers.models import Account
from resilience import classify
from resilience.breaker import breakers
from resilience.cooldown import cooldowns
from resilience.lockout import lockouts
from resilience.models import IpRules, ProviderProfile, TemporaryBan
from resilience.profiles import PROFILES
from tests.management import ManagementClient, api  # noqa: F401


@pytest.fixture
def account(db) -> Account:
    return Account.objects.create(provider="openai", name="work", api_key="sk-secret-1234567890")


def open_circuit(provider: str) -> None:
    for _ in range(5):
        breakers.fail(provider, PROFILES["apikey"])


def test_the_defaults_are_those_of_the_product(api: ManagementClient):  # noqa: F811
    answer = api.ok("GET", "/api/resilience")
    assert answer["profiles"]["oauth"] == {
        "transientCooldown": 5000,
        "rateLimitCooldown": 60000,
        "maxBackoffLevel": 8,
        "circuitBreakerThreshold": 3,
        "circuitBreakerReset": 60000,
        "throttleBelowPercent": 10,
    }
    assert answer["defaults"] == {
        "requestsPerMinute": 100,
        "minTimeBetweenRequests": 200,
        "concurrentRequests": 10,
        "queueSize": 100,
        "queueTimeout": 30000,
    }
    assert (answer["circuitBreakers"], answer["rateLimitStatus"]) == ([], {})


def test_profiles_and_defaults_change_one_by_one(api: ManagementClient):  # noqa: F811
    answer = api.ok("PATCH", "/api/resilience", {"profiles": {"apikey": {"transientCooldown": 1500}}})
    assert (answer["ok"], answer["profiles"]["apikey"]["transientCooldown"]) == (True, 1500)
    assert answer["profiles"]["apikey"]["circuitBreakerThreshold"] == 5
    assert answer["defaults"] is None
    answer = api.ok("PATCH", "/api/resilience", {"defaults": {"concurrentRequests": 3}})
    assert answer["defaults"]["concurrentRequests"] == 3
    assert answer["defaults"]["requestsPerMinute"] == 100


def test_a_provider_may_have_a_profile_of_its_own(api: ManagementClient):  # noqa: F811
    api.ok("PATCH", "/api/resilience", {"profiles": {"openai": {"circuitBreakerThreshold": 50}}})
    assert ProviderProfile.objects.get(name="openai").as_profile().breaker_failures == 50
    assert api.ok("GET", "/api/resilience")["profiles"]["openai"]["circuitBreakerThreshold"] == 50


@pytest.mark.parametrize(
    "body",
    [
        {"profiles": {"nobody": {"maxBackoffLevel": 1}}},
        {"profiles": {"apikey": {"circuitBreakerThreshold": 0}}},
        {"profiles": {"apikey": {"nonsense": 1}}},
        {"defaults": {"requestsPerMinute": -1}},
        {"defaults": {"queueTimeout": "soon"}},
        {"nonsense": 1},
    ],
)
def test_what_makes_no_sense_is_refused(api: ManagementClient, body):  # noqa: F811
    before = api.ok("GET", "/api/resilience")
    assert api.error("PATCH", "/api/resilience", body)[0] == 400
    assert api.ok("GET", "/api/resilience") == before


def test_circuits_cooldowns_and_their_reset(api: ManagementClient, account: Account):  # noqa: F811
    open_circuit("openai")
    cooldowns.apply(f"account:{account.pk}", classify.RATE_LIMITED, hint=60)
    (circuit,) = api.ok("GET", "/api/resilience")["circuitBreakers"]
    assert (circuit["name"], circuit["state"], circuit["failureCount"]) == ("openai", "OPEN", 5)
    assert 29_000 < circuit["retryAfterMs"] <= 30_000
    assert circuit["lastFailureTime"] > 1_600_000_000_000
    health = api.ok("GET", "/api/monitoring/health")
    assert health["status"] == "degraded"
    assert health["providerHealth"]["openai"]["state"] == "OPEN"
    assert [lockout["name"] for lockout in health["lockouts"]] == ["work"]
    answer = api.ok("POST", "/api/resilience/reset")
    assert (answer["ok"], answer["resetCount"]) == (True, 2)
    (circuit,) = api.ok("GET", "/api/policies")["circuitBreakers"]
    assert (circuit["state"], circuit["failureCount"], circuit["lastFailureTime"]) == ("CLOSED", 0, None)
    assert cooldowns.active() == {}


def test_cooldowns_are_taken_back_by_what_they_are_about(api: ManagementClient, account: Account):  # noqa: F811
    key = f"account:{account.pk}"
    for each in (key, f"{key}:gpt-5", "account:999:gpt-5"):
        cooldowns.apply(each, classify.AUTH)
    listed = api.ok("GET", "/api/resilience/model-cooldowns")["cooldowns"]
    assert {(each["connectionId"], each["model"]) for each in listed} == {
        (str(account.pk), None),
        (str(account.pk), "gpt-5"),
        (None, "gpt-5"),
    }
    path = "/api/resilience/model-cooldowns"
    assert api.ok("DELETE", f"{path}?connectionId={account.pk}&model=gpt-5")["cleared"] == 1
    assert api.ok("DELETE", f"{path}?provider=openai")["cleared"] == 1
    assert api.ok("DELETE", f"{path}?provider=nobody")["cleared"] == 0
    assert api.ok("DELETE", path)["cleared"] == 1


def test_a_locked_identifier_is_shown_and_unlocked(api: ManagementClient):  # noqa: F811
    for _ in range(5):
        lockouts.note("login:192.0.2.7")
    (locked,) = api.ok("GET", "/api/policies")["lockedIdentifiers"]
    assert (locked["identifier"], locked["locked"], locked["attempts"]) == ("login:192.0.2.7", True, 5)
    assert 890_000 < locked["remainingMs"] <= 900_000
    body = {"action": "unlock", "identifier": "login:192.0.2.7"}
    assert api.ok("POST", "/api/policies", body) == {
        "success": True,
        "action": "unlocked",
        "identifier": "login:192.0.2.7",
    }
    assert api.ok("GET", "/api/policies")["lockedIdentifiers"] == []
    assert api.error("POST", "/api/policies", {"action": "lock", "identifier": "x"})[0] == 400


def test_protection_is_switched_for_one_account(api: ManagementClient, account: Account):  # noqa: F811
    signatures.cache_clear()
    body = {"connectionId": str(account.pk), "enabled": True}
    assert api.ok("POST", "/api/rate-limits", body) == {"success": True, **body}
    for path in ("/api/rate-limits", "/api/rate-limit"):
        answer = api.ok("GET", path)
        (connection,) = answer["connections"]
        assert connection["rateLimitProtection"] is True
        assert (connection["queued"], connection["running"], connection["active"]) == (0, 0, False)
        assert answer["overview"].keys() == {f"openai:{account.pk}"}
        assert answer["cacheStats"]["activeKeys"] == 0
    assert "sk-secret" not in str(answer)
    assert api.error("POST", "/api/rate-limits", {"connectionId": "999", "enabled": True})[0] == 404


def test_the_telemetry_has_every_phase(api: ManagementClient):  # noqa: F811
    telemetry._ring.clear()
    answer = api.ok("GET", "/api/telemetry/summary?windowMs=1000")
    assert (answer["count"], answer["p99"]) == (0, 0)
    assert list(answer["phaseBreakdown"]) == [
        "parse", "validate", "resolve", "policy", "connect", "stream", "finalize",
    ]  # fmt: skip
    assert answer["phaseBreakdown"]["connect"] == {"count": 0, "p50": 0, "p95": 0, "avg": 0}
    assert api.error("GET", "/api/telemetry/summary?windowMs=0")[0] == 400


IP = "/api/settings/ip-filter"


def test_addresses_are_listed_and_unlisted(api: ManagementClient):  # noqa: F811
    answer = api.ok(
        "PUT", IP, {"enabled": True, "blacklist": ["10.0.0.0/8"], "addBlacklist": "2001:db8::/32"}
    )
    assert answer == {
        "enabled": True,
        "mode": "blacklist",
        "blacklist": ["10.0.0.0/8", "2001:db8::/32"],
        "whitelist": [],
        "tempBans": [],
    }
    assert api.ok("PUT", IP, {"removeBlacklist": "10.0.0.0/8"})["blacklist"] == ["2001:db8::/32"]
    assert api.ok("GET", IP)["blacklist"] == ["2001:db8::/32"]


def test_a_ban_is_set_prolonged_and_lifted(api: ManagementClient):  # noqa: F811
    for duration in (60_000, 120_000):
        body = {"tempBan": {"ip": "192.0.2.9", "durationMs": duration, "reason": "Scanning"}}
        (ban,) = api.ok("PUT", IP, body)["tempBans"]
        assert (ban["ip"], ban["reason"]) == ("192.0.2.9", "Scanning")
        assert duration - 5000 < ban["remainingMs"] <= duration
    assert api.ok("PUT", IP, {"removeBan": "192.0.2.9"})["tempBans"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"enabled": True, "mode": "whitelist", "whitelist": ["192.0.2.1"]},
        {"enabled": True, "blacklist": ["127.0.0.0/8"]},
        {"tempBan": {"ip": "127.0.0.1"}},
    ],
)
def test_one_cannot_lock_oneself_out(api: ManagementClient, body):  # noqa: F811
    status, message = api.error("PUT", IP, body)
    assert status == 400
    assert "lock you out" in message
    assert not IpRules.load().enabled
    assert not TemporaryBan.objects.exists()


@pytest.mark.parametrize(
    "body", [{"addBlacklist": "nonsense"}, {"mode": "greylist"}, {"tempBan": {"ip": "x"}}, {"enabled": 1}]
)
def test_a_bad_filter_is_refused(api: ManagementClient, body):  # noqa: F811
    assert api.error("PUT", IP, body)[0] == 400
