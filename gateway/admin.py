"""The gateway's settings in the admin: one row, so its entry opens the form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from gateway.forms import AI_FIELDS, GatewaySettingsForm
from gateway.models import GatewaySettings


@admin.register(GatewaySettings)
class GatewaySettingsAdmin(ModelAdmin):
    form = GatewaySettingsForm
    fieldsets = (
        ("Routing", {"fields": ("account_strategy",)}),
        ("Access", {"fields": ("require_key_for_models", "fetch_private_addresses")}),
        ("AI", {"fields": AI_FIELDS}),
        (
            "Time limits",
            {
                "fields": (
                    "connect_timeout_s",
                    "first_event_timeout_s",
                    "idle_timeout_s",
                    "response_timeout_s",
                    "keepalive_s",
                )
            },
        ),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:gateway_gatewaysettings_change", args=("1",)))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> GatewaySettings:
        """The row, or its defaults before the first save."""
        return GatewaySettings.load()

    def response_post_save_change(self, request: HttpRequest, obj: GatewaySettings) -> HttpResponse:
        """There is no list to go back to."""
        return HttpResponseRedirect(request.path)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
