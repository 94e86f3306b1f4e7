"""What the home page's buttons do, and the pages of health."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from gateway import health_pages, pricing_page  # noqa: F401  (register their pages)
from omniroute.pages import page
from resilience.cooldown import cooldowns


@page("clear-cooldowns", title="Clear all cooldowns", section="", permission="providers.change_account")
def clear_cooldowns(request: HttpRequest) -> HttpResponseRedirect:
    """By POST; a mere visit leads home."""
    if request.method == "POST":
        count = len(cooldowns.active())
        cooldowns.reset()
        messages.success(request, f"{count} cooldown{'' if count == 1 else 's'} cleared.")
    return HttpResponseRedirect(reverse("admin:index"))
