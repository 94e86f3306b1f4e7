"""Replaces the configuration by that of an older database, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from billing.models import ApiKey, Price
from combos.models import Combo, FallbackChain, ModelAlias
from gateway import snapshot
from gateway.backups.checking import Found, reading
from gateway.backups.older.accounts import Providers, take_keys
from gateway.backups.older.reading import Source
from gateway.backups.older.routing import (
    take_aliases,
    take_chains,
    take_combos,
    take_prices,
    take_proxies,
    take_settings,
)
from gateway.backups.restoring import keep_managers
from providers.models import (
    Account,
    CustomModel,
    LearnedQuirk,
    ListedModel,
    ModelSync,
    ProviderNode,
    ProxyRule,
)

_REPLACED = (
    ProxyRule,
    FallbackChain,
    ModelAlias,
    Combo,
    CustomModel,
    Account,
    ListedModel,
    ModelSync,
    LearnedQuirk,
    ProviderNode,
    Price,
    ApiKey,
)
"""What the older program had, too. The rest stays as it is."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`counts` by what people call them; `left_out` in sentences."""

    counts: dict[str, int]
    left_out: tuple[str, ...]


def take_over(found: Found) -> Taken:
    """Whatever goes wrong as a whole leaves the database as it was."""
    with transaction.atomic(), reading(found.path) as file:
        source = Source(file)
        managers = list(ApiKey.objects.filter(scope=ApiKey.Scope.MANAGE, is_active=True))
        for model in _REPLACED:
            model.objects.all().delete()
        providers = Providers(source)
        providers.take()
        combos = take_combos(source, providers)
        counts = {
            "accounts": len(providers.accounts),
            "custom providers": len(providers.nodes),
            "combos": len(combos),
            "API keys": take_keys(source),
            "models": providers.models,
            "aliases": take_aliases(source, providers),
            "fallback chains": take_chains(source),
            "proxies": take_proxies(source, providers, combos),
            "prices": take_prices(source, providers),
        }
        take_settings(source)
        keep_managers(managers)
        snapshot.replaced()
    return Taken(counts, tuple(source.left_out))
