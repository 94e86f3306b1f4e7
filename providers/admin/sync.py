"""What providers list, in the admin: the button that reads it, and what came of it."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from unfold.decorators import action, display

from omniroute.model_admin import ReadOnlyAdmin, object_or_none, redirect_to_change, refuse_get
from omniroute.templatetags.figures import compact
from providers.admin.filters import ProviderColumn, ProviderFilter
from providers.listing.models import ListedModel
from providers.listing.sync import SyncResult, sync
from providers.models import Account


class SyncingAccounts:
    """The actions `sync_selected` and `sync_models`."""

    @admin.action(description="Sync the models of the selected accounts", permissions=["change"])
    def sync_selected(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        report(request, async_to_sync(sync)([account.provider for account in queryset]))

    @action(
        description="Sync models",
        icon="sync",
        url_path="sync-models",
        attrs={"data-post": "Reading…"},
        permissions=["change"],
    )
    def sync_models(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        if account := object_or_none(self, request, object_id):
            report(request, async_to_sync(sync)([account.provider]))
        return redirect_to_change(self, object_id)


def report(request: HttpRequest, results: list[SyncResult]) -> None:
    for result in results:
        if result.error:
            messages.error(request, f"{result.provider}: {result.error}")
            continue
        said = f"{result.provider} lists {result.total} models: {len(result.added)} new"
        messages.success(request, f"{said}, {len(result.vanished)} vanished.")


@admin.register(ListedModel)
class ListedModelAdmin(ProviderColumn, ReadOnlyAdmin):
    list_display = ("model_id", "provider_name", "kind_label", "context", "first_seen", "state")
    list_filter = (ProviderFilter, "kind", ("missing_since", admin.EmptyFieldListFilter))
    search_fields = ("model_id", "name")
    list_per_page = 100
    list_before_template = "admin/providers/listed_note.html"

    @display(description="Kind", ordering="kind")
    def kind_label(self, row: ListedModel) -> str:
        return row.kind.capitalize()

    @display(description="Context window", ordering="context_window")
    def context(self, row: ListedModel) -> str:
        return compact(row.context_window)

    @display(description="State", label={"listed": "success", "vanished": "warning"})
    def state(self, row: ListedModel) -> tuple[str, str]:
        if row.missing_since is None:
            return "listed", "Listed"
        return "vanished", f"Vanished {date_format(row.missing_since)}"
