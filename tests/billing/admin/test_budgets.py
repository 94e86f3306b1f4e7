from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from billing.budgets.editing import save_budget
from billing.budgets.status import statuses
from billing.keys import create_api_key
from billing.models import ApiKey, Budget
from providers.models import Account
from tests.billing.budgets.test_budgets import used

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/budget/"


@pytest.fixture
def key() -> ApiKey:
    return create_api_key("laptop").record


def form(**changes: object) -> dict[str, object]:
    given = {
        "name": "", "api_key": "", "account": "", "limit": "5", "unit": "usd", "period": "daily", "time_zone": "UTC",
        "warning_percent": "80", "is_active": "on",
    }  # fmt: skip
    return {**given, **changes}


def test_the_list_shows_how_far_each_budget_is_used(admin_client, key: ApiKey):
    used(key, timezone.now(), cost="4.5")
    save_budget(Budget(api_key=key, limit=Decimal(5), period="daily", time_zone="Asia/Tokyo"))
    save_budget(Budget(limit=Decimal(4), period="once", name="All in all"))
    html = admin_client.get(LIST).content.decode()
    assert "$5.00 a day" in html
    assert "laptop" in html
    assert "Asia/Tokyo" in html
    assert "All in all" in html
    assert "$0 of $4.00" in html  # counts from the moment that it was made


@pytest.mark.parametrize(
    ("limit", "words"), [("0.0123", "$0.0123"), ("12.345", "$12.345"), ("1500", "$1,500.00")]
)
def test_a_limit_is_not_rounded(admin_client, limit: str, words: str):
    save_budget(Budget(limit=Decimal(limit), period="once"))
    html = admin_client.get(LIST).content.decode()
    assert f"{words} once" in html
    assert f"$0 of {words}" in html


def test_the_bar_warns_and_tells_when_all_is_spent(admin_client, key: ApiKey):
    used(key, timezone.now(), cost="4.5")
    row = save_budget(Budget(api_key=key, limit=Decimal(5), period="monthly"))
    html = admin_client.get(LIST).content.decode()
    assert 'class="or-bar-warn" style="width: 90.0%"' in html
    row.limit = Decimal("4.5")
    save_budget(row)
    assert "spent</b>" in admin_client.get(LIST).content.decode()


def test_a_budget_is_made_and_changed_in_the_form(admin_client, key: ApiKey):
    assert admin_client.post(f"{LIST}add/", form(api_key=key.pk)).status_code == 302
    row = Budget.objects.get()
    assert (row.api_key_id, int(row.limit), row.revision) == (key.pk, 5, 1)
    shown = admin_client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert 'value="5"' in shown
    changed = form(api_key=key.pk, period="weekly", limit="7.5")
    assert admin_client.post(f"{LIST}{row.pk}/change/", changed).status_code == 302
    row.refresh_from_db()
    assert (row.limit, row.period, row.revision) == (Decimal("7.5"), "weekly", 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limit": "0"}, "The limit must be above 0."),
        ({"limit": "-3"}, "The limit must be above 0."),
        ({"time_zone": "Mars/Base"}, "is no time zone"),
        ({"warning_percent": "300"}, "Between 1 and 100."),
    ],
)
def test_the_form_says_what_is_wrong(admin_client, changes: dict[str, object], words: str):
    response = admin_client.post(f"{LIST}add/", form(**changes))
    assert response.status_code == 200
    assert words in response.content.decode()


def test_a_budget_is_for_a_key_or_for_an_account(admin_client, key: ApiKey):
    account = Account.objects.create(provider="openai", name="work", api_key="sk-x")
    response = admin_client.post(f"{LIST}add/", form(api_key=key.pk, account=account.pk))
    assert "Make two budgets instead" in response.content.decode()


def test_a_budget_for_once_begins_again_by_post_alone(admin_client, key: ApiKey):
    row = save_budget(Budget(api_key=key, limit=Decimal(5), period="once"))
    used(key, timezone.now())
    path = f"{LIST}{row.pk}/begin-again/"
    admin_client.get(path, follow=True)
    row.refresh_from_db()
    assert row.revision == 1
    admin_client.post(path, follow=True)
    row.refresh_from_db()
    assert row.revision == 2
    assert statuses([row])[0].used == 0


def test_keys_and_accounts_show_their_budgets(admin_client, key: ApiKey):
    account = Account.objects.create(provider="openai", name="work", api_key="sk-x")
    save_budget(Budget(api_key=key, limit=Decimal(5), period="daily"))
    save_budget(Budget(account=account, limit=Decimal(20)))
    of_key = admin_client.get(f"/admin/billing/apikey/{key.pk}/change/").content.decode()
    assert "$5.00 a day" in of_key
    assert f"/admin/billing/budget/add/?api_key={key.pk}" in of_key
    assert (
        "$20.00 a month"
        in admin_client.get(f"/admin/providers/account/{account.pk}/change/").content.decode()
    )
    assert "Add a budget" not in admin_client.get("/admin/billing/apikey/add/").content.decode()
