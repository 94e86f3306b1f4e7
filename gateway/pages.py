"""Pages of the gateway's own, and what the home page's buttons do."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from combos.queries import combo_names
from gateway import snapshot as snapshots
from gateway.admin import (
    backups,  # noqa: F401  (register their pages)
    cli_tools_page,  # noqa: F401  (register their pages)
    health_pages,  # noqa: F401  (register their pages)
    pricing_page,  # noqa: F401  (register their pages)
    sync_page,  # noqa: F401  (register their pages)
    translator,  # noqa: F401  (register their pages)
    usage_page,  # noqa: F401  (register their pages)
)
from gateway.explain import explain
from omniroute.pages import page
from omniroute.types import JSONDict
from providers.choices import model_ids
from providers.config import load_specs
from resilience.cooldown import cooldowns


@page("clear-cooldowns", title="Clear all cooldowns", section="", permission="providers.change_account")
def clear_cooldowns(request: HttpRequest) -> HttpResponseRedirect:
    """By POST; a mere visit leads home."""
    if request.method == "POST":
        count = len(cooldowns.active())
        cooldowns.reset()
        messages.success(request, f"{count} cooldown{'' if count == 1 else 's'} cleared.")
    return HttpResponseRedirect(reverse("admin:index"))


@page("route", title="Try a route", section="Combos", icon="conversion_path", permission="combos.view_combo")
def try_route(request: HttpRequest) -> JSONDict:
    """What a request for a model would do now. Nothing is sent."""
    model = request.GET.get("model", "").strip()[:250]
    found = explain(model, snapshots.refresh(), stream="stream" in request.GET) if model else None
    return {
        "model": model,
        "stream": "stream" in request.GET,
        "found": found,
        "suggestions": [*combo_names(), *model_ids(load_specs(), ("chat",))],
    }
