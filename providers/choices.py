"""Providers and models as forms offer them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from django.db.models import Count, Max, Q

from omniroute.types import JSONDict
from providers.config import load_specs
from providers.models import Account
from providers.spec import ProviderSpec, Tier

TIER_LABELS: dict[str, str] = {
    "subscription": "Subscription",
    "api_key": "API key, pay per use",
    "cheap": "Low cost",
    "free": "Free",
    "custom": "Custom",
}

Choices = list[tuple[str, str]]


def by_tier(specs: Iterable[ProviderSpec]) -> list[tuple[str, list[ProviderSpec]]]:
    """(tier label, its providers by name), in the order of `Tier`, without empty tiers."""
    listed = list(specs)
    groups = [
        (TIER_LABELS[tier], sorted((s for s in listed if s.tier == tier), key=lambda spec: spec.name.lower()))
        for tier in get_args(Tier)
    ]
    return [(label, members) for label, members in groups if members]


def provider_choices(specs: Mapping[str, ProviderSpec], current: str = "") -> list[tuple[str, Choices]]:
    """Grouped choices of a select. A `current` provider that is gone stays selectable, so that its row can be saved."""
    usable = [spec for spec in specs.values() if spec.status != "discontinued" or spec.id == current]
    groups = [(label, [(spec.id, _label(spec)) for spec in members]) for label, members in by_tier(usable)]
    if current and current not in specs:
        groups.append(("Not available", [(current, f"{current} (not available)")]))
    return groups


def _label(spec: ProviderSpec) -> str:
    note = f" — {spec.cost_note}" if spec.cost_note else ""
    return f"{spec.name} ({spec.shown_prefix}/){note}"


def account_defaults(specs: Mapping[str, ProviderSpec]) -> dict[str, JSONDict]:
    """What the account form shows and suggests for each provider. No secret is in it."""
    numbers = dict(Account.objects.order_by().values_list("provider").annotate(count=Count("pk")))
    highest = dict(Account.objects.order_by().values_list("provider").annotate(highest=Max("priority")))
    return {
        spec.id: {
            "name": spec.name,
            "prefix": spec.shown_prefix,
            "tier": TIER_LABELS[spec.tier],
            "costNote": spec.cost_note,
            "signupUrl": spec.signup_url if spec.signup_url.startswith("https://") else "",
            "keyHint": spec.key_hint,
            "needsKey": spec.needs_key,
            "statusNote": spec.status_note,
            "accountName": suggested_name(spec, numbers.get(spec.id, 0)),
            "priority": highest.get(spec.id, 0) + 1,
            "variants": list(spec.variants),
            "regions": list(spec.regions),
            "endpoints": [
                {"url": e.base_url, "variant": e.variant, "region": e.region, "format": e.format}
                for e in spec.endpoints
            ],
            "models": [model.id for model in spec.models],
        }
        for spec in specs.values()
    }


def suggested_name(spec: ProviderSpec, existing: int) -> str:
    return spec.name if not existing else f"{spec.name} {existing + 1}"


def model_ids(specs: Mapping[str, ProviderSpec], kinds: tuple[str, ...] = ()) -> list[str]:
    """Every `prefix/model` that is known; those of connected providers first, since they work at once."""
    connected = connected_providers()
    ordered = sorted(specs.values(), key=lambda spec: (spec.id not in connected, spec.shown_prefix))
    return [
        f"{spec.shown_prefix}/{name}"
        for spec in ordered
        if spec.status != "discontinued" or spec.id in connected
        for name, model in spec.named_models()
        if not kinds or model.kind in kinds
    ]


def connected_providers() -> set[str]:
    return set(
        Account.objects.filter(is_active=True).order_by().values_list("provider", flat=True).distinct()
    )


def account_counts() -> dict[str, JSONDict]:
    """By provider: accounts, how many are active, how many of these failed their last test, when it was."""
    rows = (
        Account.objects.order_by()
        .values("provider")
        .annotate(
            total=Count("pk"),
            active=Count("pk", filter=Q(is_active=True)),
            failing=Count("pk", filter=Q(is_active=True, test_status__in=FAILING)),
            keyless=Count("pk", filter=Q(is_active=True, auth_type=Account.AuthType.API_KEY, api_key="")),
            signed_out=Count("pk", filter=Q(is_active=True, sign_in_needed_at__isnull=False)),
            untested=Count("pk", filter=Q(is_active=True, test_status=Account.TestStatus.UNTESTED)),
            tested_at=Max("last_tested_at"),
        )
    )
    return {row["provider"]: dict(row) for row in rows}


FAILING = (Account.TestStatus.INVALID, Account.TestStatus.UNREACHABLE)


def account_names() -> dict[int, str]:
    return dict(Account.objects.order_by("name").values_list("pk", "name"))


def provider_names() -> dict[str, str]:
    return {spec.id: spec.name for spec in load_specs().values()}
