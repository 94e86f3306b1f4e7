"""System checks: a wrong overlay file is one clear line at start, not a traceback later."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from providers import catalog


@register()
def check_overlay(**kwargs: Any) -> list[CheckMessage]:
    try:
        catalog.load()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="See docs/providers-overlay.md.", id="providers.E001")]
    return []
