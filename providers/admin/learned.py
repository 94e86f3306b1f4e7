"""Learned quirks in the admin. A part of `providers.admin`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from omniroute.model_admin import ListEditingAdmin
from providers.admin.filters import ProviderColumn, ProviderFilter
from providers.models import LearnedQuirk


@admin.register(LearnedQuirk)
class LearnedQuirkAdmin(ProviderColumn, ListEditingAdmin):
    """What the gateway learned from refusals: to look at, to switch off, to forget."""

    list_display = ("model", "provider_name", "effect", "reason", "hits", "learned_at", "is_active")
    list_editable = ("is_active",)
    list_filter = (ProviderFilter, ("kind", ChoicesDropdownFilter), "is_active")
    list_filter_submit = True
    search_fields = ("model", "provider", "field", "reason")
    actions = ("forget",)
    fields = ("provider_name", "model", "format", "effect", "reason", "hits", "learned_at", "is_active")
    readonly_fields = fields[:-1]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> Any:
        """Forgetting needs no page of its own: what is forgotten is learned again."""
        return {
            name: found for name, found in super().get_actions(request).items() if name != "delete_selected"
        }

    @display(description="Effect", ordering="field")
    def effect(self, row: LearnedQuirk) -> str:
        return str(row.remedy)

    @admin.action(description="Forget the selected", permissions=["delete"])
    def forget(self, request: HttpRequest, queryset: QuerySet[LearnedQuirk]) -> None:
        count, _ = queryset.delete()
        messages.success(
            request, f"Forgotten: {count}. They are learned again when a provider refuses again."
        )
