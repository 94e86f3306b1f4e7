"""A requested model name becomes a `Route`: the targets to try, in the order that the user gave them.

The order of look-up is that of facts/features.md §2: combo, custom provider's prefix, provider prefix, exact alias,
wildcard alias, unique id in the catalog, family. Aliases of the user outrank everything built in.
"""

from __future__ import annotations

from dataclasses import dataclass

from combos.config import ComboConfig, CombosConfig
from omniroute.errors import InvalidRequest, ModelNotFound
from providers.config import ProvidersConfig
from providers.spec import ProviderSpec

MAX_DEPTH = 3
"""How deep combos may nest."""
MAX_ALIAS_HOPS = 5
_FAMILIES = (
    (("claude-",), "anthropic"),
    (("gemini-",), "gemini"),
    (("gpt-", "o1", "o3", "o4", "chatgpt-"), "openai"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One model of one provider. `model` is the provider's own id for it. Compared by identity: a line of a route."""

    provider: ProviderSpec
    model: str
    weight: int = 1

    @property
    def name(self) -> str:
        return f"{self.provider.shown_prefix}/{self.model}"


@dataclass(frozen=True, slots=True)
class Route:
    requested: str
    targets: tuple[Target, ...]
    combo: ComboConfig | None = None


def resolve(model: str, combos: CombosConfig, providers: ProvidersConfig) -> Route:
    """Raise `ModelNotFound` for an unknown name, `InvalidRequest` for one that several providers serve."""
    name = model
    for _ in range(MAX_ALIAS_HOPS):
        if combo := combos.combos.get(name):
            return Route(model, tuple(_expand(combo, combos, providers)), combo)
        if target := _prefixed(name, providers):
            return Route(model, (target,))
        alias = _alias(name, combos)
        if alias is None or alias == name:
            break
        name = alias
    return Route(model, (_bare(name, providers),))


def _expand(
    combo: ComboConfig, combos: CombosConfig, providers: ProvidersConfig, above: tuple[str, ...] = ()
) -> list[Target]:
    """A combo's targets, nested combos in place. What cannot be resolved any more (a removed provider) is left out."""
    targets: list[Target] = []
    path = (*above, combo.name)
    for line in combo.targets:
        nested = combos.combos.get(line.model)
        if nested:
            if nested.name not in path and len(path) < MAX_DEPTH:
                targets += _expand(nested, combos, providers, path)
            continue
        try:
            found = _prefixed(line.model, providers) or _named(line.model, combos, providers)
        except (ModelNotFound, InvalidRequest):
            continue
        targets.append(Target(found.provider, found.model, line.weight))
    return targets


def _named(name: str, combos: CombosConfig, providers: ProvidersConfig) -> Target:
    alias = _alias(name, combos)
    return (alias and _prefixed(alias, providers)) or _bare(alias or name, providers)


def _prefixed(name: str, providers: ProvidersConfig) -> Target | None:
    """`prefix/model`, split at the first slash only: ids may hold slashes themselves."""
    prefix, slash, rest = name.partition("/")
    if not slash or not rest:
        return None
    spec = providers.find(prefix)
    return Target(spec, spec.upstream_model(rest)) if spec else None


def _alias(name: str, combos: CombosConfig) -> str | None:
    exact = combos.aliases.get(name)
    if exact is not None:
        return exact
    return next((target for pattern, target in combos.patterns if pattern.match(name)), None)


def _bare(name: str, providers: ProvidersConfig) -> Target:
    """A model id without a provider: the one that serves it, connected ones first."""
    serving = [spec for spec in providers.specs.values() if spec.model_spec(name) is not None]
    connected = [spec for spec in serving if providers.is_connected(spec.id)]
    candidates = connected or serving
    if len(candidates) == 1:
        return Target(candidates[0], candidates[0].upstream_model(name))
    family = _family(name)
    native = [spec for spec in candidates if spec.id == family]
    if native:
        return Target(native[0], native[0].upstream_model(name))
    if candidates:
        names = ", ".join(f"{spec.shown_prefix}/{name}" for spec in candidates)
        raise InvalidRequest(
            f"Several providers serve the model {name!r}. Write one of: {names}",
            code="ambiguous_model",
            param="model",
        )
    if family and family in providers.specs and "/" not in name:
        return Target(providers.specs[family], name)
    raise ModelNotFound(
        f"The model {name!r} is not known here. Use provider/model, a combo or an alias; "
        "GET /v1/models lists what can be used.",
        param="model",
    )


def _family(name: str) -> str | None:
    return next((provider for starts, provider in _FAMILIES if name.startswith(starts)), None)
