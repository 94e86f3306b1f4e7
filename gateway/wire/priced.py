"""What of an answer's usage vendors price apart from plain tokens."""

from __future__ import annotations

from typing import Any

_STANDARD = frozenset({"", "auto", "default", "standard", "on_demand", "unspecified"})


def apart(**quantities: int | float | None) -> tuple[tuple[str, int | float], ...]:
    """`Usage.priced_apart` of what is there at all."""
    return tuple((name, quantity) for name, quantity in quantities.items() if quantity)


def tier(value: Any) -> str:
    """`Usage.service_tier` of what a provider calls it: "" for the one that costs the usual price."""
    name = value.lower() if isinstance(value, str) else ""
    return "" if name in _STANDARD else name


def searches(items: Any) -> int:
    """Web searches among the output items of a Responses answer. Opening a page that was found costs nothing."""
    if not isinstance(items, list):
        return 0
    return sum(isinstance(item, dict) and _is_search(item) for item in items)


def _is_search(item: dict[str, Any]) -> bool:
    action = item.get("action")
    kind = action.get("type") if isinstance(action, dict) else None
    return item.get("type") == "web_search_call" and kind in (None, "search")
