"""Requests and daily usage in the admin: to read, and fast however long the history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.dateformat import format as date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.request_list import DailyChangeList, RequestChangeList
from billing.models import DailyUsage, UsageRecord, UsageSettings
from billing.usage import filters, finding, request_logs
from billing.usage.queries import key_names
from omniroute.model_admin import ReadOnlyAdmin, SingletonAdmin
from omniroute.templatetags.figures import duration, usd

_APART = {
    "audio_seconds": "Seconds of sound",
    "output_images": "Images made",
    "input_audio_tokens": "of the input sound",
    "output_audio_tokens": "of the output sound",
    "input_image_tokens": "of the input pictures",
    "output_image_tokens": "of the output pictures",
    "cache_write_1h_tokens": "of the cache for an hour",
    "web_searches": "Web searches",
}


@admin.register(UsageRecord)
class UsageRecordAdmin(ReadOnlyAdmin):
    list_display = ("time", "result", "asked", "served", "key", "tokens", "price", "took", "tries")
    list_display_links = ("time", "result")
    list_filter = (
        filters.PeriodFilter,
        filters.StatusFilter,
        filters.ProviderFilter,
        filters.ModelFilter,
        filters.AccountFilter,
        filters.ComboFilter,
        filters.KeyFilter,
        filters.CostFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-created_at", "-id")
    sortable_by = ()
    search_fields = finding.TEXTS
    search_help_text = "Request id, or words of the model, account, key, combo or error"
    fieldsets = (
        (None, {"fields": ("result", "trail")}),
        ("Tokens and cost", {"fields": ("token_table", "price", "cost_source_label")}),
        ("On the wire", {"fields": ("wire_log",)}),
        (
            "Request",
            {
                "fields": (
                    "time",
                    "request_id",
                    "requested_model",
                    "combo",
                    "served",
                    "key",
                    "endpoint",
                    "formats",
                    "took",
                    "client",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[UsageRecord]:
        return super().get_queryset(request).filter(is_extra=False)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> UsageRecord | None:
        """By the request's own id as well, which is all that clients and live events know."""
        if object_id.isdecimal():
            return super().get_object(request, object_id, from_field)
        return next(iter(finding.with_id(object_id)), None)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RequestChangeList]:
        return RequestChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UsageRecord], search_term: str
    ) -> tuple[QuerySet[UsageRecord], bool]:
        return (queryset.filter(finding.saying(search_term)) if search_term else queryset), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(name for _, options in self.fieldsets for name in options["fields"])

    @display(description="Time")
    def time(self, row: UsageRecord) -> SafeString:
        return render_to_string("admin/billing/cell_time.html", {"moment": row.created_at})

    @display(description="Result")
    def result(self, row: UsageRecord) -> SafeString:
        return render_to_string("admin/billing/cell_status.html", {"row": row})

    @display(description="Asked for")
    def asked(self, row: UsageRecord) -> SafeString:
        return render_to_string(
            "admin/billing/cell_two_lines.html",
            {"first": row.requested_model, "second": row.combo and "combo"},
        )

    @display(description="Served by")
    def served(self, row: UsageRecord) -> SafeString:
        return render_to_string("admin/billing/cell_served.html", {"row": row})

    @display(description="API key")
    def key(self, row: UsageRecord) -> str:
        return row.api_key_name or "-"

    @display(description="Tokens in / out")
    def tokens(self, row: UsageRecord) -> SafeString:
        return render_to_string("admin/billing/cell_tokens.html", {"row": row})

    @display(description="Cost")
    def price(self, row: UsageRecord) -> SafeString | str:
        if row.cost is not None:
            return usd(row.cost)
        return (
            format_html('<span class="or-pill or-pill-warn">{}</span>', "unpriced") if row.has_price else "-"
        )

    @display(description="Time taken")
    def took(self, row: UsageRecord) -> SafeString:
        first = f"first in {duration(row.first_token_ms)}" if row.first_token_ms is not None else ""
        return render_to_string(
            "admin/billing/cell_two_lines.html", {"first": duration(row.latency_ms), "second": first}
        )

    @display(description="Attempts")
    def tries(self, row: UsageRecord) -> int:
        return row.attempt_count

    @display(description="Attempts")
    def trail(self, row: UsageRecord) -> SafeString:
        return render_to_string("admin/billing/trail.html", {"row": row, "attempts": row.attempts or []})

    @display(description="Bodies")
    def wire_log(self, row: UsageRecord) -> SafeString:
        context = {"log": request_logs.load(row.request_id), "enabled": settings.ENABLE_REQUEST_LOGS}
        return render_to_string("admin/billing/wire_log.html", context)

    @display(description="Tokens")
    def token_table(self, row: UsageRecord) -> SafeString:
        apart = [
            (_APART.get(name, name.replace("_", " ")), n) for name, n in (row.priced_apart or {}).items()
        ]
        return render_to_string("admin/billing/token_table.html", {"row": row, "apart": apart})

    @display(description="Where the cost comes from")
    def cost_source_label(self, row: UsageRecord) -> str:
        return str(row.get_cost_source_display()) if row.cost is not None or row.has_price else "-"

    @display(description="Formats")
    def formats(self, row: UsageRecord) -> str:
        way = " → ".join(filter(None, dict.fromkeys((row.client_format, row.provider_format))))
        return f"{way or '-'}, {'streamed' if row.stream else 'not streamed'}"

    @display(description="Client")
    def client(self, row: UsageRecord) -> str:
        return " · ".join(filter(None, (row.client_address, row.user_agent))) or "-"


@admin.register(DailyUsage)
class DailyUsageAdmin(ReadOnlyAdmin):
    list_display = (
        "day_column",
        "model_column",
        "key",
        "requests",
        "errors",
        "fallbacks",
        "tokens",
        "price",
        "latency",
    )
    list_display_links = None
    list_filter = (
        filters.PeriodFilter,
        filters.ProviderFilter,
        filters.ModelFilter,
        filters.ComboFilter,
        filters.KeyFilter,
        filters.CostFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-day", "-requests")
    sortable_by = ()
    _keys: dict[int, str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DailyUsage]:
        self._keys = key_names()
        queryset: QuerySet[DailyUsage] = super().get_queryset(request)
        return queryset

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DailyChangeList]:
        return DailyChangeList

    @display(description="Day")
    def day_column(self, row: DailyUsage) -> SafeString:
        day = date_format(row.day, "j M Y")
        return format_html('<time datetime="{}" class="or-nowrap">{}</time>', row.day.isoformat(), day)

    @display(description="Model")
    def model_column(self, row: DailyUsage) -> SafeString:
        return render_to_string("admin/billing/cell_model.html", {"row": row})

    @display(description="API key")
    def key(self, row: DailyUsage) -> str:
        return self._keys.get(row.api_key_id, f"deleted key {row.api_key_id}") if row.api_key_id else "-"

    @display(description="Tokens in / out")
    def tokens(self, row: DailyUsage) -> SafeString:
        return render_to_string("admin/billing/cell_tokens.html", {"row": row})

    @display(description="Cost")
    def price(self, row: DailyUsage) -> SafeString | str:
        if row.unpriced:
            return format_html(
                '{} <span class="or-pill or-pill-warn">{} unpriced</span>', usd(row.cost), row.unpriced
            )
        return usd(row.cost)

    @display(description="Average")
    def latency(self, row: DailyUsage) -> str:
        return duration(row.latency_ms / row.requests if row.requests else None)


@admin.register(UsageSettings)
class UsageSettingsAdmin(SingletonAdmin):
    fieldsets = (
        (
            "How long the history is kept",
            {
                "description": "A background job deletes what is overdue every hour, a few rows at a time.",
                "fields": ("keep_requests_days", "keep_requests_rows", "keep_daily_days"),
            },
        ),
        (
            "Request logs",
            {
                "description": "What went over the wire, by request. Only where ENABLE_REQUEST_LOGS is on.",
                "fields": ("log_place", "log_body_kb", "keep_logs_days", "keep_logs_rows"),
            },
        ),
    )
