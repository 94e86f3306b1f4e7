"""Formats and what was left out between them, for pages."""

from __future__ import annotations

from typing import Any

from django import template

from billing.models import UsageRecord
from gateway.wire import get_format

register = template.Library()


@register.filter
def format_label(name: str) -> str:
    """As people call it: OpenAI Chat Completions. An unknown one is shown as it is."""
    try:
        return get_format(name).label
    except LookupError:
        return name


@register.filter
def left_out(row: UsageRecord) -> list[str]:
    """By any of the request's attempts, each name once."""
    attempts: list[dict[str, Any]] = row.attempts or []
    return list(dict.fromkeys(str(name) for each in attempts for name in each.get("dropped", ())))
