"""The gateway's settings in the admin: one row, of which each page shows a part."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from gateway.admin.backups import BackupSettingsAdmin as BackupSettingsAdmin
from gateway.admin.cache import CacheSettingsAdmin as CacheSettingsAdmin
from gateway.admin.forms import AccessForm
from gateway.admin.proxies import ProxyRuleAdmin as ProxyRuleAdmin
from gateway.admin.resilience import ProviderProfileAdmin as ProviderProfileAdmin
from gateway.models import AccessSettings, AISettings, TimeLimits
from omniroute.model_admin import SingletonAdmin
from resilience.lockout import lockouts
from resilience.models import IpRules


@admin.register(AccessSettings)
class AccessSettingsAdmin(SingletonAdmin):
    form = AccessForm
    change_form_before_template = "admin/gateway/access.html"
    fieldsets = (
        ("Clients", {"fields": ("require_key_for_models",)}),
        ("Providers", {"fields": ("blocked_providers", "fetch_private_addresses")}),
    )

    def form_context(self) -> dict[str, Any]:
        return {
            **super().form_context(),
            "requires_key": settings.REQUIRE_API_KEY,
            "ip_rules": IpRules.load(),
            "locked": len(lockouts.locked()),
        }

    def save_model(self, request: HttpRequest, obj: AccessSettings, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        form.save_blocked()


@admin.register(AISettings)
class AISettingsAdmin(SingletonAdmin):
    fieldsets = (
        ("System prompt", {"fields": ("system_prompt_enabled", "system_prompt")}),
        ("Thinking budget", {"fields": ("thinking_mode", "thinking_budget", "thinking_effort")}),
    )


@admin.register(TimeLimits)
class TimeLimitsAdmin(SingletonAdmin):
    fieldsets = (
        (
            None,
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
