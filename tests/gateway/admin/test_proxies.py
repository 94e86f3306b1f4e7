from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from combos.models import Combo
from providers.models import Account, ProxyRule

pytestmark = pytest.mark.django_db
ADD = "/admin/providers/proxyrule/add/"
PROXY = {
    "kind": "http",
    "host": "proxy.example.com",
    "port": "8080",
    "username": "me",
    "password": "pass word é",
}


@pytest.fixture
def boss(admin_client: Client) -> Client:
    return admin_client


@pytest.mark.parametrize("level", ["global", "provider", "combo", "key"])
def test_an_entry_can_be_made_at_each_level(boss: Client, level: str) -> None:
    account = Account.objects.create(provider="openai", name="Work", api_key="k")
    combo = Combo.objects.create(name="fast")
    targets = {"provider": "groq", "combo": str(combo.pk), "account": str(account.pk)}
    stored = {"global": "", "provider": "groq", "combo": str(combo.pk), "key": str(account.pk)}
    assert boss.post(ADD, {"level": level, **targets, **PROXY}).status_code == 302
    rule = ProxyRule.objects.get()
    assert (rule.target, rule.password) == (stored[level], "pass word é")
    page = boss.get("/admin/providers/proxyrule/").content.decode()
    assert {"global": "Everything", "provider": "Groq", "combo": "fast", "key": "Work"}[level] in page
    assert "pass word" not in page
    again = boss.post(ADD, {"level": level, **targets, **PROXY})
    assert "There is an entry for this already" in again.content.decode()


def test_direct_needs_no_address_and_a_proxy_needs_one(boss: Client) -> None:
    answer = boss.post(ADD, {"level": "global", "kind": "http", "host": "http://a", "port": ""})
    assert "without http://" in answer.content.decode()
    assert boss.post(ADD, {"level": "provider", "provider": "", "kind": "direct"}).status_code == 200
    assert boss.post(ADD, {"level": "global", "kind": "direct"}).status_code == 302
    assert ProxyRule.objects.get().proxy.is_direct


def test_an_empty_password_keeps_the_stored_one_and_the_form_never_shows_it(boss: Client) -> None:
    rule = ProxyRule.objects.create(kind="http", host="a", port=1, password="hunter22")
    path = f"/admin/providers/proxyrule/{rule.pk}/change/"
    assert "hunter22" not in boss.get(path).content.decode()
    values: dict[str, Any] = {**PROXY, "level": "global", "password": ""}
    assert boss.post(path, values).status_code == 302
    rule.refresh_from_db()
    assert (rule.host, rule.password) == ("proxy.example.com", "hunter22")


def test_a_proxy_is_tried_by_post_only(boss: Client) -> None:
    rule = ProxyRule.objects.create(kind="http", host="127.0.0.1", port=1)
    path = f"/admin/providers/proxyrule/{rule.pk}/test/"
    assert "cannot be reached" not in boss.get(path, follow=True).content.decode()
    assert "127.0.0.1:1 cannot be reached" in boss.post(path, follow=True).content.decode()
