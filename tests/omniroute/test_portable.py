"""Configuration as plain values: it comes back as it went, wherever the primary keys differ."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing.keys import create_api_key
from billing.models import Budget, Price
from combos.models import Combo, FallbackChain, RoutingSettings
from omniroute import portable
from providers.models import Account, CustomModel, ProviderNode, ProxyRule

pytestmark = pytest.mark.django_db


def everything() -> dict[str, dict[str, Any]]:
    found = {kind: {key: fields for key, fields, _ in portable.read(kind)} for kind in portable.kinds()}
    travelled: dict[str, dict[str, Any]] = json.loads(json.dumps(found))
    return {kind: rows for kind, rows in travelled.items() if rows}


def a_configuration() -> None:
    node = ProviderNode.objects.create(name="Ours", prefix="ours", base_url="http://localhost:1/v1")
    account = Account.objects.create(
        provider=node.id,
        name="Work",
        api_key="sk-work",
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        refresh_token="r-1",
    )
    CustomModel.objects.create(provider=node.id, model_id="a/b", name="With a slash")
    combo = Combo.objects.create(name="premium", combo_timeout_s=12.5)
    for place, model in enumerate(("ours/x", "ours/y")):
        combo.targets.create(position=place, model=model, weight=place + 1)
    FallbackChain.objects.create(name="last").entries.create(position=0, target="ours/z")
    RoutingSettings(sticky_limit=7).save()
    Price.objects.create(provider="ours", model="gpt-*", input=Decimal("0.25"), output=Decimal(5))
    key = create_api_key("laptop").record
    Budget.objects.create(api_key=key, limit=Decimal(20))
    Budget.objects.create(account=account, limit=Decimal(1000), unit="tokens")
    ProxyRule.objects.create(level="combo", target=str(combo.pk), host="proxy", port=8080, password="p")
    ProxyRule.objects.create(level="key", target=str(account.pk), kind="direct")
    ProxyRule.objects.create(level="provider", target=node.id, host="proxy", port=8081)


def test_it_comes_back_as_it_went():
    a_configuration()
    before = everything()
    assert {"node", "account", "credential", "combo", "chain", "price", "api-key", "budget", "proxy"} <= set(
        before
    )
    for model in (ProxyRule, Budget, Account, Combo, FallbackChain, Price, CustomModel, ProviderNode):
        for row in model._default_manager.all():
            row.delete()
    for key in before["api-key"]:
        portable.delete("api-key", key)
    RoutingSettings.objects.all().delete()
    Combo.objects.create(name="another")  # so that primary keys are not the same again
    Account.objects.create(provider="openai", name="another")
    for kind in portable.kinds():
        for key, fields in before.get(kind, {}).items():
            portable.write(kind, key, fields)
    portable.delete("combo", "another")
    portable.delete("account", Account.objects.get(name="another").uid)
    assert everything() == before
    assert ProxyRule.objects.get(level="combo").target == str(Combo.objects.get().pk)


def test_writing_again_changes_nothing_and_makes_nothing():
    a_configuration()
    before = everything()
    for kind, rows in before.items():
        for key, fields in rows.items():
            portable.write(kind, key, fields)
    assert everything() == before


def test_a_credential_alone_leaves_the_name_and_ends_the_need_to_sign_in():
    a_configuration()
    row = Account.objects.get()
    row.sign_in_needed_at, row.sign_in_reason = datetime(2026, 1, 1, tzinfo=UTC), "dead"
    row.save_whole()
    portable.write("credential", row.uid, {"refresh_token": "r-2", "access_token": "a-2"})
    row = Account.objects.get()
    assert (row.name, row.refresh_token, row.access_token, row.needs_sign_in) == ("Work", "r-2", "a-2", False)


def test_an_account_alone_leaves_the_tokens():
    a_configuration()
    uid = Account.objects.get().uid
    portable.write("account", uid, {"name": "Renamed", "a_field_of_the_future": 1})
    assert Account.objects.get().name == "Renamed"
    assert Account.objects.get().refresh_token == "r-1"


@pytest.mark.parametrize(
    ("kind", "key", "fields"),
    [
        ("credential", "nobody", {"api_key": "x"}),
        ("account", "new", {"provider": "nowhere", "name": "x", "uid": "new"}),
        ("budget", "new", {"uid": "new", "limit": "5", "account": "nobody"}),
        ("proxy", "combo/nothing", {"level": "combo", "target": "nothing", "host": "h", "port": 1}),
        ("price", "a/b", {"provider": "a", "model": "b", "input": "much", "output": "1"}),
        ("combo", "bad name", {"name": "bad name"}),
    ],
)
def test_what_does_not_fit_is_refused_in_words(kind, key, fields):
    with pytest.raises(ValidationError):
        portable.write(kind, key, fields)


def test_every_column_travels_or_is_known_not_to():
    """A column that somebody adds is shared unless it is left out on purpose."""
    account = portable.kinds()["account"].fields + portable.kinds()["credential"].fields
    stays = {column.name for column in Account._meta.concrete_fields} - set(account)
    assert stays == {
        *("id", "created_at", "updated_at", "test_status", "last_error", "last_tested_at"),
        *("sign_in_needed_at", "sign_in_reason", "refresh_lease", "refresh_lease_until"),
    }
