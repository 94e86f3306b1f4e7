"""Accounts that are put aside: shown to whoever looks, taken back by whoever may change them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client

from providers.config import AccountConfig
from providers.cooling import account_key, clear_cooldowns, cooling_accounts
from providers.models import Account
from resilience.classify import AUTH, MODEL, RATE_LIMITED
from resilience.cooldown import cooldowns
from tests.management import ManagementClient, api  # noqa: F401

pytestmark = pytest.mark.django_db

LIST = "/admin/providers/account/"


@pytest.fixture(autouse=True)
def _nothing_cools():
    cooldowns.reset()
    yield
    cooldowns.reset()


@pytest.fixture
def work():
    return Account.objects.create(provider="openai", name="Work", api_key="sk-1234567890")


@pytest.fixture
def spare():
    return Account.objects.create(provider="openai", name="Spare", api_key="sk-0987654321", priority=2)


def cool(account: Account) -> None:
    cooldowns.apply(account_key(account.pk), RATE_LIMITED, 90)
    cooldowns.apply(f"{account_key(account.pk)}:gpt-4o", MODEL)


def texts(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_an_account_is_known_to_routing_by_the_same_key(work):
    assert AccountConfig(work.pk, "openai", "Work").key == account_key(work.pk)


def test_what_cools_is_told_by_account_the_longest_first(work, spare):
    cool(work)
    cooldowns.apply("provider:node-1", AUTH)
    found = cooling_accounts()
    assert list(found) == [work.pk]
    assert [each.text for each in found[work.pk]] == ["gpt-4o: model unavailable", "Rate limited"]
    assert 89 < found[work.pk][1].remaining_s <= 90


def test_clearing_an_account_takes_back_its_models_and_nobody_elses(work, spare):
    cool(work)
    cool(spare)
    cooldowns.apply(f"{account_key(work.pk)}0", AUTH)
    assert clear_cooldowns([work.pk]) == 2
    assert clear_cooldowns([work.pk]) == 0
    assert cooldowns.get(f"{account_key(work.pk)}0")
    assert len(cooling_accounts()[spare.pk]) == 2


def test_the_list_and_the_page_show_why_and_for_how_long(work, spare, admin_client):
    cool(work)
    html = admin_client.get(LIST).content.decode()
    assert "Rate limited · 1 min" in html
    assert re.search("gpt-4o: model unavailable · (2 min 0|1 min 59) s", html)
    assert html.count("or-cooling") == 1
    assert "Rate limited" in admin_client.get(f"{LIST}{work.pk}/change/").content.decode()


def test_the_page_offers_to_clear_only_what_cools(work, spare, admin_client):
    cool(work)
    assert "clear-cooldown" in admin_client.get(f"{LIST}{work.pk}/change/").content.decode()
    assert "clear-cooldown" not in admin_client.get(f"{LIST}{spare.pk}/change/").content.decode()


def test_one_click_on_the_page_clears_it(work, admin_client):
    cool(work)
    url = f"{LIST}{work.pk}/clear-cooldown/"
    admin_client.get(url)
    assert cooling_accounts()
    response = admin_client.post(url)
    assert response["Location"] == f"{LIST}{work.pk}/change/"
    assert texts(response) == ["2 cooldowns cleared."]
    assert not cooling_accounts()
    assert texts(admin_client.post(url))[-1] == "There was no cooldown to clear."


def test_the_selected_accounts_are_cleared(work, spare, admin_client):
    cool(work)
    cool(spare)
    admin_client.post(LIST, {"action": "clear_selected", "_selected_action": [str(work.pk)]})
    assert list(cooling_accounts()) == [spare.pk]


def test_who_may_only_look_cannot_clear(work, client, django_user_model):
    user = django_user_model.objects.create_user("guest", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_account"))
    client.force_login(user)
    cool(work)
    assert "Rate limited" in client.get(LIST).content.decode()
    assert client.post(f"{LIST}{work.pk}/clear-cooldown/").status_code == 403
    client.post(LIST, {"action": "clear_selected", "_selected_action": [str(work.pk)]})
    assert client.post("/admin/gateway/clear-cooldowns/").status_code == 403
    assert "Clear all" not in client.get("/admin/").content.decode()
    assert cooling_accounts()


def test_another_page_cannot_clear(work, admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    cool(work)
    for url in (f"{LIST}{work.pk}/clear-cooldown/", "/admin/gateway/clear-cooldowns/"):
        assert client.post(url).status_code == 403
    assert cooling_accounts()


def test_the_home_page_names_what_cools_and_clears_it_all(work, spare, admin_client):
    assert "Clear all cooldowns" not in admin_client.get("/admin/").content.decode()
    cool(work)
    html = admin_client.get("/admin/").content.decode()
    assert "Work" in html
    assert "Rate limited · 1 min" in html
    assert "Clear all cooldowns" in html
    admin_client.get("/admin/gateway/clear-cooldowns/")
    assert cooling_accounts()
    response = admin_client.post("/admin/gateway/clear-cooldowns/")
    assert response["Location"] == "/admin/"
    assert texts(response) == ["2 cooldowns cleared."]
    assert not cooling_accounts()


def test_the_api_tells_until_when(work, spare, api: ManagementClient):  # noqa: F811
    cooldowns.apply(account_key(work.pk), RATE_LIMITED)
    cooldowns.apply(f"{account_key(spare.pk)}:gpt-4o", MODEL)
    first, second = api.ok("GET", "/api/providers")["connections"]
    until = datetime.fromisoformat(first["rateLimitedUntil"])
    assert timedelta(0) < until - datetime.now(UTC) < timedelta(minutes=5)
    assert (first["backoffLevel"], first["errorCode"]) == (1, "rate_limited")
    assert (second["backoffLevel"], second["errorCode"], second["rateLimitedUntil"]) == (0, None, None)
    clear_cooldowns([work.pk])
    shown = api.ok("GET", f"/api/providers/{work.pk}")["connection"]
    assert (shown["backoffLevel"], shown["errorCode"], shown["rateLimitedUntil"]) == (0, None, None)
