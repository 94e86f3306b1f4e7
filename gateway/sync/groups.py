"""What can be shared, in the words of the page: groups of the kinds in `omniroute.portable`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from omniroute import portable


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    title: str
    note: str


GROUPS = (
    Group("accounts", "Accounts", "API keys of providers and sign-ins, with their tokens"),
    Group("providers", "Custom providers and models", "with their addresses and headers"),
    Group("combos", "Combos", "aliases and fallback chains too"),
    Group("routing", "Routing and resilience", "strategies, provider rules, profiles, rate limits"),
    Group("settings", "Settings", "of the gateway, the cache and sign-in"),
    Group("prices", "Own prices", ""),
    Group("proxies", "Proxies", "with their passwords"),
    Group("keys", "API keys and budgets", "hashes of keys; budgets count on each device by itself"),
)
ALL = tuple(group.id for group in GROUPS)


def kinds_of(groups: Collection[str]) -> dict[str, portable.Portable]:
    return {kind: each for kind, each in portable.kinds().items() if each.group in groups}


def parts() -> dict[str, str]:
    """Kind to the kind that it is part of."""
    return {kind: each.part_of for kind, each in portable.kinds().items() if each.part_of}


def shown(id: str, fields: dict[str, object] | None = None) -> str:
    """An object's name for people."""
    kind, _, key = id.partition(":")
    name = str((fields or {}).get("name") or "")
    if not name and kind in ("account", "credential", "budget", "api-key"):
        name = key[:8]
    return f"{kind.replace('-', ' ')} {name or key}".strip()
