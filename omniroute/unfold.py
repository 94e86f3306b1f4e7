"""The admin's look, and its sidebar."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

from omniroute.menu import OVERVIEW, menu, trail_to


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar."""
    trail = trail_to(request.path)
    return [
        {
            "title": "" if group == OVERVIEW else group,
            "items": [
                {
                    "title": entry.title,
                    "icon": entry.icon,
                    "link": entry.link_for(request),
                    "active": entry in trail,
                }
                for entry in entries
                if entry.is_allowed(request)
            ],
        }
        for group, entries in menu()
    ]


def _logo(request: HttpRequest) -> str:
    return static("omniroute/logo.svg")


def _stylesheet(request: HttpRequest) -> str:
    return static("omniroute/admin.css")


def _tabs_stylesheet(request: HttpRequest) -> str:
    return static("omniroute/tabs.css")


def _script(request: HttpRequest) -> str:
    return static("omniroute/admin.js")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "OmniRoute",
    "SITE_HEADER": "OmniRoute",
    "SITE_SUBHEADER": "LLM gateway",
    "SITE_URL": None,
    "SITE_ICON": _logo,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _logo}],
    "STYLES": [_stylesheet, _tabs_stylesheet],
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
}
"""The colours are blue on a slate of the same hue; primary-600 under white text has a contrast of 5:1."""
