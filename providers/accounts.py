"""Rules about accounts that hold whoever saves them: the admin, the management API, an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from providers.config import load_specs, prefixes_of
from providers.models import Account, CustomModel, LearnedQuirk, ListedModel, ModelSync, ProviderNode
from providers.nodes import normalise_base_url
from providers.nodes.models import spec_of_node
from providers.spec import ProviderSpec


@dataclass(frozen=True, slots=True)
class AccountValues:
    """What to set; None leaves a field as it is."""

    name: str | None = None
    api_key: str | None = field(default=None, repr=False)
    priority: int | None = None
    is_active: bool | None = None
    default_model: str | None = None
    base_url: str | None = None
    variant: str | None = None
    region: str | None = None
    quota_reserve: int | None = None
    plan_only: bool | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Joins `provider_data`; None removes an entry."""


def find_spec(name: str) -> ProviderSpec | None:
    """The provider with this id, prefix or alias: built-in or custom, connected or not, active or not."""
    specs = load_specs()
    prefixes = prefixes_of(specs)
    if provider := prefixes.get(name) or prefixes.get(name.lower()):
        return specs[provider]
    node = ProviderNode.objects.filter(Q(pk=name) | Q(prefix=name)).first()
    return spec_of_node(node) if node else None


def upsert_account(spec: ProviderSpec, values: AccountValues) -> Account:
    """Change the provider's account of that name or, failing that, of that key; make it where there is none.

    Raise `ValidationError`.
    """
    with transaction.atomic():
        rows = list(Account.objects.filter(provider=spec.id).order_by("priority", "id"))
        same_name = (row for row in rows if row.name == values.name)
        same_key = (row for row in rows if values.api_key and row.api_key == values.api_key)
        account = next(same_name, None) or next(same_key, None) or Account(provider=spec.id)
        return update_account(account, spec, values)


def update_account(account: Account, spec: ProviderSpec, values: AccountValues) -> Account:
    """Apply `values`, check them against the provider, save, and renumber. Raise `ValidationError`."""
    if values.api_key and account.auth_type == Account.AuthType.OAUTH:
        raise ValidationError({"api_key": "This account is signed in to: it has no API key"})
    _apply(account, values)
    if spec.oauth and account.auth_type != Account.AuthType.OAUTH:
        raise ValidationError({"provider": f"{spec.name} has no API keys: sign in under Providers instead"})
    if spec.needs_key and account.auth_type != Account.AuthType.OAUTH and not account.api_key:
        raise ValidationError({"api_key": "API Key is required"})
    if account.auth_type != Account.AuthType.OAUTH:
        account.auth_type = Account.AuthType.API_KEY if account.api_key else Account.AuthType.NONE
    account.full_clean()
    account.base_url = _own_base_url(account)
    with transaction.atomic():
        position = values.priority
        if account.pk is None and position is None:
            position = Account.objects.filter(provider=account.provider).count() + 1
        account.save()
        renumber(account.provider, moved=account, position=position)
    return account


def _apply(account: Account, values: AccountValues) -> None:
    if values.api_key is not None and values.api_key != account.api_key:
        account.test_status, account.last_error, account.last_tested_at = (
            Account.TestStatus.UNTESTED,
            "",
            None,
        )
    plain = ("name", "api_key", "is_active", "default_model", "base_url", "variant", "region")
    for name in (*plain, "quota_reserve", "plan_only"):
        value = getattr(values, name)
        if value is not None:
            setattr(account, name, value)
    data = {**(account.provider_data or {}), **values.extra}
    account.provider_data = {name: value for name, value in data.items() if value is not None}


def _own_base_url(account: Account) -> str:
    """Empty where it repeats the custom provider's address, so that the account follows when that changes."""
    node = ProviderNode.objects.filter(pk=account.provider).first()
    return "" if node and normalise_base_url(node.base_url) == account.base_url else account.base_url


def renumber(provider: str, *, moved: Account | None = None, position: int | None = None) -> None:
    """Number the provider's accounts 1..n, `moved` at `position` (1-based; None: where it is).

    Rows are saved one by one, so that whoever watches them notices.
    """
    rows = list(Account.objects.filter(provider=provider).order_by("priority", "id"))
    if moved is not None and position is not None:
        rows = [row for row in rows if row.pk != moved.pk]
        rows.insert(max(position - 1, 0), moved)
    for number, row in enumerate(rows, start=1):
        if row.priority != number:
            row.priority = number
            row.save(update_fields=["priority"])
        if moved is not None and row.pk == moved.pk:
            moved.priority = number


def delete_account(account: Account) -> None:
    with transaction.atomic():
        account.delete()
        renumber(account.provider)


def delete_node(node: ProviderNode) -> None:
    """The node with its accounts, models and learned quirks, which could not be reached without it."""
    with transaction.atomic():
        for kind in (Account, CustomModel, LearnedQuirk, ListedModel, ModelSync):
            for row in kind.objects.filter(provider=node.pk):
                row.delete()
        node.delete()
