"""Numbers as people read them: tokens, money, durations."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

register = template.Library()

EMPTY = "-"


@register.filter
def compact(value: float | None) -> str:
    """950, 1.2k, 34k, 5.6M."""
    if value is None:
        return EMPTY
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        # 999,950 would print as 1000.0k
        if value >= limit * 0.99995:
            scaled = value / limit
            return f"{scaled:.1f}".removesuffix(".0") + unit if scaled < 100 else f"{scaled:.0f}{unit}"
    return f"{value:,.0f}"


@register.filter
def usd(value: Decimal | float | None) -> str:
    """$12.34, $0.0042; small amounts keep two figures instead of becoming $0.00."""
    if value is None:
        return EMPTY
    amount = Decimal(value)
    if amount == 0:
        return "$0"
    if amount >= Decimal("0.995"):
        return f"${amount:,.2f}"
    if amount < Decimal("0.000001"):
        return "< $0.000001"
    digits = max(2, 1 - amount.adjusted())
    return f"${amount:.{digits}f}"


@register.filter
def duration(milliseconds: float | None) -> str:
    """840 ms, 2.4 s, 3 min 20 s."""
    if milliseconds is None:
        return EMPTY
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


@register.filter
def seconds(value: float | None) -> str:
    """0.3 s, 12 s, 3 min 20 s, 5 h 12 min, 2 d 4 h: for what is still to come or lasts."""
    if value is None:
        return EMPTY
    if value < 60:
        return f"{value:.1f} s" if value % 1 and value < 10 else f"{value:.0f} s"
    for unit, below, size in (("min", "s", 60), ("h", "min", 3600), ("d", "h", 86400)):
        whole, rest = divmod(round(value), size)
        if whole < (60 if unit == "min" else 24) or unit == "d":
            rest //= 1 if unit == "min" else 60 if unit == "h" else 3600
            return f"{whole} {unit} {rest} {below}" if rest else f"{whole} {unit}"
    return EMPTY


@register.filter
def spaced(value: str) -> str:
    """rate_limited: rate limited"""
    return value.replace("_", " ")


@register.filter
def percent(value: float | None) -> str:
    if value is None:
        return EMPTY
    return f"{value:.1f}%" if 0 < value < 10 else f"{value:.0f}%"


@register.filter
def ago(moment: datetime | None) -> str:
    """3 hours ago: the largest unit alone."""
    if moment is None:
        return "never"
    if timezone.now() - moment < timedelta(minutes=1):
        return "just now"
    return f"{timesince(moment, depth=1)} ago"


@register.filter
def pretty(value: Any) -> str:
    """A logged body: JSON over several lines, text as it is, and what was kept of a cut one."""
    if value is None:
        return "(no body)"
    if cut_from(value) is not None:
        return f"{value['_preview']}…"
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def cut_from(value: Any) -> int | None:
    """How many bytes a logged body had of which the beginning was kept; None: it is whole."""
    return value["_originalSize"] if isinstance(value, dict) and value.get("_truncated") is True else None


@register.filter
def change(percent: float | None) -> str:
    """+12%, -3%."""
    if percent is None:
        return ""
    sign = "+" if percent > 0 else "-" if percent < 0 else "±"
    return f"{sign}{min(abs(percent), 999):.0f}%"


@register.filter
def spoken(code: str) -> str:
    """rate limited, of `rate_limited`."""
    return code.replace("_", " ")
