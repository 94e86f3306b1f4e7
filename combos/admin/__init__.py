"""Combos and model aliases in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import display

from combos.admin.forms import ComboForm, ModelAliasForm, TargetForm, TargetFormSet
from combos.admin.inlines import OrderedInline
from combos.admin.routing import FallbackChainAdmin as FallbackChainAdmin
from combos.admin.routing_forms import COMBO_OPTION_FIELDS
from combos.admin.suggestions import SuggestsModels
from combos.flow import flow_of
from combos.models import Combo, ComboTarget, ModelAlias
from combos.queries import references, rename_references
from combos.strategies import registry
from combos.validation import Names, known_names


class TargetInline(OrderedInline):
    model = ComboTarget
    form = TargetForm
    formset = TargetFormSet
    fields = ("model", "weight", "is_active", "position")
    verbose_name_plural = "Targets, first to last"


@admin.register(Combo)
class ComboAdmin(SuggestsModels):
    form = ComboForm
    inlines = (TargetInline,)
    list_display = ("name", "flow_column", "strategy_column", "is_active")
    list_editable = ("is_active",)
    search_fields = ("name", "description", "targets__model")
    search_help_text = "Search by name, description or target"
    change_form_after_template = "admin/includes/suggestions.html"
    readonly_fields = ("flow",)
    fieldsets = (
        (None, {"fields": ("flow", "name", "description", "strategy", "is_active")}),
        (
            "Advanced",
            {
                "classes": ("collapse",),
                "fields": COMBO_OPTION_FIELDS,
                "description": "What is empty is as the provider's rule says, or the combo defaults under Routing.",
            },
        ),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "description", "strategy", "is_active")}),
        fieldsets[1],
    )
    _names: Names
    _strategies: dict[str, str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Combo]:
        self._names = known_names()
        self._strategies = dict(registry.choices())
        queryset: QuerySet[Combo] = super().get_queryset(request)
        return queryset.prefetch_related("targets")

    def save_model(self, request: HttpRequest, obj: Combo, form: ModelForm[Any], change: bool) -> None:
        old = form.initial.get("name")
        super().save_model(request, obj, form, change)
        if change and old and old != obj.name and (followers := references(old)):
            rename_references(old, obj.name)
            messages.info(request, f"Carried over to “{obj.name}”: {', '.join(followers)}.")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        names = known_names()
        for target in form.instance.targets.all():
            if concern := names.concern(target.model):
                messages.warning(request, concern)

    def delete_model(self, request: HttpRequest, obj: Combo) -> None:
        if left := references(obj.name):
            messages.warning(request, f"These still lead to “{obj.name}”, which is gone: {', '.join(left)}.")
        super().delete_model(request, obj)

    @display(description="Order")
    def flow_column(self, row: Combo) -> SafeString:
        return render_to_string("admin/combos/flow.html", {"steps": self._steps(row), "compact": True})

    @display(description="How it goes")
    def flow(self, row: Combo) -> SafeString:
        context = {"steps": self._steps(row), "explanation": registry.explanations.get(row.strategy)}
        return render_to_string("admin/combos/flow.html", context)

    @display(description="Strategy", ordering="strategy", label=True)
    def strategy_column(self, row: Combo) -> str:
        return self._label(row)

    def _label(self, row: Combo) -> str:
        return self._strategies.get(row.strategy, row.strategy).partition(":")[0]

    def _steps(self, row: Combo) -> Any:
        return flow_of(row, self._names)


@admin.register(ModelAlias)
class ModelAliasAdmin(SuggestsModels):
    form = ModelAliasForm
    list_display = ("pattern", "target", "is_active")
    list_editable = ("is_active",)
    search_fields = ("pattern", "target")
    change_form_after_template = "admin/includes/suggestions.html"

    def save_model(self, request: HttpRequest, obj: ModelAlias, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "target" in form.changed_data and (concern := known_names().concern(obj.target)):
            messages.warning(request, concern)
