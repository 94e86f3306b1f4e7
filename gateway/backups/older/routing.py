"""Combos, aliases, fallback chains, proxies, prices and settings. All go through the rules of the management API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from combos import strategies
from combos.api.routing import ComboDefaultsPatch, RoutingPatch, patch_combo_defaults, save_routing
from combos.api.settings import ComboConfig
from combos.models import Combo
from combos.rules import Fallback, Target, save_alias, save_chain, save_combo
from gateway.api import proxy_entries
from gateway.api.policies import (
    SystemPromptChange,
    ThinkingBudgetChange,
    put_system_prompt,
    put_thinking_budget,
)
from gateway.api.pricing import set_prices
from gateway.api.proxy import ProxyIn
from gateway.backups.older.accounts import Providers
from gateway.backups.older.reading import Source, decoded, flag, mapping, text
from omniroute.types import JSONDict

_ROUTING = {
    "fallbackStrategy": "account_strategy",
    "stickyRoundRobinLimit": "sticky_limit",
    "blockedProviders": "blocked_providers",
}
_COMBOS = ("comboDefaults", "providerOverrides")
_POLICIES = {"thinkingBudget": "how much models think", "systemPrompt": "the system prompt"}


def take_combos(source: Source, providers: Providers) -> dict[str, str]:
    """The older ids of combos, and their names."""
    names: dict[str, str] = {}
    for row in source.rows("combos"):
        name = text(row, "name", longest=120)
        data = mapping(row.get("data"))
        with source.item(f"Combo {name}"):
            targets = [_target(each, providers) for each in data.get("models") or []]
            combo = Combo(
                name=name,
                description=text(data, "description", longest=300),
                strategy=_strategy(source, name, data),
                is_active=flag(data, "isActive", "enabled"),
            )
            _config(source, f"Combo {name}", data.get("config")).apply(combo)
            save_combo(combo, targets)
            names[text(row, "id")] = name
    return names


def _target(each: Any, providers: Providers) -> Target:
    entry = each if isinstance(each, dict) else {"model": each}
    weight = entry.get("weight")
    return Target(
        providers.model(text(entry, "model", "id")),
        weight=round(weight) if isinstance(weight, int | float) and not isinstance(weight, bool) else 1,
        is_active=flag(entry, "isActive", "enabled"),
    )


def _strategy(source: Source, name: str, data: JSONDict) -> str:
    wanted = (text(data, "strategy") or "priority").replace("-", "_")
    if wanted in strategies.registry:
        return wanted
    source.left_out.append(f"Combo {name}: the strategy “{wanted}” does not exist here; it is priority now")
    return "priority"


def _config(source: Source, what: str, config: Any) -> ComboConfig:
    """Each setting for itself: one that is unknown here does not cost the others."""
    taken: JSONDict = {}
    for name, value in mapping(config).items():
        if value is not None:
            with source.item(f"{what}, {name}"):
                taken |= ComboConfig.model_validate({name: value}).model_dump(exclude_unset=True)
    return ComboConfig(**taken)


def take_aliases(source: Source, providers: Providers) -> int:
    taken = 0
    for alias, target in source.pairs("modelAliases").items():
        with source.item(f"Alias {alias}"):
            save_alias(alias, providers.model(str(target)))
            taken += 1
    return taken


def take_chains(source: Source) -> int:
    taken = 0
    for row in source.rows("domain_fallback_chains"):
        model = text(row, "model", "model_id", "name")
        with source.item(f"Fallback chain of {model}"):
            lines = sorted(_lines(row.get("chain")), key=lambda line: line.get("priority") or 0)
            entries = [Fallback(str(line["provider"]), flag(line, "enabled")) for line in lines]
            save_chain(model[:120], model, entries)
            taken += 1
    return taken


def _lines(value: Any) -> list[JSONDict]:
    return [{"provider": each} if isinstance(each, str) else each for each in decoded(value)]


def take_proxies(source: Source, providers: Providers, combos: dict[str, str]) -> int:
    stored = source.pairs("proxyConfig")
    config: JSONDict = {**mapping(stored.get("config")), **stored}
    entries: list[tuple[str, str, Any]] = [("global", "", config.get("global"))]
    for level, name in (("provider", "providers"), ("combo", "combos"), ("key", "keys")):
        entries += [(level, id, entry) for id, entry in mapping(config.get(name)).items()]
    taken = 0
    for level, id, entry in entries:
        if not entry:
            continue
        with source.item(f"Proxy of {id or 'everything'}"):
            proxy = ProxyIn.model_validate(_proxy(entry)).proxy
            proxy_entries.store(level, _target_of(level, id, providers, combos), proxy)
            taken += 1
    return taken


def _target_of(level: str, id: str, providers: Providers, combos: dict[str, str]) -> str:
    if level == "provider":
        id = providers.spec(id).id
    elif level == "combo":
        id = combos.get(id, id)
    elif level == "key":
        id = str(providers.accounts[id].pk)
    return proxy_entries.target_of(level, id)


def _proxy(entry: JSONDict) -> JSONDict:
    wanted = {
        name: entry[name] for name in ("type", "host", "port", "username", "password") if entry.get(name)
    }
    return {**wanted, "type": str(entry.get("type", "http")).replace("socks5h", "socks5")}


def take_prices(source: Source, providers: Providers) -> int:
    taken = 0
    for provider, models in source.pairs("pricing").items():
        for model, prices in mapping(models).items():
            with source.item(f"Price of {provider}/{model}"):
                set_prices(HttpRequest(), {providers.spec(provider).id: {model: prices}})
                taken += 1
    return taken


def take_settings(source: Source) -> None:
    """Those that exist here. How somebody logs in is no setting that a file may change."""
    stored = source.pairs("settings")
    routing = {new: stored.pop(old) for old, new in _ROUTING.items() if old in stored}
    for name, value in routing.items():
        with source.item(f"Setting {name}"):
            save_routing(RoutingPatch.model_validate({name: value}))
    with source.item("Combo defaults"):
        defaults, overrides = (mapping(stored.pop(name, None)) for name in _COMBOS)
        patch_combo_defaults(
            HttpRequest(),
            ComboDefaultsPatch(
                combo_defaults=_config(source, "Combo defaults", defaults),
                provider_overrides={name: _config(source, name, each) for name, each in overrides.items()},
            ),
        )
    for name, what in _POLICIES.items():
        value = mapping(stored.pop(name, None))
        if value:
            with source.item(f"Setting for {what}"):
                _take_policy(name, value)
    if stored:
        source.left_out.append(f"Settings that are not taken over: {', '.join(sorted(stored))}")


def _take_policy(name: str, value: JSONDict) -> None:
    if name == "thinkingBudget":
        put_thinking_budget(HttpRequest(), ThinkingBudgetChange.model_validate(value))
    else:
        put_system_prompt(HttpRequest(), SystemPromptChange.model_validate(value))
