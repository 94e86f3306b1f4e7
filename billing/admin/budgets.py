"""Budgets in the admin: how far each one is used, and when it begins anew."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from billing.budgets.editing import reset, save_budget
from billing.budgets.status import Status, statuses
from billing.budgets.words import bar, words
from billing.models import Budget
from omniroute.forms import PlainDecimals, SuggestionInput
from omniroute.model_admin import POST_ATTRS, ListEditingAdmin, object_or_none, redirect_to_change, refuse_get

TIME_ZONES = "time-zones"
"""Id of the page's `<datalist>`."""


class BudgetForm(PlainDecimals):
    class Meta:
        model = Budget
        fields = (
            "name",
            "api_key",
            "account",
            "limit",
            "unit",
            "period",
            "time_zone",
            "warning_percent",
            "refuse_unpriced",
            "is_active",
        )
        widgets = {"time_zone": SuggestionInput(TIME_ZONES, placeholder="UTC")}
        help_texts = {
            "name": "Empty: named after what it limits.",
            "api_key": "Only this client's requests. Neither key nor account: all requests together.",
            "account": "Only requests that this account answers. When it is spent, other accounts take over.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("api_key") and cleaned.get("account"):
            self.add_error(
                "account", "A budget is for an API key or for an account. Make two budgets instead."
            )
        limit = cleaned.get("limit")
        if limit is not None and limit <= 0:
            self.add_error("limit", "The limit must be above 0.")
        if not 1 <= (cleaned.get("warning_percent") or 80) <= 100:
            self.add_error("warning_percent", "Between 1 and 100.")
        return cleaned


@admin.register(Budget)
class BudgetAdmin(ListEditingAdmin):
    form = BudgetForm
    list_display = ("title", "whose", "state", "begins_anew", "is_active")
    list_editable = ("is_active",)
    list_filter = ("period", "unit", "is_active")
    search_fields = ("name", "api_key__name", "account__name")
    search_help_text = "Search by name, API key or account"
    list_select_related = ("api_key", "account")
    list_before_template = "admin/billing/budgets_note.html"
    change_form_after_template = "admin/billing/time_zones.html"
    readonly_fields = ("state",)
    actions_detail = ("begin_again",)
    add_fieldsets = (
        (
            None,
            {"fields": (("limit", "unit"), "period", "api_key", "account", "is_active")},
        ),
        (
            "Advanced",
            {
                "classes": ("collapse",),
                "fields": ("name", "time_zone", "warning_percent", "refuse_unpriced"),
            },
        ),
    )
    fieldsets = ((None, {"fields": ("state", *add_fieldsets[0][1]["fields"])}), add_fieldsets[1])

    def get_fieldsets(self, request: HttpRequest, obj: Budget | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def form_context(self) -> dict[str, Any]:
        return {"time_zones": sorted(available_timezones())}

    def save_model(self, request: HttpRequest, obj: Budget, form: ModelForm[Any], change: bool) -> None:
        save_budget(obj)

    @action(
        description="Begin again",
        icon="restart_alt",
        url_path="begin-again",
        attrs=POST_ATTRS,
        permissions=["change"],
    )
    def begin_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if (refused := refuse_get(self, request, object_id)) is not None:
            return refused
        row: Budget | None = object_or_none(self, request, object_id)
        if row is None:
            return redirect_to_change(self, object_id)
        if row.period != Budget.Period.ONCE:
            messages.error(request, "Only a budget for once can begin again: the others do so by themselves.")
        else:
            reset(row)
            messages.success(request, "Nothing is spent of this budget now.")
        return redirect_to_change(self, object_id)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        once = Budget.objects.filter(pk=object_id, period=Budget.Period.ONCE).exists()
        return super().get_actions_detail(request, object_id) if once else []

    @display(description="Budget", ordering="limit")
    def title(self, row: Budget) -> SafeString:
        context = {"first": words(row), "second": row.name}
        return render_to_string("admin/billing/cell_two_lines.html", context)

    @display(description="For")
    def whose(self, row: Budget) -> SafeString:
        if row.api_key:
            return format_html('{} <span class="or-muted">API key</span>', row.api_key.name)
        if row.account:
            return format_html('{} <span class="or-muted">account</span>', row.account)
        return format_html("All requests")

    @display(description="Used")
    def state(self, row: Budget) -> SafeString:
        if not row.pk:
            return format_html("-")
        return bar(self._status(row))

    @display(description="Begins anew")
    def begins_anew(self, row: Budget) -> Any:
        end = self._status(row).period.end
        if end is None:
            return "Never"
        lines = {"first": f"{end.astimezone(ZoneInfo(row.time_zone)):%-d %b, %H:%M}", "second": row.time_zone}
        return render_to_string("admin/billing/cell_two_lines.html", lines)

    @staticmethod
    def _status(row: Budget) -> Status:
        """Worked out once for each row of a page."""
        known: Status | None = getattr(row, "_status", None)
        if known is None:
            (known,) = statuses([row])
            row._status = known  # type: ignore[attr-defined]
        return known
