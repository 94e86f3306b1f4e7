from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from providers import config
from providers.accounts import (
    AccountValues,
    delete_account,
    delete_node,
    find_spec,
    renumber,
    update_account,
    upsert_account,
)
from providers.models import Account, CustomModel, ProviderNode
from providers.spec import ProviderSpec

pytestmark = pytest.mark.django_db


def node(**values) -> ProviderNode:
    row = ProviderNode(
        **{"name": "Ollama", "prefix": "local", "base_url": "http://localhost:11434/v1", **values}
    )
    row.full_clean()
    row.save()
    return row


@pytest.fixture
def openai() -> ProviderSpec:
    spec = find_spec("openai")
    assert spec
    return spec


def add(spec: ProviderSpec, name: str, priority: int | None = None, key: str = "") -> Account:
    return upsert_account(spec, AccountValues(name=name, api_key=key or f"sk-{name}", priority=priority))


def order(provider: str = "openai") -> list[tuple[int, str]]:
    rows = Account.objects.filter(provider=provider).order_by("priority", "id")
    return [(row.priority, row.name) for row in rows]


def test_accounts_are_numbered_in_the_order_of_their_making(openai):
    for name in "abc":
        add(openai, name)
    assert order() == [(1, "a"), (2, "b"), (3, "c")]


def test_a_priority_is_a_place_in_the_order(openai):
    for name in "abc":
        add(openai, name)
    assert add(openai, "d", priority=2).priority == 2
    assert add(openai, "e", priority=99).priority == 5
    assert order() == [(1, "a"), (2, "d"), (3, "b"), (4, "c"), (5, "e")]
    update_account(Account.objects.get(name="e"), openai, AccountValues(priority=1))
    assert order() == [(1, "e"), (2, "a"), (3, "d"), (4, "b"), (5, "c")]


def test_deleting_closes_the_gap(openai):
    for name in "abc":
        add(openai, name)
    delete_account(Account.objects.get(name="b"))
    assert order() == [(1, "a"), (2, "c")]


def test_renumbering_repairs_equal_priorities_and_leaves_other_providers_alone():
    for provider, priority in (("openai", 5), ("openai", 5), ("glm", 9)):
        Account.objects.create(provider=provider, name="x", api_key="k", priority=priority)
    renumber("openai")
    assert [number for number, _ in order()] == [1, 2]
    assert order("glm") == [(9, "x")]


def test_the_account_of_the_same_name_is_changed(openai):
    first = add(openai, "work")
    again = add(openai, "work", key="sk-rotated")
    assert (again.pk, Account.objects.count(), again.api_key) == (first.pk, 1, "sk-rotated")


def test_the_account_of_the_same_key_is_renamed(openai):
    first = add(openai, "work", key="sk-same")
    again = add(openai, "home", key="sk-same")
    assert (again.pk, Account.objects.get().name) == (first.pk, "home")


def test_the_same_name_at_another_provider_is_another_account(openai):
    glm = find_spec("glm")
    assert glm
    add(openai, "work")
    add(glm, "work")
    assert Account.objects.count() == 2


def test_a_key_is_required_where_the_provider_asks_for_one(openai):
    with pytest.raises(ValidationError, match="API Key is required"):
        upsert_account(openai, AccountValues(name="a", api_key=""))
    assert not Account.objects.exists()


def test_a_custom_server_needs_no_key():
    row = node()
    spec = find_spec("local")
    assert spec
    account = upsert_account(spec, AccountValues(name="local"))
    assert (account.provider, account.auth_type) == (row.pk, "none")


def test_an_account_follows_the_address_of_its_custom_server():
    node()
    spec = find_spec("local")
    assert spec
    same = upsert_account(
        spec, AccountValues(name="a", base_url="http://localhost:11434/v1/chat/completions")
    )
    other = upsert_account(spec, AccountValues(name="b", base_url="http://other:11434/v1/"))
    assert (same.base_url, other.base_url) == ("", "http://other:11434/v1")


def test_endpoint_and_region_are_choices_of_the_provider(openai):
    glm = find_spec("glm")
    assert glm
    variant, region = glm.variants[-1], glm.regions[-1]
    account = upsert_account(glm, AccountValues(name="a", api_key="k", variant=variant, region=region))
    assert (account.variant, account.region) == (variant, region)
    with pytest.raises(ValidationError, match="Choose one of"):
        update_account(account, glm, AccountValues(variant="nonsense"))
    with pytest.raises(ValidationError, match="no choice"):
        upsert_account(openai, AccountValues(name="a", api_key="k", region="cn"))


def test_a_new_key_is_untested(openai):
    account = add(openai, "a")
    account.test_status, account.last_error = Account.TestStatus.INVALID, "401"
    account.save()
    update_account(account, openai, AccountValues(name="renamed"))
    assert account.test_status == Account.TestStatus.INVALID
    update_account(account, openai, AccountValues(api_key="sk-new"))
    assert (account.test_status, account.last_error) == (Account.TestStatus.UNTESTED, "")


def test_further_options_are_merged_and_none_removes_one(openai):
    account = upsert_account(
        openai, AccountValues(name="a", api_key="k", extra={"organization": "o", "x": 1})
    )
    update_account(account, openai, AccountValues(extra={"x": None, "y": 2}))
    assert Account.objects.get().provider_data == {"organization": "o", "y": 2}


def test_a_custom_server_takes_its_accounts_and_models_along():
    row = node()
    Account.objects.create(provider=row.pk, name="a")
    Account.objects.create(provider="openai", name="b", api_key="k")
    CustomModel.objects.create(provider=row.pk, model_id="llama3")
    delete_node(row)
    assert Account.objects.get().provider == "openai"
    assert not CustomModel.objects.exists()


def test_a_provider_is_found_by_id_prefix_and_in_any_case():
    node(name="Off", prefix="off", is_active=False)
    found = [find_spec(name) for name in ("deepseek", "ds", "DS", "off", "nobody")]
    assert [spec.name if spec else None for spec in found] == [
        "DeepSeek",
        "DeepSeek",
        "DeepSeek",
        "Off",
        None,
    ]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "has no key, and needs one entered"),
        ({"is_active": False}, "is switched off"),
        ({"api_key": "k" * 20, "is_active": False}, "is switched off"),
        ({"api_key": "k" * 20}, None),
    ],
)
def test_an_account_is_asked_once_it_has_what_its_provider_needs(
    values: dict[str, Any], why: str | None
) -> None:
    Account.objects.create(provider="openai", name="imported", **values)
    found = config.load()
    assert found.idle.get("openai") == why
    assert found.is_connected("openai") is (why is None)
