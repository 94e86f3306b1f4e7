from __future__ import annotations

from typing import Any

from combos.config import ComboConfig, CombosConfig, TargetConfig, compile_pattern
from providers.config import AccountConfig, ProvidersConfig, prefixes_of
from providers.spec import Endpoint, ModelSpec, ProviderSpec


def provider(id: str, *models: str, **values: Any) -> ProviderSpec:
    endpoint = Endpoint(format="openai_chat", base_url=f"https://{id}.example/v1")
    listed = tuple(ModelSpec(id=model) for model in models)
    return ProviderSpec(id=id, name=id.title(), endpoints=(endpoint,), models=listed, **values)


def providers(*specs: ProviderSpec, accounts: dict[str, int] | None = None) -> ProvidersConfig:
    """`accounts` is how many each provider has; by default one each. Their ids count from 1."""
    known = {spec.id: spec for spec in specs}
    rows: dict[str, tuple[AccountConfig, ...]] = {}
    number = 0
    for spec in specs:
        count = 1 if accounts is None else accounts.get(spec.id, 0)
        made = []
        for _ in range(count):
            number += 1
            made.append(AccountConfig(id=number, provider=spec.id, name=f"{spec.id}-{number}", api_key="k"))
        if made:
            rows[spec.id] = tuple(made)
    return ProvidersConfig(known, prefixes_of(known), rows)


def combos(
    aliases: dict[str, str] | None = None, patterns: dict[str, str] | None = None, **named: list[str]
) -> CombosConfig:
    """Keyword `a_b` is a combo named `a-b`."""
    made = {
        name.replace("_", "-"): ComboConfig(
            name.replace("_", "-"), "priority", tuple(TargetConfig(model) for model in models)
        )
        for name, models in named.items()
    }
    compiled = tuple((compile_pattern(pattern), target) for pattern, target in (patterns or {}).items())
    return CombosConfig(made, aliases or {}, compiled)
