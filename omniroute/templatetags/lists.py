"""The admin's lists."""

from __future__ import annotations

from typing import Any

from django import template

from omniroute.empty_lists import EMPTY_LISTS, EmptyList

register = template.Library()


@register.filter
def empty_list(options: Any) -> EmptyList | None:
    """What a list without rows says, by its model's `_meta`."""
    return EMPTY_LISTS.get(options.label_lower)
