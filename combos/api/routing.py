"""Management API of the routing settings: account strategies, combo defaults, rules for single providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictBool, StrictInt

from combos.api.settings import ComboConfig
from combos.models import ProviderRouting, RoutingSettings
from combos.rules import provider_id
from omniroute.schema import CamelModel, Line, StrictModel
from providers import selection
from providers.config import load_specs, prefixes_of

router = Router(tags=["Routing"], by_alias=True)

Limit = Annotated[StrictInt, Field(ge=1, le=10_000)]
Texts = Annotated[list[Line], Field(max_length=200)]


class ProviderRule(StrictModel):
    """Only what differs from the rest. Null takes it back."""

    account_strategy: Line | None = None
    sticky_limit: Limit | None = None
    is_blocked: StrictBool = False
    blocked_models: Texts = []
    """Ids of the provider, or patterns with `*` and `?`."""


class RoutingPatch(StrictModel):
    account_strategy: Line | None = None
    sticky_limit: Limit | None = None
    session_affinity: StrictBool | None = None
    affinity_minutes: Annotated[StrictInt, Field(ge=1, le=10_080)] | None = None
    error_texts: Texts | None = None
    blocked_providers: Annotated[list[Line], Field(max_length=1000)] | None = None
    """All of them: a provider that is not named is blocked no more."""
    providers: dict[str, ProviderRule | None] | None = None
    """By id or prefix; null takes every rule back."""


class RoutingOut(CamelModel):
    account_strategy: str
    sticky_limit: int
    session_affinity: bool
    affinity_minutes: int
    error_texts: list[str]
    blocked_providers: list[str]
    providers: dict[str, ProviderRule]
    account_strategies: list[str]
    """Those that there are."""


class ComboDefaults(CamelModel):
    combo_defaults: ComboConfig
    provider_overrides: dict[str, ComboConfig]


class ComboDefaultsPatch(StrictModel):
    combo_defaults: ComboConfig | None = None
    provider_overrides: dict[str, ComboConfig | None] | None = None
    """By id or prefix; null takes the override back."""


@router.get("/settings/routing", response=RoutingOut)
def get_routing(request: HttpRequest) -> RoutingOut:
    """How accounts are chosen, what is blocked, and the rules of single providers."""
    return shown_routing()


@router.patch("/settings/routing", response=RoutingOut)
def patch_routing(request: HttpRequest, body: RoutingPatch) -> RoutingOut:
    """Only the fields that are present change; of `providers`, only those that are named."""
    save_routing(body)
    return shown_routing()


@router.get("/settings/combo-defaults", response=ComboDefaults)
def get_combo_defaults(request: HttpRequest) -> ComboDefaults:
    """What holds for combos that say nothing themselves, and the overrides of single providers."""
    return _shown_defaults()


@router.patch("/settings/combo-defaults", response=ComboDefaults)
def patch_combo_defaults(request: HttpRequest, body: ComboDefaultsPatch) -> ComboDefaults:
    """Only the fields that are present change, also within `comboDefaults` and each override."""
    prefixes = prefixes_of(load_specs())
    with transaction.atomic():
        if body.combo_defaults is not None:
            row = RoutingSettings.load()
            body.combo_defaults.apply(row)
            row.full_clean()
            row.save()
        for name, config in (body.provider_overrides or {}).items():
            rule = _rule(name, prefixes)
            (config or ComboConfig.nothing()).apply(rule)
            _save_rule(rule)
    return _shown_defaults()


def shown_routing() -> RoutingOut:
    row = RoutingSettings.load()
    rules = list(ProviderRouting.objects.all())
    return RoutingOut(
        account_strategy=row.account_strategy,
        sticky_limit=row.sticky_limit,
        session_affinity=row.session_affinity,
        affinity_minutes=row.affinity_minutes,
        error_texts=row.error_texts,
        blocked_providers=[rule.provider for rule in rules if rule.is_blocked],
        providers={
            rule.provider: ProviderRule(
                account_strategy=rule.account_strategy or None,
                sticky_limit=rule.sticky_limit,
                is_blocked=rule.is_blocked,
                blocked_models=rule.blocked_models,
            )
            for rule in rules
            if rule.has_routing
        },
        account_strategies=list(selection.registry),
    )


def save_routing(body: RoutingPatch) -> None:
    """Raise `ValidationError`."""
    changes = body.model_dump(exclude_unset=True)
    prefixes = prefixes_of(load_specs())
    with transaction.atomic():
        for name, rule in (body.providers or {}).items():
            _change_rule(_rule(name, prefixes), rule)
        if body.blocked_providers is not None:
            _block(body.blocked_providers, prefixes)
        own: dict[str, Any] = {
            name: value
            for name, value in changes.items()
            if name not in ("providers", "blocked_providers") and value is not None
        }
        if own:
            row = RoutingSettings.load()
            for name, value in own.items():
                setattr(row, name, value)
            row.account_strategy = row.account_strategy.replace("-", "_")
            row.full_clean()
            row.save()


def _change_rule(row: ProviderRouting, rule: ProviderRule | None) -> None:
    changes = (rule or ProviderRule()).model_dump(exclude_unset=rule is not None)
    for name, value in changes.items():
        setattr(row, name, "" if name == "account_strategy" and value is None else value)
    row.account_strategy = row.account_strategy.replace("-", "_")
    _save_rule(row)


def _block(names: list[str], prefixes: Mapping[str, str]) -> None:
    known = set(ProviderRouting.objects.values_list("provider", flat=True))
    blocked = {name if name in known else provider_id(name, prefixes, "blockedProviders") for name in names}
    for row in ProviderRouting.objects.filter(is_blocked=True).exclude(provider__in=blocked):
        row.is_blocked = False
        _save_rule(row)
    for provider in blocked:
        row = _rule(provider, prefixes)
        row.is_blocked = True
        _save_rule(row)


def _rule(name: str, prefixes: Mapping[str, str]) -> ProviderRouting:
    """The rules of a provider. Those of one that is gone stay until they are taken back, so they have its id."""
    if row := ProviderRouting.objects.filter(provider=name).first():
        return row
    provider = provider_id(name, prefixes, "providers")
    return ProviderRouting.objects.filter(provider=provider).first() or ProviderRouting(provider=provider)


def _save_rule(row: ProviderRouting) -> None:
    """A row that says nothing is none."""
    row.full_clean()
    if row.says_something:
        row.save()
    elif row.pk:
        row.delete()


def _shown_defaults() -> ComboDefaults:
    return ComboDefaults(
        combo_defaults=ComboConfig.of(RoutingSettings.load()),
        provider_overrides={
            row.provider: ComboConfig.of(row)
            for row in ProviderRouting.objects.all()
            if row.combo_settings.said()
        },
    )
