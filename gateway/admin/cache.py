"""Settings of the cache and of idempotency in the admin, with what the cache holds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from gateway.admin.cache_figures import cached_by_providers
from gateway.api.cache import semantic_cache
from gateway.models import CacheSettings
from gateway.replay import repeats
from gateway.replay.entries import Selection
from gateway.replay.store import store
from omniroute.model_admin import POST_ATTRS, SingletonAdmin, redirect_to_change, refuse_get


@admin.register(CacheSettings)
class CacheSettingsAdmin(SingletonAdmin):
    change_form_before_template = "admin/gateway/cache_figures.html"
    actions_detail = ("clear",)
    fieldsets = (
        ("Response cache", {"fields": ("cache_enabled", "any_temperature", "ttl_s")}),
        ("Similar prompts", {"fields": ("similarity_model", "similarity_threshold")}),
        ("Repeated requests", {"fields": ("idempotency_window_s",)}),
    )

    def form_context(self) -> dict[str, Any]:
        return {
            **super().form_context(),
            "cache": semantic_cache(),
            "repeats": len(repeats.table),
            "providers": cached_by_providers(),
        }

    @action(
        description="Empty the cache",
        icon="delete_sweep",
        url_path="clear",
        attrs={**POST_ATTRS, "data-post": "Emptying…"},
        permissions=["change"],
    )
    def clear(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if refusal := refuse_get(self, request, object_id):
            return refusal
        messages.success(request, f"{store().forget(Selection())} cached answers were forgotten.")
        return redirect_to_change(self, "1")
