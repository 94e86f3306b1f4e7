"""The combos' part of the snapshot."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from combos.cascade import BUILT_IN, NOTHING_SAID, ComboSettings
from combos.models import (
    Combo,
    ComboTarget,
    FallbackChain,
    FallbackEntry,
    ModelAlias,
    ProviderRouting,
    RoutingSettings,
)


@dataclass(frozen=True, slots=True)
class TargetConfig:
    model: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class ComboConfig:
    name: str
    strategy: str
    targets: tuple[TargetConfig, ...]
    settings: ComboSettings = NOTHING_SAID
    """What the combo says itself."""
    id: int = 0


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """How a provider's accounts are chosen."""

    strategy: str = "fill_first"
    sticky_limit: int = 3


@dataclass(frozen=True, slots=True)
class ProviderRules:
    """What is set for one provider."""

    order: AccountOrder = AccountOrder()
    settings: ComboSettings = NOTHING_SAID
    is_blocked: bool = False
    blocked_models: tuple[re.Pattern[str], ...] = ()

    def blocks(self, model: str) -> bool:
        return self.is_blocked or any(pattern.match(model) for pattern in self.blocked_models)


@dataclass(frozen=True, slots=True)
class CombosConfig:
    """`aliases` are exact names; `patterns` are compiled wildcards, the most specific first."""

    combos: Mapping[str, ComboConfig]
    aliases: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    folded: Mapping[str, str] = field(default_factory=dict)
    """Exact aliases by their name in lower case."""
    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fallbacks of a single model, by its name in lower case."""
    last_resorts: tuple[str, ...] = ()
    """Fallbacks of every request."""
    defaults: ComboSettings = BUILT_IN
    """Of combos, with everything said."""
    order: AccountOrder = AccountOrder()
    providers: Mapping[str, ProviderRules] = field(default_factory=dict)
    """Only those for which something is set."""
    affinity_s: float = 1800.0
    """How long a conversation stays on its account; 0: it does not."""
    error_texts: tuple[str, ...] = ()
    """What a provider says instead of an answer, under a good status. Case-folded."""

    def order_of(self, provider: str) -> AccountOrder:
        rules = self.providers.get(provider)
        return rules.order if rules is not None else self.order

    def blocks(self, provider: str, model: str) -> bool:
        rules = self.providers.get(provider)
        return rules is not None and rules.blocks(model)

    def combo_timeout_of(self, combo: ComboConfig) -> float | None:
        """Seconds to the first content of any target's answer."""
        return combo.settings.over(self.defaults).combo_timeout_s

    def settings_for(self, provider: str, said: ComboSettings) -> ComboSettings:
        """The cascade for a provider's target in a combo that says `said`."""
        rules = self.providers.get(provider)
        wider = rules.settings.over(self.defaults) if rules is not None else self.defaults
        return said.over(wider)


def specificity(pattern: str) -> int:
    """Which of several fitting wildcards wins: the higher one (docs/routing.md)."""
    stars, questions = pattern.count("*"), pattern.count("?")
    literals = len(pattern) - stars - questions
    return 10 * literals - 50 * stars - 5 * questions + len(pattern)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """`*` is any run, `?` one character; the whole name must fit, in any case. Brackets are plain characters."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE)


def load() -> CombosConfig:
    """Read everything from the database. The one place that builds this part of the snapshot."""
    row = RoutingSettings.load()
    order = AccountOrder(row.account_strategy, row.sticky_limit)
    aliases, patterns = _aliases()
    chains, last_resorts = _chains()
    return CombosConfig(
        combos=_combos(),
        aliases=aliases,
        patterns=patterns,
        folded={name.lower(): target for name, target in aliases.items()},
        chains=chains,
        last_resorts=last_resorts,
        defaults=row.combo_settings.over(BUILT_IN),
        order=order,
        providers={each.provider: _rules(each, order) for each in ProviderRouting.objects.all()},
        affinity_s=row.affinity_minutes * 60.0 if row.session_affinity else 0.0,
        error_texts=tuple(text.strip().casefold() for text in row.error_texts if text.strip()),
    )


def _combos() -> dict[str, ComboConfig]:
    targets: dict[int, list[TargetConfig]] = {}
    for target in ComboTarget.objects.filter(is_active=True).order_by("position", "id"):
        targets.setdefault(target.combo_id, []).append(TargetConfig(target.model, target.weight))
    return {
        combo.name: ComboConfig(
            combo.name, combo.strategy, tuple(targets.get(combo.pk, ())), combo.combo_settings, combo.pk
        )
        for combo in Combo.objects.filter(is_active=True)
    }


def _aliases() -> tuple[dict[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
    aliases, wildcards = {}, []
    for alias in ModelAlias.objects.filter(is_active=True):
        if "*" in alias.pattern or "?" in alias.pattern:
            wildcards.append(alias)
        else:
            aliases[alias.pattern] = alias.target
    wildcards.sort(key=lambda alias: specificity(alias.pattern), reverse=True)
    return aliases, tuple((compile_pattern(alias.pattern), alias.target) for alias in wildcards)


def _chains() -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    entries: dict[int, list[str]] = {}
    for entry in FallbackEntry.objects.filter(is_active=True).order_by("position", "id"):
        entries.setdefault(entry.chain_id, []).append(entry.target)
    chains: dict[str, tuple[str, ...]] = {}
    last_resorts: list[str] = []
    for chain in FallbackChain.objects.filter(is_active=True):
        if chain.model:
            chains[chain.model.lower()] = tuple(entries.get(chain.pk, ()))
        else:
            last_resorts += entries.get(chain.pk, ())
    return chains, tuple(dict.fromkeys(last_resorts))


def _rules(row: ProviderRouting, order: AccountOrder) -> ProviderRules:
    return ProviderRules(
        order=AccountOrder(
            row.account_strategy or order.strategy,
            order.sticky_limit if row.sticky_limit is None else row.sticky_limit,
        ),
        settings=row.combo_settings,
        is_blocked=row.is_blocked,
        blocked_models=tuple(compile_pattern(str(model)) for model in row.blocked_models),
    )
