"""The pages Health, which looks again every ten seconds, and Resilience; and what their buttons do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from gateway import health
from gateway.api.monitoring import LATENCY_WINDOW_S, system
from gateway.records import processes
from omniroute.pages import page
from omniroute.types import JSONDict
from resilience.breaker import State
from resilience.lockout import lockouts
from resilience.models import KINDS, ProviderProfile, RateLimitSettings
from resilience.profiles import PROFILES
from resilience.reset import reset_all

REFRESH_S = 10
_LIMITS = frozenset({"rate_limited", "billing", "quota_exhausted"})


@page(
    "health",
    title="Health",
    section="Overview",
    icon="monitor_heart",
    permission="providers.view_account",
)
def show_health(request: HttpRequest) -> JSONDict | HttpResponse:
    """`?cards` is what the page itself asks for every `REFRESH_S`."""
    cards = render_to_string("admin/gateway/health/cards.html", _cards(), request)
    if "cards" in request.GET:
        return HttpResponse(cards)
    return {"cards": cards, "refresh_s": REFRESH_S}


@page(
    "resilience",
    title="Overview",
    section="Resilience",
    permission="resilience.view_providerprofile",
)
def show_resilience(request: HttpRequest) -> JSONDict:
    known = health.accounts()
    names = health.provider_names()
    profiles = [
        *(ProviderProfile.of(kind) for kind in PROFILES),
        *ProviderProfile.objects.exclude(name__in=PROFILES),
    ]
    return {
        "title": "Resilience",
        "profiles": [(KINDS.get(row.name) or names.get(row.name, row.name), row) for row in profiles],
        "limits": RateLimitSettings.load(),
        "protected": sum(account.rate_limit_protection for account in known),
        "circuits": health.circuits(known, names),
        "held": health.held(known, names),
        "locked": health.locked(),
    }


@page("reset-all", title="Reset all", section="", permission="providers.change_account")
def reset_everything(request: HttpRequest) -> HttpResponseRedirect:
    """By POST; a mere visit leads to the page."""
    if request.method == "POST":
        count = reset_all()
        messages.success(
            request, f"{count} circuit breaker{'' if count == 1 else 's'} and cooldowns were reset."
        )
    return _back(request)


@page("unlock", title="Unlock", section="", permission="providers.change_account")
def unlock(request: HttpRequest) -> HttpResponseRedirect:
    """By POST, with `?identifier`."""
    identifier = request.GET.get("identifier", "")
    if request.method == "POST" and identifier:
        lockouts.forgive(identifier)
        messages.success(request, f"{identifier} is unlocked.")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    name = "health" if request.GET.get("from") == "health" else "resilience"
    return HttpResponseRedirect(reverse(f"admin:gateway_{name}"))


def _cards() -> dict[str, Any]:
    known, names = health.accounts(), health.provider_names()
    circuits, held = health.circuits(known, names), health.held(known, names)
    summary = processes.summary(LATENCY_WINDOW_S)
    signatures = processes.signature_stats()
    return {
        "system": system(),
        "data_dir": settings.DATA_DIR,
        "circuits": circuits,
        "broken": sum(each.state is not State.CLOSED for each in circuits),
        "limited": [each for each in held if each.reason in _LIMITS],
        "queues": [each for each in health.limited(known) if each.running or each.queued or each.paused_s],
        "held": [each for each in held if each.reason not in _LIMITS],
        "locked": health.locked(),
        "signed_out": [account for account in known if account.is_active and account.needs_sign_in],
        "processes": processes.reports(),
        "signatures": signatures,
        "hit_percent": signatures.hit_rate * 100,
        "latency": [(names.get(id, id), spread) for id, spread in summary.providers.items()],
        "overall": summary.overall,
        "minutes": round(LATENCY_WINDOW_S / 60),
        "now": timezone.now(),
    }
