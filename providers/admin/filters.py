"""What the lists of rows that belong to a provider share."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from providers.choices import provider_names


class ProviderFilter(DropdownFilter):
    """By provider; offers those that some row names."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = provider_names()
        used = model_admin.model.objects.order_by().values_list("provider", flat=True).distinct()
        return sorted(((value, names.get(value, value)) for value in used), key=lambda pair: pair[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


class ProviderColumn:
    """Shows the provider by its name. The names are read once per list."""

    _names: dict[str, str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        self._names = provider_names()
        return super().get_queryset(request)  # type: ignore[misc]

    @display(description="Provider", ordering="provider")
    def provider_name(self, row: Any) -> str:
        return self._names.get(row.provider, f"{row.provider} (not available)")
