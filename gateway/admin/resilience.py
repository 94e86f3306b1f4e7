"""Profiles, rate limits and access by address in the admin. What holds right now: the pages Health and Resilience."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from gateway.admin.resilience_forms import IpRulesForm, ProviderProfileForm, TemporaryBanForm
from omniroute.model_admin import SingletonAdmin
from omniroute.templatetags.figures import seconds
from providers.choices import provider_names
from resilience.models import KINDS, IpRules, ProviderProfile, RateLimitSettings, TemporaryBan


@admin.register(ProviderProfile)
class ProviderProfileAdmin(ModelAdmin):
    form = ProviderProfileForm
    list_display = ("applies_to", "after_trouble", "after_limit", "circuit")
    ordering = ("id",)
    fieldsets = (
        (None, {"fields": ("name",)}),
        ("Cooldowns", {"fields": ("transient_cooldown_s", "rate_limit_cooldown_s", "max_backoff_level")}),
        ("Circuit breaker", {"fields": ("breaker_failures", "breaker_reset_s")}),
        ("Rate limit detection", {"fields": ("throttle_below_percent",)}),
    )

    def get_readonly_fields(
        self, request: HttpRequest, obj: ProviderProfile | None = None
    ) -> tuple[str, ...]:
        return ("applies_to",) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: ProviderProfile | None = None) -> Any:
        rest = self.fieldsets[1:]
        return ((None, {"fields": ("applies_to",)}), *rest) if obj else self.fieldsets

    def has_delete_permission(self, request: HttpRequest, obj: ProviderProfile | None = None) -> bool:
        """The three kinds stay."""
        return (obj is None or obj.name not in KINDS) and bool(super().has_delete_permission(request, obj))

    @display(description="Applies to", ordering="name")
    def applies_to(self, row: ProviderProfile) -> str:
        return KINDS.get(row.name) or provider_names().get(row.name, row.name)

    @display(description="After trouble")
    def after_trouble(self, row: ProviderProfile) -> str:
        return seconds(row.transient_cooldown_s)

    @display(description="After a rate limit")
    def after_limit(self, row: ProviderProfile) -> str:
        first = seconds(row.rate_limit_cooldown_s or 1)
        return f"{first}, doubled up to {row.max_backoff_level} times"

    @display(description="Circuit breaker")
    def circuit(self, row: ProviderProfile) -> str:
        return f"{row.breaker_failures} failures, then {seconds(row.breaker_reset_s)}"


@admin.register(RateLimitSettings)
class RateLimitSettingsAdmin(SingletonAdmin):
    """Saved or not, one goes on at the page that shows all of it."""

    fieldsets = (
        (
            "Every protected account",
            {
                "fields": ("requests_per_minute", "min_gap_ms", "max_concurrent"),
                "description": "Accounts with rate limit protection that have no values of their own.",
            },
        ),
        ("Waiting", {"fields": ("queue_size", "queue_timeout_s")}),
    )

    def form_context(self) -> dict[str, Any]:
        return {**super().form_context(), "cancel_url": reverse("admin:gateway_resilience")}

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:gateway_resilience"))


class KnowsItsAuthor:
    """Tells the form who is asking, so that nobody locks themselves out."""

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form: type[ModelForm[Any]] = super().get_form(request, obj, **kwargs)  # type: ignore[misc]
        return type(form.__name__, (form,), {"request": request})


@admin.register(IpRules)
class IpRulesAdmin(KnowsItsAuthor, SingletonAdmin):
    form = IpRulesForm
    fieldsets = ((None, {"fields": ("enabled", "mode", "blacklist", "whitelist")}),)


@admin.register(TemporaryBan)
class TemporaryBanAdmin(KnowsItsAuthor, ModelAdmin):
    form = TemporaryBanForm
    list_display = ("address", "state", "until", "reason")
    search_fields = ("address", "reason")

    @display(description="State", label={"Banned": "danger", "Over": "default"})
    def state(self, row: TemporaryBan) -> str:
        return "Over" if row.is_over else "Banned"
