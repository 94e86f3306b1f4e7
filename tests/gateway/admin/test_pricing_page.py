from __future__ import annotations

from decimal import Decimal

import pytest

from billing.models import Price
from omniroute.models import AuditEntry

pytestmark = pytest.mark.django_db
PAGE = "/admin/gateway/pricing/"


def post(client, **values: str) -> str:
    given = {
        "provider": "openai",
        "model": "gpt-4o",
        "query": "provider=openai&q=gpt-4o",
        "do": "save",
        **values,
    }
    response = client.post(PAGE, given, follow=True)
    assert response.redirect_chain == [(f"{PAGE}?provider=openai&q=gpt-4o", 302)]
    return str(response.content.decode())


def test_prices_are_shown_by_the_million_and_by_the_thousand(admin_client):
    html = admin_client.get(f"{PAGE}?provider=openai&q=gpt-4o").content.decode()
    assert "$2.50" in html
    assert "$0.0025 / 1K" in html
    assert "gpt-4o-mini" in html
    assert "o3-mini" not in html
    assert "Built-in" in html


def test_long_contexts_and_what_costs_extra_is_told(admin_client):
    html = admin_client.get(f"{PAGE}?provider=gemini&q=gemini-2.5-pro").content.decode()
    assert "above 200,000 tokens: $2.5 in, $15 out" in html


def test_a_price_is_overridden_where_it_stands(admin_client):
    html = admin_client.get(f"{PAGE}?provider=openai&q=gpt-4o&edit=gpt-4o").content.decode()
    assert 'name="input" value="2.5"' in html
    html = post(admin_client, input="2", output="8", cache_read="")
    row = Price.objects.get()
    assert (row.provider, row.model, row.input, row.output, row.cache_read) == (
        "openai",
        "gpt-4o",
        2,
        8,
        None,
    )
    assert "Own</span>" in html


def test_what_the_row_does_not_show_keeps_its_built_in_price(admin_client):
    post(admin_client, provider="gemini", model="gemini-2.5-pro", input="1", output="9")
    row = Price.objects.get()
    assert (row.long_start, row.long_input) == (200_000, Decimal("2.5"))


@pytest.mark.parametrize(
    "wrong", [{"input": ""}, {"input": "-1"}, {"output": "x"}, {"output": "1e9"}, {"reasoning": "nan"}]
)
def test_what_is_no_price_changes_nothing(admin_client, wrong: dict[str, str]):
    html = post(admin_client, **{"input": "2", "output": "8", **wrong})
    assert "enter a price of 0 or more" in html
    assert not Price.objects.exists()


def test_an_own_price_is_taken_back(admin_client):
    Price.objects.create(provider="openai", model="gpt-4o", input=1, output=1)
    assert "built-in price again" in post(admin_client, do="reset")
    assert not Price.objects.exists()


def test_the_audit_log_tells_which_price_was_changed(admin_client):
    for prices in ({"input": "2", "output": "8"}, {"input": "3", "output": "8"}, {"do": "reset"}):
        post(admin_client, **prices)
    entries = AuditEntry.objects.filter(target="price openai/gpt-4o").order_by("id")
    assert [entry.action for entry in entries] == ["added", "changed", "deleted"]


def test_an_unknown_provider_shows_another_and_no_error(admin_client):
    assert admin_client.get(f"{PAGE}?provider=nobody").status_code == 200
    assert admin_client.post(PAGE, {"provider": "nobody", "model": "m"}).status_code == 302


def test_who_may_only_look_cannot_change(client, django_user_model):
    from django.contrib.auth.models import Permission

    user = django_user_model.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_price"))
    client.force_login(user)
    assert "Override" not in client.get(f"{PAGE}?provider=openai&q=gpt-4o&edit=gpt-4o").content.decode()
    post(client, input="1", output="1")
    assert not Price.objects.exists()
