"""The providers' part of the snapshot: every spec and account, ready for routing without a query."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from providers import catalog, learned
from providers.cooling import account_key
from providers.limit_fields import OwnLimits
from providers.listing.models import ListedModel
from providers.models import Account, CustomModel, ProviderNode
from providers.nodes.models import spec_of_node
from providers.proxies import NO_PROXIES, ProxyTable
from providers.proxies.models import load_proxies
from providers.spec import ModelSpec, ProviderSpec, Quirk

STALE_S = 60.0
"""A token that ends within this time is renewed before it is used."""


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """An account as routing sees it. `repr` hides the key: it may end up in a traceback."""

    id: int
    """The row's; 0 for the account that a custom provider has without one."""
    provider: str
    name: str
    api_key: str = field(default="", repr=False)
    """What requests are made with: an API key, or the access token of a sign-in."""
    priority: int = 1
    base_url: str = ""
    variant: str = ""
    region: str = ""
    default_model: str = ""
    quota_reserve: int = 0
    """Percent of each window that is left alone."""
    plan_only: bool = False
    """No paid use beyond the plan."""
    provider_data: Mapping[str, Any] = field(default_factory=dict)
    stale_at: float = math.inf
    """Seconds since the epoch from when on `api_key` must be renewed before use; see `oauth.renewal.ready`."""
    renewed_at: float = 0.0
    """When it got this token."""
    signed_in: bool = False
    email: str = ""
    plan: str = ""
    external_id: str = ""
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What else of a sign-in is secret."""

    limits: OwnLimits | None = None
    """None: the account is not protected."""

    @property
    def key(self) -> str:
        """What `resilience` knows this account by."""
        return account_key(self.id) if self.id else f"provider:{self.provider}"


@dataclass(frozen=True, slots=True)
class ProvidersConfig:
    """`prefixes` maps every id, prefix and alias to the id; `accounts` are the active ones by priority."""

    specs: Mapping[str, ProviderSpec]
    prefixes: Mapping[str, str]
    accounts: Mapping[str, tuple[AccountConfig, ...]]
    barred: frozenset[learned.Lesson] = frozenset()
    """Learned quirks that were switched off."""
    proxies: ProxyTable = NO_PROXIES
    idle: Mapping[str, str] = field(default_factory=dict)
    """Providers whose accounts are all out of use, and why: every account `is switched off`, say."""

    def find(self, prefix: str) -> ProviderSpec | None:
        provider = self.prefixes.get(prefix) or self.prefixes.get(prefix.lower())
        return self.specs[provider] if provider else None

    def is_connected(self, provider: str) -> bool:
        return bool(self.accounts.get(provider))

    def with_quirks(self, provider: str, quirks: tuple[Quirk, ...]) -> ProvidersConfig:
        """The same with further quirks: what was learned a moment ago, before it is read from the database."""
        spec = self.specs.get(provider)
        if (
            spec is None
            or len(spec.quirks) >= learned.MAX_PER_PROVIDER
            or all(quirk in spec.quirks for quirk in quirks)
        ):
            return self
        return replace(self, specs={**self.specs, provider: _with_quirks(spec, quirks)})


def load() -> ProvidersConfig:
    """Read the catalog, the overlay and the database. The one place that builds this part of the snapshot."""
    quirks, barred = learned.load()
    specs = load_specs()
    specs |= {id: _with_quirks(specs[id], more) for id, more in quirks.items() if id in specs}
    accounts, idle = _accounts(specs)
    return ProvidersConfig(specs, prefixes_of(specs), accounts, barred, load_proxies(), idle)


def load_specs() -> dict[str, ProviderSpec]:
    """Every provider by id, with custom nodes and custom models, and without touching a credential."""
    specs = dict(catalog.load())
    for node in ProviderNode.objects.filter(is_active=True):
        specs[node.id] = spec_of_node(node)
    for custom in CustomModel.objects.all():
        if spec := specs.get(custom.provider):
            model = ModelSpec(id=custom.model_id, name=custom.name, kind=custom.kind)  # type: ignore[arg-type]
            known = tuple(known for known in spec.models if known.id != custom.model_id)
            specs[custom.provider] = replace(spec, models=(*known, model))
    for provider, rows in groupby(ListedModel.objects.all(), lambda row: row.provider):
        if spec := specs.get(provider):
            specs[provider] = replace(
                spec, models=_with_listed(spec.models, {row.model_id: row for row in rows})
            )
    return specs


def _with_listed(known: Iterable[ModelSpec], rows: dict[str, ListedModel]) -> tuple[ModelSpec, ...]:
    """The known models, marked where they vanished from the provider's list, and behind them what it lists beside."""
    models = []
    for model in known:
        row = rows.pop(model.upstream_id or model.id, None) or rows.pop(model.id, None)
        models.append(replace(model, missing=True) if row and row.missing_since else model)
    for row in rows.values():
        models.append(
            ModelSpec(
                id=row.model_id,
                name=row.name,
                kind=row.kind,  # type: ignore[arg-type]
                context_window=row.context_window,
                max_output_tokens=row.max_output_tokens,
                missing=row.missing_since is not None,
            )
        )
    return tuple(models)


def _with_quirks(spec: ProviderSpec, quirks: tuple[Quirk, ...]) -> ProviderSpec:
    return replace(spec, quirks=(*spec.quirks, *quirks))


def prefixes_of(specs: Mapping[str, ProviderSpec]) -> dict[str, str]:
    """Ids win over prefixes, prefixes over aliases, and custom nodes over nothing: theirs may not collide."""
    prefixes: dict[str, str] = {}
    for spec in specs.values():
        for alias in spec.aliases:
            prefixes.setdefault(alias, spec.id)
    for spec in specs.values():
        prefixes[spec.shown_prefix] = spec.id
    for spec in specs.values():
        prefixes[spec.id] = spec.id
    return prefixes


def account_config(row: Account) -> AccountConfig:
    signed_in = row.auth_type == Account.AuthType.OAUTH
    return AccountConfig(
        id=row.pk,
        provider=row.provider,
        name=row.name,
        api_key=row.bearer,
        priority=row.priority,
        base_url=row.base_url,
        variant=row.variant,
        region=row.region,
        default_model=row.default_model,
        quota_reserve=row.quota_reserve,
        plan_only=row.plan_only,
        provider_data=row.provider_data or {},
        stale_at=_stale_at(row) if signed_in and row.refresh_token else math.inf,
        renewed_at=row.last_refresh_at.timestamp() if row.last_refresh_at else 0.0,
        signed_in=signed_in,
        email=row.email,
        plan=row.plan,
        external_id=row.external_id,
        secrets=row.secrets if signed_in else {},
        limits=row.own_limits,
    )


def _stale_at(row: Account) -> float:
    if not row.bearer:
        return 0.0
    return row.expires_at.timestamp() - STALE_S if row.expires_at else math.inf


def _waits_for(row: Account, spec: ProviderSpec) -> str:
    """What somebody has to do before the account can be asked; "" where nothing is missing."""
    if row.is_unreadable:
        return "has a credential that cannot be read, and needs it entered again"
    if row.needs_sign_in:
        return "must be signed in again"
    return "has no key, and needs one entered" if spec.needs_key and not row.bearer else ""


def _accounts(
    specs: Mapping[str, ProviderSpec],
) -> tuple[dict[str, tuple[AccountConfig, ...]], dict[str, str]]:
    """Active accounts, without those that wait for somebody to sign in or to enter a credential; and the providers
    that are left without one.

    A custom provider that never had an account is asked without a key.
    """
    accounts: dict[str, list[AccountConfig]] = {}
    idle: dict[str, str] = {}
    for row in Account.objects.order_by("priority", "id"):
        spec = specs.get(row.provider)
        if spec is None:
            continue
        if not row.is_active:
            idle.setdefault(row.provider, "is switched off")
        elif why := _waits_for(row, spec):
            idle[row.provider] = why
        else:
            accounts.setdefault(row.provider, []).append(account_config(row))
    for spec in specs.values():
        if spec.tier == "custom" and spec.id not in accounts and spec.id not in idle:
            accounts[spec.id] = [AccountConfig(id=0, provider=spec.id, name="(no key)")]
    in_use = {provider: tuple(rows) for provider, rows in accounts.items()}
    return in_use, {provider: why for provider, why in idle.items() if provider not in in_use}
