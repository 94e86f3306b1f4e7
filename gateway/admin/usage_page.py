"""The admin's usage page: a period in figures, charts and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from billing.usage import analytics
from billing.usage.analytics import Key, Period
from billing.usage.export import FORMATS
from billing.usage.queries import Dimension, Totals, key_names
from gateway.api.export import WHAT
from omniroute.pages import page
from omniroute.types import JSONDict
from providers.choices import account_names, provider_names

DIMENSIONS = {
    "model": "Models",
    "provider": "Providers",
    "account": "Accounts",
    "key": "API keys",
    "combo": "Combos",
    "all": "Days",
}
TOP = 7
"""As many have a colour of their own in the chart; the rest is one."""
ROWS = 100

Names = Callable[[Key], tuple[str, str]]
"""What something is called, and what is said of it in small print."""


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    value: Any
    kind: str
    """How the template writes it: compact, usd, duration, percent."""
    change: int | None
    """Percent against the period before; None: nothing to compare with."""
    less_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    note: str
    totals: Totals
    share: float
    """Percent of the busiest row's requests: the length of its bar."""
    link: str


@page("usage", title="Analytics", section="Usage", icon="monitoring", permission="billing.view_usagerecord")
def usage(request: HttpRequest) -> JSONDict:
    range_, by = request.GET.get("range", ""), request.GET.get("by", "")
    range_ = range_ if range_ in analytics.RANGES else analytics.DEFAULT_RANGE
    by = by if by in DIMENSIONS else "model"
    now = timezone.now()
    period = analytics.period(range_, now)
    total = analytics.total(period)
    days = analytics.activity(now.date())
    groups = _groups(by, period)
    return {
        "range": range_,
        "heading": DIMENSIONS[by],
        "exports": WHAT,
        "export_formats": list(FORMATS),
        "ranges": analytics.RANGES,
        "by": by,
        "dimensions": DIMENSIONS,
        "period": period,
        "total": total,
        "cards": _cards(period, total),
        "chart": _chart(by, period, groups),
        "rows": _rows(by, groups),
        "more": max(0, len(groups) - ROWS),
        "split": _split(total),
        "week": _week(period),
        "weeks": _weeks(days),
        "months": _months(days),
        "streak": analytics.streak(days),
        "active_days": sum(bool(day.requests) for day in days),
        "busiest": max(days, key=lambda day: day.tokens),
    }


def _groups(by: str, period: Period) -> list[tuple[Key, Totals]]:
    if by == Dimension.ALL:
        points = [
            (("", _point(period, start, full=True)), total) for start, total in analytics.series(period)
        ]
        return list(reversed(points))
    return analytics.breakdown(by, period)


def _cards(period: Period, total: Totals) -> list[Card]:
    before = analytics.total(period.before) if period.name != "all" else Totals()

    def card(title: str, kind: str, figure: Callable[[Totals], Any], less_is_better: bool = False) -> Card:
        now, then = figure(total), figure(before)
        change = round(100 * (float(now) - float(then)) / float(then)) if then and now is not None else None
        return Card(title, now, kind, change, less_is_better)

    return [
        card("Requests", "compact", lambda of: of.requests),
        card("Tokens", "compact", lambda of: of.tokens),
        card("Cost", "usd", lambda of: of.cost, less_is_better=True),
        card("Saved", "usd", lambda of: of.saved),
        card("Failed", "percent", lambda of: of.error_rate, less_is_better=True),
        card("Latency", "duration", lambda of: of.average_latency_ms, less_is_better=True),
    ]


def _names(by: str) -> Names:
    providers, keys, accounts = provider_names(), key_names(), account_names()

    def provider(id: str) -> str:
        return providers.get(id, id)

    return {
        "model": lambda key: (key[1], provider(key[0])) if key[0] else ("No model", "reached no provider"),
        "provider": lambda key: (provider(key[0]), ""),
        "account": lambda key: (accounts.get(int(key[1]), f"deleted account {key[1]}"), provider(key[0])),
        "key": lambda key: (
            keys.get(int(key[1]), f"deleted key {key[1]}") if key[1] else "Without a key",
            "",
        ),
        "combo": lambda key: (key[1], ""),
        "all": lambda key: (key[1], ""),
    }[by]


def _link(by: str, key: Key) -> str:
    """The requests of a row."""
    provider, name = key
    query = {
        "model": f"model={name}&provider={provider}",
        "provider": f"provider={provider}",
        "account": f"account={name}",
        "key": f"key={name}",
        "combo": f"combo={name}",
    }.get(by, "")
    return f"{reverse('admin:billing_usagerecord_changelist')}?{query}" if query and any(key) else ""


def _rows(by: str, groups: Sequence[tuple[Key, Totals]]) -> list[Row]:
    names = _names(by)
    most = max((totals.requests for _, totals in groups), default=0)
    return [
        Row(*names(key), totals, 100 * totals.requests / most if most else 0, _link(by, key))
        for key, totals in groups[:ROWS]
    ]


def _chart(by: str, period: Period, groups: Sequence[tuple[Key, Totals]]) -> JSONDict:
    """What `usage_chart.js` draws: for each measure a stack of lines, the last of them all that is left."""
    series = analytics.series(period)
    whole: dict[str, list[float]] = {
        "requests": [total.requests for _, total in series],
        "tokens": [total.tokens for _, total in series],
        "cost": [float(total.cost) for _, total in series],
    }
    labels = [_point(period, start) for start, _ in series]
    if by == Dimension.ALL:
        failed: list[float] = [total.errors for _, total in series]
        return {"labels": labels, "lines": [], "whole": whole, "failed": failed, "split": _by_kind(series)}
    keys = [key for key, _ in groups[:TOP]]
    names = _names(by)
    lines = analytics.lines(by, period, keys)
    shown: list[JSONDict] = [{"label": names(key)[0], **lines[key]} for key in keys]
    rest = {
        measure: [
            max(0.0, all_ - sum(lines[key][measure][at] for key in keys)) for at, all_ in enumerate(values)
        ]
        for measure, values in whole.items()
    }
    if len(groups) > TOP or by == "combo":
        shown.append(
            {"label": "No combo" if by == "combo" and len(groups) <= TOP else "Others", "rest": True, **rest}
        )
    return {"labels": labels, "lines": shown, "whole": whole}


def _by_kind(series: Sequence[tuple[datetime, Totals]]) -> JSONDict:
    return {
        "Fresh input": [total.fresh_input_tokens for _, total in series],
        "Cache read": [total.cache_read_tokens for _, total in series],
        "Cache write": [total.cache_write_tokens for _, total in series],
        "Output": [total.output_tokens - total.reasoning_tokens for _, total in series],
        "Reasoning": [total.reasoning_tokens for _, total in series],
    }


def _split(total: Totals) -> list[JSONDict]:
    kinds = {
        "Fresh input": total.fresh_input_tokens,
        "Cache read": total.cache_read_tokens,
        "Cache write": total.cache_write_tokens,
        "Output": max(0, total.output_tokens - total.reasoning_tokens),
        "Reasoning": total.reasoning_tokens,
    }
    return [
        {"name": name, "tokens": tokens, "percent": 100 * tokens / total.tokens if total.tokens else 0}
        for name, tokens in kinds.items()
    ]


def _week(period: Period) -> list[JSONDict]:
    """The days of the week, Monday first, as bars of what is usual on them."""
    days = analytics.week(period)
    usual = [day.tokens / day.days if day.days else 0.0 for day in days]
    most = max(usual)
    bars = [
        {"name": day.name, "tokens": round(tokens), "percent": 100 * tokens / most if most else 0}
        for day, tokens in zip(days, usual, strict=True)
    ]
    return [*bars[1:], bars[0]]


def _weeks(days: Sequence[analytics.Day]) -> list[list[JSONDict | None]]:
    """Columns of seven, from Monday on; None before the first day and after the last."""
    scale = sorted(day.tokens or day.requests for day in days if day.requests)
    cells: list[JSONDict | None] = [None] * days[0].date.weekday()
    cells += [{"day": day, "level": _level(day.tokens or day.requests, scale)} for day in days]
    cells += [None] * (-len(cells) % 7)
    return [cells[at : at + 7] for at in range(0, len(cells), 7)]


def _level(value: int, scale: Sequence[int]) -> int:
    """0 for nothing, else 1 to 4 by the quarter of all active days that it belongs to."""
    if not value:
        return 0
    return 1 + min(3, 4 * sum(other < value for other in scale) // len(scale))


def _months(days: Sequence[analytics.Day]) -> list[JSONDict]:
    """Where in the activity map each month begins."""
    offset = days[0].date.weekday()
    starts = [(number, day.date) for number, day in enumerate(days) if day.date.day == 1]
    return [{"column": (number + offset) // 7 + 1, "name": f"{start:%b}"} for number, start in starts]


def _point(period: Period, start: datetime, full: bool = False) -> str:
    day: date = start.date()
    match period.step:
        case "hour":
            return f"{start:%H:%M}" if not full else f"{day.day} {start:%b, %H:%M}"
        case "month":
            return f"{start:%b %Y}"
        case "week" if full:
            return f"Week of {day.day} {start:%b %Y}"
    return f"{day.day} {start:%b}" + (f" {start:%Y}" if full else "")
