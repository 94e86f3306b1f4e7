"""The combos' part of the snapshot."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

from combos.models import Combo, ComboTarget, ModelAlias


@dataclass(frozen=True, slots=True)
class TargetConfig:
    model: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class ComboConfig:
    name: str
    strategy: str
    targets: tuple[TargetConfig, ...]
    max_retries: int = 0
    retry_delay_s: float = 2.0
    target_timeout_s: float | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class CombosConfig:
    """`aliases` are exact names; `patterns` are compiled wildcards, the most specific first."""

    combos: Mapping[str, ComboConfig]
    aliases: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]


def specificity(pattern: str) -> int:
    """Which of several fitting wildcards wins: the higher one (facts/features.md §2)."""
    stars, questions = pattern.count("*"), pattern.count("?")
    literals = len(pattern) - stars - questions
    return 10 * literals - 50 * stars - 5 * questions + len(pattern)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """`*` is any run, `?` one character; the whole name must fit, in any case. Brackets are plain characters."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE)


def load() -> CombosConfig:
    targets: dict[int, list[TargetConfig]] = {}
    for target in ComboTarget.objects.filter(is_active=True).order_by("position", "id"):
        targets.setdefault(target.combo_id, []).append(TargetConfig(target.model, target.weight))
    combos = {
        combo.name: ComboConfig(
            name=combo.name,
            strategy=combo.strategy,
            targets=tuple(targets.get(combo.pk, ())),
            max_retries=combo.max_retries,
            retry_delay_s=combo.retry_delay_ms / 1000,
            target_timeout_s=combo.target_timeout_s,
            id=combo.pk,
        )
        for combo in Combo.objects.filter(is_active=True)
    }
    aliases, wildcards = {}, []
    for alias in ModelAlias.objects.filter(is_active=True):
        if "*" in alias.pattern or "?" in alias.pattern:
            wildcards.append(alias)
        else:
            aliases[alias.pattern] = alias.target
    wildcards.sort(key=lambda alias: specificity(alias.pattern), reverse=True)
    return CombosConfig(combos, aliases, tuple((compile_pattern(a.pattern), a.target) for a in wildcards))
