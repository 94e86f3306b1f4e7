from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from providers.models import Account
from resilience import classify
from resilience.breaker import breakers
from resilience.cooldown import cooldowns
from resilience.lockout import lockouts
from resilience.models import IpRules, ProviderProfile, RateLimitSettings, TemporaryBan
from resilience.profiles import PROFILES

pytestmark = pytest.mark.django_db

HEALTH, RESILIENCE = "/admin/gateway/health/", "/admin/gateway/resilience/"


@pytest.fixture
def admin(django_user_model) -> Client:
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("boss", password="a-password"))
    return client


@pytest.fixture
def trouble() -> Account:
    account = Account.objects.create(provider="openai", name="Work <1>", api_key="sk-secret-1234567890")
    for _ in range(5):
        breakers.fail("openai", PROFILES["apikey"])
        lockouts.note("login:192.0.2.7")
    cooldowns.apply(f"account:{account.pk}", classify.RATE_LIMITED, hint=95)
    cooldowns.apply(f"account:{account.pk}:gpt-5", classify.MODEL)
    return account


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_six_cards_show_what_holds_now(admin: Client, trouble: Account):
    text = page(admin, HEALTH)
    for title in (
        "System status",
        "Provider health",
        "Rate limits",
        "Active lockouts",
        "Signature cache",
        "Latency telemetry",
    ):
        assert f"<h2>{title}</h2>" in text
    for shown in ("Open", "Work &lt;1&gt;", "1 min 3", "gpt-5", "login:192.0.2.7", "5 failures"):
        assert shown in text
    assert "sk-secret" not in text


def test_accounts_that_wait_for_somebody_to_sign_in_lead_to_where_that_is_done(admin: Client):
    out = Account.objects.create(
        provider="claude", name="Ada", sign_in_needed_at=timezone.now(), sign_in_reason="The sign-in is over"
    )
    Account.objects.create(
        provider="claude", name="Bob", sign_in_needed_at=timezone.now(), is_active=False, priority=2
    )
    text = page(admin, f"{HEALTH}?cards")
    assert "The sign-in is over" in text
    assert f"/admin/providers/catalog/connect/claude/?account={out.pk}" in text
    assert "Bob" not in text


def test_the_page_asks_for_its_cards_alone(admin: Client, trouble: Account):
    text = page(admin, f"{HEALTH}?cards")
    assert "login:192.0.2.7" in text
    assert "<html" not in text


def test_a_new_gateway_has_nothing_to_show(admin: Client):
    text = page(admin, HEALTH)
    assert "No provider is connected." in text
    assert "No account is limited." in text


def test_profiles_limits_circuits_and_locks_are_on_one_page(admin: Client, trouble: Account):
    text = page(admin, RESILIENCE)
    for shown in (
        "Accounts signed in to",
        "Accounts with an API key",
        "Servers of your own",
        "200 ms",
        "Unlock",
    ):
        assert shown in text


def test_reset_all_takes_everything_back_by_post_alone(admin: Client, trouble: Account):
    admin.get("/admin/gateway/reset-all/")
    assert cooldowns.active()
    response = admin.post("/admin/gateway/reset-all/?from=health")
    assert response["Location"] == HEALTH
    assert not cooldowns.active()
    assert breakers.get("openai") is None
    assert lockouts.locked()


def test_an_identifier_is_unlocked_by_post_alone(admin: Client, trouble: Account):
    path = "/admin/gateway/unlock/?identifier=login:192.0.2.7"
    admin.get(path)
    assert lockouts.locked()
    assert admin.post(path)["Location"] == RESILIENCE
    assert not lockouts.locked()


def test_who_may_not_see_accounts_sees_no_health(django_user_model):
    client = Client()
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    for path in (HEALTH, RESILIENCE):
        assert client.get(path).status_code == 403
    assert client.post("/admin/gateway/reset-all/").status_code == 403


def test_a_provider_gets_a_profile_of_its_own(admin: Client):
    fields = {
        "name": "openai", "transient_cooldown_s": 9, "rate_limit_cooldown_s": 0, "max_backoff_level": 2,
        "breaker_failures": 7, "breaker_reset_s": 4, "throttle_below_percent": 5,
    }  # fmt: skip
    assert admin.post("/admin/resilience/providerprofile/add/", fields).status_code == 302
    assert ProviderProfile.objects.get(name="openai").as_profile().breaker_failures == 7
    assert "OpenAI" in page(admin, "/admin/resilience/providerprofile/")


def test_the_profile_of_a_kind_cannot_be_deleted(admin: Client):
    row, _ = ProviderProfile.objects.get_or_create(name="oauth")
    assert (
        admin.post(f"/admin/resilience/providerprofile/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    )


def test_limits_are_edited_and_lead_back(admin: Client):
    fields = {
        "requests_per_minute": 30, "min_gap_ms": 0, "max_concurrent": 2, "queue_size": 5, "queue_timeout_s": 1,
    }  # fmt: skip
    response = admin.post("/admin/resilience/ratelimitsettings/1/change/", fields)
    assert response["Location"] == RESILIENCE
    assert RateLimitSettings.load().requests_per_minute == 30


def test_limits_that_are_not_saved_lead_back_too(admin: Client):
    form = page(admin, "/admin/resilience/ratelimitsettings/1/change/")
    assert re.search(rf'<a[^>]*href="{RESILIENCE}"[^>]*>\s*Cancel', form)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"mode": "whitelist", "whitelist": "192.0.2.1"}, "lock you out"),
        ({"mode": "blacklist", "blacklist": "127.0.0.0/8"}, "lock you out"),
        ({"mode": "blacklist", "blacklist": "nonsense"}, "neither an address nor a range"),
    ],
)
def test_rules_that_lock_out_their_author_are_refused(admin: Client, rules, message: str):
    response = admin.post("/admin/resilience/iprules/1/change/", {"enabled": "on", **rules})
    assert message in response.content.decode()
    assert not IpRules.load().enabled


def test_rules_are_saved_line_by_line(admin: Client):
    lists = {"blacklist": "203.0.113.0/24\n\n2001:db8::/32\n", "whitelist": ""}
    admin.post("/admin/resilience/iprules/1/change/", {"enabled": "on", "mode": "blacklist", **lists})
    assert IpRules.load().blacklist == ["203.0.113.0/24", "2001:db8::/32"]


def test_one_s_own_address_is_not_banned(admin: Client):
    fields = {"address": "127.0.0.1", "until_0": "2100-01-01", "until_1": "00:00", "reason": ""}
    assert "lock you out" in admin.post("/admin/resilience/temporaryban/add/", fields).content.decode()
    admin.post("/admin/resilience/temporaryban/add/", {**fields, "address": "::ffff:192.0.2.9"})
    assert TemporaryBan.objects.get().address == "192.0.2.9"
