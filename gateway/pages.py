"""Pages of the gateway's own, and what the home page's buttons do."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from gateway import health_pages, usage_page  # noqa: F401  (health_pages registers its own)
from omniroute.pages import page
from omniroute.types import JSONDict
from resilience.cooldown import cooldowns


@page("clear-cooldowns", title="Clear all cooldowns", section="", permission="providers.change_account")
def clear_cooldowns(request: HttpRequest) -> HttpResponseRedirect:
    """By POST; a mere visit leads home."""
    if request.method == "POST":
        count = len(cooldowns.active())
        cooldowns.reset()
        messages.success(request, f"{count} cooldown{'' if count == 1 else 's'} cleared.")
    return HttpResponseRedirect(reverse("admin:index"))


@page("usage", title="Analytics", section="Usage", icon="monitoring", permission="billing.view_usagerecord")
def usage(request: HttpRequest) -> JSONDict:
    return usage_page.context(request)
