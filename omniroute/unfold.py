"""The admin's look and navigation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from omniroute.pages import pages_of

Item = tuple[str, str, str]
"""Title, icon (a Material Symbol), model (`app.model`) or, for what is no model, the name of an admin URL."""

SECTIONS: list[tuple[str, list[Item]]] = [
    ("Overview", [("Home", "home", "index")]),
    (
        "Providers",
        [
            ("Accounts", "key", "providers.account"),
            ("Custom providers", "dns", "providers.providernode"),
            ("Custom models", "deployed_code", "providers.custommodel"),
            ("Listed models", "list_alt", "providers.listedmodel"),
            ("Learned quirks", "healing", "providers.learnedquirk"),
        ],
    ),
    (
        "Combos",
        [
            ("Combos", "alt_route", "combos.combo"),
            ("Model aliases", "swap_horiz", "combos.modelalias"),
            ("Fallback chains", "low_priority", "combos.fallbackchain"),
        ],
    ),
    ("Clients", [("API keys", "vpn_key", "billing.apikey")]),
    (
        "Usage",
        [
            ("Requests", "receipt_long", "billing.usagerecord"),
            ("Daily usage", "calendar_month", "billing.dailyusage"),
        ],
    ),
    (
        "Costs",
        [("Budgets", "savings", "billing.budget"), ("Own prices", "price_change", "billing.price")],
    ),
    (
        "Settings",
        [
            ("Gateway settings", "tune", "gateway.gatewaysettings"),
            ("History and logs", "history", "billing.usagesettings"),
            ("Routing", "route", "combos.routingsettings"),
            ("Provider rules", "rule", "combos.providerrouting"),
            ("Proxies", "vpn_lock", "providers.proxyrule"),
            ("Cache", "cached", "gateway.cachesettings"),
            ("Sign-in settings", "login", "providers.signinsettings"),
            ("IP access", "block", "resilience.iprules"),
            ("Admin users", "group", "auth.user"),
            ("Background jobs", "schedule", "django_q.schedule"),
        ],
    ),
]

JOB_TABS: list[Item] = [
    ("Scheduled", "", "django_q.schedule"),
    ("Waiting", "", "django_q.ormq"),
    ("Finished", "", "django_q.success"),
    ("Failed", "", "django_q.failure"),
]
IP_TABS: list[Item] = [
    ("Rules", "", "resilience.iprules"),
    ("Temporary bans", "", "resilience.temporaryban"),
]
RESILIENCE_TABS: list[Item] = [
    ("Overview", "", "gateway_resilience"),
    ("Profiles", "", "resilience.providerprofile"),
    ("Rate limits", "", "resilience.ratelimitsettings"),
]
SYNC_TABS: list[Item] = [
    ("Cloud sync", "", "gateway_sync"),
    ("Kept for others", "", "gateway.syncspace"),
]
FORMS = frozenset({"resilience.iprules", "resilience.ratelimitsettings"})
"""Settings of one row: their form is all that they have, so it shows the tabs."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the sections above, and in each the pages that apps registered for it."""
    return [
        {
            "title": title,
            "items": [_link(item) for item in items]
            + [
                {
                    "title": page.title,
                    "icon": page.icon,
                    "link": reverse(f"admin:{page.url_name}"),
                    "permission": page.is_allowed,
                }
                for page in pages_of(title)
            ],
        }
        for title, items in SECTIONS
    ]


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {
            "models": [
                {"name": target, "detail": target in FORMS} for _, _, target in items if "." in target
            ],
            "items": [_link(item) for item in items],
        }
        for items in (JOB_TABS, IP_TABS, RESILIENCE_TABS, SYNC_TABS)
    ]


def _link(item: Item) -> dict[str, Any]:
    title, icon, target = item
    app, _, model = target.rpartition(".")
    return {"title": title, "icon": icon, "link": link_to(target), "permission": _may_view(app, model)}


def link_to(target: str) -> str:
    """Of an `Item`."""
    app, _, model = target.rpartition(".")
    return reverse(f"admin:{app}_{model}_changelist") if app else reverse(f"admin:{target}")


def _may_view(app: str, model: str) -> Callable[[HttpRequest], bool]:
    def allowed(request: HttpRequest) -> bool:
        return not app or request.user.has_perm(f"{app}.view_{model}")

    return allowed


def _logo(request: HttpRequest) -> str:
    return static("omniroute/logo.svg")


def _stylesheet(request: HttpRequest) -> str:
    return static("omniroute/admin.css")


def _script(request: HttpRequest) -> str:
    return static("omniroute/admin.js")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "OmniRoute",
    "SITE_HEADER": "OmniRoute",
    "SITE_SUBHEADER": "LLM gateway",
    "SITE_URL": None,
    "SITE_ICON": _logo,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _logo}],
    "STYLES": [_stylesheet],
    "SCRIPTS": [_script],
    "DASHBOARD_CALLBACK": "gateway.admin.home.dashboard",
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "oklch(98.4% .003 240)",
            "100": "oklch(96.6% .005 240)",
            "200": "oklch(92.6% .009 240)",
            "300": "oklch(86.8% .014 240)",
            "400": "oklch(70.6% .022 240)",
            "500": "oklch(55.2% .027 240)",
            "600": "oklch(44.4% .028 240)",
            "700": "oklch(36.8% .028 240)",
            "800": "oklch(27.6% .026 240)",
            "900": "oklch(21% .023 240)",
            "950": "oklch(14.5% .019 240)",
        },
        "primary": {
            "50": "oklch(97.5% .016 238)",
            "100": "oklch(94.5% .032 238)",
            "200": "oklch(89.5% .058 238)",
            "300": "oklch(82% .095 238)",
            "400": "oklch(74% .128 238)",
            "500": "oklch(65% .142 240)",
            "600": "oklch(50.5% .132 244)",
            "700": "oklch(44.5% .118 245)",
            "800": "oklch(38.5% .1 246)",
            "900": "oklch(33% .082 247)",
            "950": "oklch(25% .062 248)",
        },
    },
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": navigation},
    "TABS": tabs,
}
"""The colours are blue on a slate of the same hue; primary-600 under white text has a contrast of 5:1."""
