"""What is left of a plan, and the operator's wishes about it, on an account's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from providers.models import Account
from providers.quota import Window
from providers.quota import rows as quota_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    row = Account.objects.create(provider="claude", name="ada", auth_type="oauth", access_token="t")
    now = timezone.now()
    week = Window(
        key="seven_day",
        label="Week",
        kind="weekly",
        used_percent=86,
        resets_at=now + timedelta(days=3),
        fetched_at=now,
    )
    quota_rows.save(row.pk, [week], whole=True)
    return row


def page(account: Account) -> str:
    return reverse("admin:providers_account_change", args=(account.pk,))


def test_the_page_and_the_list_show_the_windows(admin_client: Any, account: Account) -> None:
    shown = admin_client.get(page(account)).content.decode()
    assert "begins anew in" in shown
    assert "<time datetime=" in shown
    listed = admin_client.get(reverse("admin:providers_account_changelist")).content.decode()
    assert "Begins anew in" in listed
    assert all('style="width: 86%"' in text for text in (shown, listed))


def test_what_has_no_measure_is_told_in_words(admin_client: Any, account: Account) -> None:
    extra: Any = {"kind": "credits", "used_percent": 0, "paid_extra": True, "fetched_at": timezone.now()}
    windows = [
        Window(key="credits", label="Credits", remaining=3.5, **extra),
        Window(key="overage", label="Paid overage", **extra),
        Window(key="chat", label="Chat", **{**extra, "paid_extra": False}, unlimited=True),
    ]
    quota_rows.save(account.pk, windows, whole=True)
    shown = admin_client.get(page(account)).content.decode()
    for words in ("3.5 left", "allowed", "unlimited"):
        assert f'<span class="or-window-note">{words}</span>' in shown
    assert "or-bar-" not in shown


def save(admin_client: Any, account: Account, **fields: str) -> Account:
    body = {
        "name": account.name,
        "priority": "1",
        "is_active": "on",
        "quota_reserve": "0",
        "provider_data": "{}",
    }
    answer = admin_client.post(page(account), {**body, **fields})
    assert answer.status_code == 302, answer.context["errors"]
    account.refresh_from_db()
    return account


def test_a_reserve_and_plan_only_are_kept(admin_client: Any, account: Account) -> None:
    saved = save(admin_client, account, quota_reserve="15", plan_only="on")
    assert (saved.quota_reserve, saved.plan_only) == (15, True)


def test_the_system_block_is_a_box_with_the_warning_beside_it(admin_client: Any, account: Account) -> None:
    shown = admin_client.get(page(account)).content.decode()
    assert "terms forbid this" in shown
    assert save(admin_client, account, claude_code_prompt="on").provider_data == {"claude_code_prompt": True}
    assert save(admin_client, account).provider_data == {}


def test_other_providers_have_neither_plan_nor_box(admin_client: Any) -> None:
    other = Account.objects.create(provider="openai", name="o", api_key="sk-test-0123456789")
    shown = admin_client.get(page(other)).content.decode()
    assert "quota_reserve" not in shown
    assert "claude_code_prompt" not in shown
