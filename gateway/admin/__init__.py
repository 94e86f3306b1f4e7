"""The gateway's settings in the admin: one row, so its entry opens the form."""

from __future__ import annotations

from django.contrib import admin

from gateway.admin.cache import CacheSettingsAdmin as CacheSettingsAdmin
from gateway.admin.forms import AI_FIELDS, GatewaySettingsForm
from gateway.admin.proxies import ProxyRuleAdmin as ProxyRuleAdmin
from gateway.admin.resilience import ProviderProfileAdmin as ProviderProfileAdmin
from gateway.models import GatewaySettings
from omniroute.model_admin import SingletonAdmin


@admin.register(GatewaySettings)
class GatewaySettingsAdmin(SingletonAdmin):
    form = GatewaySettingsForm
    fieldsets = (
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
