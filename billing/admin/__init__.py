"""API keys and prices in the admin. Requests and daily usage: `usage_admin`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing.admin import budgets as budget_admin  # noqa: F401  (register)
from billing.admin import usage as usage_admin  # noqa: F401  (register)
from billing.admin.forms import ApiKeyForm, PriceForm
from billing.keys import create_api_key
from billing.models import ApiKey, Price
from billing.templatetags.prices import money, per_thousand
from billing.usage.queries import known_values
from omniroute.model_admin import FormContextAdmin
from omniroute.templatetags.figures import ago

_MAY: dict[str, str] = {
    ApiKey.Scope.USE: "Use",
    ApiKey.Scope.SYNC: "Sync",
    ApiKey.Scope.MANAGE: "Use and manage",
}


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    form = ApiKeyForm
    change_form_outer_after_template = "admin/billing/budgets_of_key.html"
    list_display = ("name", "key", "scope_label", "models", "is_active", "expires", "last_used")
    list_editable = ("is_active",)
    list_filter = ("scope", "is_active")
    search_fields = ("name", "hint")
    search_help_text = "Search by name or key"
    readonly_fields = ("key", "created_at", "last_used")
    fieldsets = (
        (None, {"fields": ("name", "key", "scope", "is_active", "expires_at", "allowed_models")}),
        ("Cache", {"classes": ("collapse",), "fields": ("cache", "similar_answers")}),
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
        return format_html('<code class="or-nowrap">{}</code>', row.hint)

    @display(description="May", ordering="scope", label={"use": "info", "manage": "warning", "sync": "info"})
    def scope_label(self, row: ApiKey) -> tuple[str, str]:
        return row.scope, _MAY[row.scope]

    @display(description="Models")
    def models(self, row: ApiKey) -> str:
        return ", ".join(row.allowed_models) if row.allowed_models else "All"

    @display(description="Last used", ordering="last_used_at")
    def last_used(self, row: ApiKey) -> Any:
        return ago(row.last_used_at).capitalize()

    @display(description="Expires", ordering="expires_at")
    def expires(self, row: ApiKey) -> Any:
        if row.expires_at and row.expires_at <= timezone.now():
            return format_html('<span class="or-pill or-pill-bad">Expired {}</span>', ago(row.expires_at))
        return row.expires_at or "Never"


@admin.register(Price)
class PriceAdmin(FormContextAdmin):
    form = PriceForm
    list_display = (
        "model",
        "provider_column",
        "input_price",
        "output_price",
        "cache_read_price",
        "cache_write_price",
    )
    search_fields = ("provider", "model")
    search_help_text = "Search by provider or model"
    list_before_template = "admin/billing/prices_note.html"
    change_form_after_template = "admin/billing/price_suggestions.html"
    fieldsets = (
        (None, {"fields": ("provider", "model")}),
        (
            "USD per million tokens",
            {
                "description": "1 USD per million tokens is 0.001 USD per thousand.",
                "fields": (
                    ("input", "output"),
                    ("cache_read", "reasoning"),
                    ("cache_write", "cache_write_1h"),
                    ("input_audio", "output_audio"),
                ),
            },
        ),
        ("USD by the piece", {"classes": ("collapse",), "fields": (("request", "audio_minute", "image"),)}),
        (
            "Long contexts",
            {
                "classes": ("collapse",),
                "fields": (
                    "long_start",
                    ("long_input", "long_output"),
                    ("long_cache_read", "long_cache_write"),
                ),
            },
        ),
    )

    def form_context(self) -> dict[str, Any]:
        return {"providers": known_values("provider")}

    @display(description="Provider", ordering="provider")
    def provider_column(self, row: Price) -> SafeString:
        return render_to_string("admin/billing/cell_provider.html", {"row": row})

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
    lines = {"first": f"${money(price)} / 1M", "second": f"${per_thousand(price)} / 1K"}
    return render_to_string("admin/billing/cell_two_lines.html", lines)
