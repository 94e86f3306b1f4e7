"""Template filters about providers."""

from __future__ import annotations

from django import template
from django.core.cache import cache

from providers.choices import provider_names

register = template.Library()

_SECONDS = 10
"""A list shows the same few names on every row."""


@register.filter
def provider_name(provider: str) -> str:
    """The name of a provider by its id; the id itself when the provider is gone."""
    names: dict[str, str] = cache.get_or_set("provider-names", provider_names, _SECONDS) or {}
    return names.get(provider, provider)
