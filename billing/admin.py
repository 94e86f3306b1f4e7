"""API keys, requests, daily usage and prices in the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from billing import filters
from billing.forms import ApiKeyForm, PriceForm
from billing.keys import create_api_key
from billing.models import ApiKey, DailyUsage, Price, UsageRecord
from billing.queries import key_names, known_values
from omniroute.model_admin import ReadOnlyAdmin
from omniroute.templatetags.figures import compact, duration, usd


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    form = ApiKeyForm
    list_display = ("name", "key", "scope_label", "models", "is_active", "expires_at", "last_used")
    list_editable = ("is_active",)
    list_filter = ("scope", "is_active")
    search_fields = ("name", "hint")
    readonly_fields = ("key", "created_at", "last_used")
    fieldsets = (
        (None, {"fields": ("name", "key", "scope", "is_active", "expires_at", "allowed_models")}),
        ("History", {"fields": ("created_at", "last_used")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "scope", "expires_at", "allowed_models")}),)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm[Any], change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        names = ("name", "scope", "expires_at", "allowed_models")
        new = create_api_key(**{name: getattr(obj, name) for name in names})
        obj.__dict__.update(new.record.__dict__)
        # Only this response ever holds it: no session, cookie or message does.
        request.new_api_key = new.secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new API key",
            "opts": self.model._meta,
            "key": obj,
            "secret": request.new_api_key,  # type: ignore[attr-defined]
            "base_url": settings.BASE_URL.rstrip("/"),
            "model": next((model for model in obj.allowed_models if not set("*?") & set(model)), ""),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/billing/new_key.html", context)

    @display(description="Key")
    def key(self, row: ApiKey) -> SafeString:
        return format_html("<code>{}</code>", row.hint)

    @display(description="May", ordering="scope", label={"use": "info", "manage": "warning"})
    def scope_label(self, row: ApiKey) -> tuple[str, str]:
        return row.scope, "Use" if row.scope == ApiKey.Scope.USE else "Use and manage"

    @display(description="Models")
    def models(self, row: ApiKey) -> str:
        return ", ".join(row.allowed_models) if row.allowed_models else "All"

    @display(description="Last used", ordering="last_used_at")
    def last_used(self, row: ApiKey) -> Any:
        return row.last_used_at or "Never"


@admin.register(UsageRecord)
class UsageRecordAdmin(ReadOnlyAdmin):
    list_display = ("time", "result", "asked", "served", "key", "tokens", "price", "took", "tries")
    list_display_links = ("time", "result")
    list_filter = (
        filters.PeriodFilter,
        filters.StatusFilter,
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
    paginator = InfinitePaginator
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("=request_id",)
    search_help_text = "Search by request id"
    fieldsets = (
        (None, {"fields": ("result", "trail")}),
        ("Tokens and cost", {"fields": ("token_table", "price", "cost_source_label")}),
        (
            "Request",
            {
                "fields": (
                    "created_at",
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
            format_html('<span class="or-pill or-pill-warn">{}</span>', "unpriced") if row.has_tokens else "-"
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

    @display(description="Tokens")
    def token_table(self, row: UsageRecord) -> SafeString:
        return render_to_string("admin/billing/token_table.html", {"row": row})

    @display(description="Where the cost comes from")
    def cost_source_label(self, row: UsageRecord) -> str:
        return str(row.get_cost_source_display())

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
        "day",
        "provider_column",
        "model",
        "combo",
        "key",
        "requests",
        "errors",
        "fallbacks",
        "tokens_in",
        "tokens_out",
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
    _keys: dict[int, str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DailyUsage]:
        self._keys = key_names()
        queryset: QuerySet[DailyUsage] = super().get_queryset(request)
        return queryset

    @display(description="Provider", ordering="provider")
    def provider_column(self, row: DailyUsage) -> SafeString:
        return render_to_string("admin/billing/cell_provider.html", {"row": row})

    @display(description="API key", ordering="api_key_id")
    def key(self, row: DailyUsage) -> str:
        return self._keys.get(row.api_key_id, f"deleted key {row.api_key_id}") if row.api_key_id else "-"

    @display(description="Input tokens", ordering="input_tokens")
    def tokens_in(self, row: DailyUsage) -> str:
        cached = f" ({compact(row.cache_read_tokens)} cached)" if row.cache_read_tokens else ""
        return compact(row.input_tokens) + cached

    @display(description="Output tokens", ordering="output_tokens")
    def tokens_out(self, row: DailyUsage) -> str:
        return compact(row.output_tokens)

    @display(description="Cost", ordering="cost")
    def price(self, row: DailyUsage) -> SafeString | str:
        if row.unpriced:
            return format_html(
                '{} <span class="or-pill or-pill-warn">{} unpriced</span>', usd(row.cost), row.unpriced
            )
        return usd(row.cost)

    @display(description="Average time")
    def latency(self, row: DailyUsage) -> str:
        return duration(row.latency_ms / row.requests if row.requests else None)


@admin.register(Price)
class PriceAdmin(ModelAdmin):
    form = PriceForm
    list_display = (
        "model",
        "provider",
        "input_price",
        "output_price",
        "cache_read_price",
        "cache_write_price",
    )
    search_fields = ("provider", "model")
    list_before_template = "admin/billing/prices_note.html"
    change_form_after_template = "admin/billing/price_suggestions.html"
    fieldsets = (
        (None, {"fields": ("provider", "model")}),
        (
            "USD per million tokens",
            {
                "description": "1 USD per million tokens is 0.001 USD per thousand.",
                "fields": ("input", "output", "cache_read", "cache_write"),
            },
        ),
    )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {**(extra_context or {}), "providers": known_values("provider")}
        return super().changeform_view(request, object_id, form_url, context)

    @display(description="Input", ordering="input")
    def input_price(self, row: Price) -> SafeString:
        return _per_million(row.input)

    @display(description="Output", ordering="output")
    def output_price(self, row: Price) -> SafeString:
        return _per_million(row.output)

    @display(description="Cache read", ordering="cache_read")
    def cache_read_price(self, row: Price) -> SafeString:
        return _per_million(row.cache_read)

    @display(description="Cache write", ordering="cache_write")
    def cache_write_price(self, row: Price) -> SafeString:
        return _per_million(row.cache_write)


def _per_million(price: Decimal | None) -> SafeString:
    if price is None:
        return format_html('<span class="or-muted">{}</span>', "not set")
    lines = {"first": f"${_plain(price)} / 1M", "second": f"${_plain(price / 1000)} / 1K"}
    return render_to_string("admin/billing/cell_two_lines.html", lines)


def _plain(price: Decimal) -> str:
    """All digits, without exponent and trailing zeros."""
    return f"{price.normalize():f}"
