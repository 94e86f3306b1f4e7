"""The provider catalog: everything that can be connected, and what is."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from omniroute.pages import page
from omniroute.types import JSONDict
from providers import connect_pages  # noqa: F401  (registers its pages)
from providers.choices import account_counts, by_tier
from providers.config import load_specs
from providers.models import ProviderNode, SignInSettings
from providers.spec import ProviderSpec

NO_ACCOUNTS = {"total": 0, "active": 0, "failing": 0, "signed_out": 0, "keyless": 0}


@dataclass(frozen=True, slots=True)
class Card:
    spec: ProviderSpec
    accounts: JSONDict
    edit_link: str = ""
    is_offered: bool = True

    @property
    def add_link(self) -> str:
        if self.spec.oauth:
            return reverse("admin:providers_catalog_connect", args=(self.spec.id,))
        return f"{reverse('admin:providers_account_add')}?provider={self.spec.id}"

    @property
    def accounts_link(self) -> str:
        return f"{reverse('admin:providers_account_changelist')}?provider={self.spec.id}"

    @property
    def more_models(self) -> int:
        return max(0, len(self.spec.models) - 4)


@page(
    "catalog",
    title="Provider catalog",
    section="Providers",
    icon="storefront",
    permission="providers.view_account",
)
def catalog(request: HttpRequest) -> JSONDict:
    specs = load_specs()
    counts = account_counts()
    closed_too = SignInSettings.load().allow_discontinued
    nodes = set(ProviderNode.objects.values_list("pk", flat=True))

    def card(spec: ProviderSpec) -> Card:
        link = reverse("admin:providers_providernode_change", args=(spec.id,)) if spec.id in nodes else ""
        return Card(spec, counts.get(spec.id, NO_ACCOUNTS), link, spec.status != "discontinued" or closed_too)

    groups = [(label, [card(spec) for spec in members]) for label, members in by_tier(specs.values())]
    return {
        "groups": groups,
        "connected": sum(1 for spec in specs if counts.get(spec, NO_ACCOUNTS)["active"]),
        "may_add": request.user.has_perm("providers.add_account"),
        "has_custom": any(spec.tier == "custom" for spec in specs.values()),
    }
