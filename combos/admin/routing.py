"""Routing settings, rules of single providers and fallback chains in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from combos.admin.inlines import OrderedInline
from combos.admin.routing_forms import (
    COMBO_OPTION_FIELDS,
    OPTION_FIELDS,
    FallbackChainForm,
    FallbackEntryForm,
    FallbackFormSet,
    ProviderRoutingForm,
    RoutingSettingsForm,
)
from combos.admin.suggestions import SuggestsModels
from combos.models import FallbackChain, FallbackEntry, ProviderRouting, RoutingSettings
from omniroute.model_admin import ListEditingAdmin, SingletonAdmin
from providers.choices import provider_names


@admin.register(RoutingSettings)
class RoutingSettingsAdmin(SingletonAdmin):
    form = RoutingSettingsForm
    fieldsets = (
        (
            "Accounts",
            {"fields": ("account_strategy", "sticky_limit", "session_affinity", "affinity_minutes")},
        ),
        (
            "Combo defaults",
            {
                "fields": COMBO_OPTION_FIELDS,
                "description": "For combos that say nothing themselves. A rule of a provider goes before them.",
            },
        ),
        ("Answers that are errors", {"fields": ("error_texts",)}),
    )


@admin.register(ProviderRouting)
class ProviderRoutingAdmin(ListEditingAdmin):
    form = ProviderRoutingForm
    list_display = ("provider_name", "says", "is_blocked")
    list_editable = ("is_blocked",)
    search_fields = ("provider",)
    fieldsets = (
        (None, {"fields": ("provider", "is_blocked", "blocked_models")}),
        ("Accounts", {"fields": ("account_strategy", "sticky_limit")}),
        (
            "In combos",
            {
                "fields": OPTION_FIELDS,
                "description": "Goes before the combo defaults, and behind what a combo says itself.",
            },
        ),
    )
    _names: dict[str, str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderRouting]:
        self._names = provider_names()
        queryset: QuerySet[ProviderRouting] = super().get_queryset(request)
        return queryset

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("provider",) if obj else ()

    @display(description="Provider", ordering="provider")
    def provider_name(self, row: ProviderRouting) -> str:
        return self._names.get(row.provider, row.provider)

    @display(description="Says")
    def says(self, row: ProviderRouting) -> str:
        said = [name.replace("_", " ").removesuffix(" s") for name in row.combo_settings.said()]
        if row.blocked_models:
            said.insert(0, f"{len(row.blocked_models)} of its models blocked")
        if row.account_strategy:
            said.insert(0, row.account_strategy.replace("_", " "))
        return ", ".join(said) or "-"


class FallbackInline(OrderedInline):
    model = FallbackEntry
    form = FallbackEntryForm
    formset = FallbackFormSet
    fields = ("target", "is_active", "position")
    verbose_name_plural = "What is tried, first to last"


@admin.register(FallbackChain)
class FallbackChainAdmin(SuggestsModels):
    form = FallbackChainForm
    inlines = (FallbackInline,)
    list_display = ("name", "concerns", "line", "is_active")
    list_editable = ("is_active",)
    search_fields = ("name", "model", "entries__target")
    change_form_after_template = "admin/includes/suggestions.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[FallbackChain]:
        queryset: QuerySet[FallbackChain] = super().get_queryset(request)
        return queryset.prefetch_related("entries")

    @display(description="For", ordering="model")
    def concerns(self, row: FallbackChain) -> str:
        return row.model or "every request"

    @display(description="Order")
    def line(self, row: FallbackChain) -> str:
        return " → ".join(entry.target for entry in row.entries.all() if entry.is_active) or "-"
