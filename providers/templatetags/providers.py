"""Template filters and tags about providers."""

from __future__ import annotations

from django import template
from django.core.cache import cache

from providers.choices import connected_providers, model_ids, provider_names
from providers.config import load_specs

register = template.Library()

_SECONDS = 10
"""A list shows the same few names on every row."""


@register.filter
def provider_name(provider: str) -> str:
    """The name of a provider by its id; the id itself when the provider is gone."""
    names: dict[str, str] = cache.get_or_set("provider-names", provider_names, _SECONDS) or {}
    return names.get(provider, provider)


@register.simple_tag
def first_model() -> str:
    """A model to try: of a connected provider where there is one. What it has may not be known: `prefix/MODEL`."""
    specs, connected = load_specs(), connected_providers()
    usable = {provider: spec for provider, spec in specs.items() if provider in connected}
    nameless = [f"{spec.shown_prefix}/MODEL" for spec in usable.values()]
    return next(
        iter(model_ids(usable, ("chat",)) or nameless or model_ids(specs, ("chat",))), "provider/model"
    )
