"""A requested model name becomes a `Route`: the targets to try, in the order that the user gave them.

The order of look-up: combo, exact alias, wildcard alias with a slash, provider's prefix, wildcard alias, unique id in
the catalog, family (docs/routing.md, but that what the user named outranks everything built in).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from combos.cascade import NOTHING_SAID, ComboSettings
from combos.config import ComboConfig, CombosConfig
from omniroute.errors import AmbiguousModel, ClientError, Forbidden, InvalidRequest, ModelNotFound
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
_PLAIN = ComboSettings(max_retries=0, retry_delay_s=0.0, concurrency=0, hedge="off")
"""A model that was asked for by itself is asked once."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One model of one provider. `model` is the provider's own id for it. Compared by identity: a line of a route."""

    provider: ProviderSpec
    model: str
    weight: int = 1
    settings: ComboSettings = _PLAIN

    @property
    def name(self) -> str:
        return f"{self.provider.shown_prefix}/{self.model}"


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A combo, at the top of a route or inside of another one, where it counts as one choice."""

    combo: ComboConfig
    choices: tuple[Choice, ...]
    weight: int = 1

    @property
    def name(self) -> str:
        return self.combo.name

    def targets(self) -> Iterator[Target]:
        for choice in self.choices:
            if isinstance(choice, Branch):
                yield from choice.targets()
            else:
                yield choice


Choice = Target | Branch


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a name led to, and why it is no target."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    """`targets` are all of them, nested combos in place; `tree` is how the combo holds them."""

    requested: str
    targets: tuple[Target, ...]
    combo: ComboConfig | None = None
    tree: Branch | None = None
    fallbacks: tuple[Target, ...] = ()
    """What the fallback chains name, for when the targets are exhausted."""
    left_out: tuple[LeftOut, ...] = ()
    via: tuple[str, ...] = ()
    """The aliases that were followed."""

    @property
    def has_choice(self) -> bool:
        """Another target waits for its turn."""
        return len(self.targets) + len(self.fallbacks) > 1


def resolve(model: str, combos: CombosConfig, providers: ProvidersConfig) -> Route:
    """Raise `ModelNotFound` for an unknown name, `AmbiguousModel` for one that several providers serve, and
    `Forbidden` for a blocked one."""
    return Resolver(combos, providers).route(model)


class Resolver:
    """The resolution of one name."""

    def __init__(self, combos: CombosConfig, providers: ProvidersConfig) -> None:
        self._combos, self._providers = combos, providers
        self._left_out: list[LeftOut] = []
        self._via: list[str] = []

    def route(self, model: str) -> Route:
        found: Branch | Target | None
        chain = self._combos.chains.get(model.lower(), ())
        try:
            found = self._find(model)
        except ClientError:
            if not chain:
                raise
            found = None
        combo = found.combo if isinstance(found, Branch) else None
        targets = tuple(found.targets()) if isinstance(found, Branch) else (found,) if found else ()
        fallbacks = self._fallbacks(model, targets, chain) if chain or self._combos.last_resorts else ()
        tree = found if isinstance(found, Branch) else None
        return Route(model, targets, combo, tree, fallbacks, tuple(self._left_out), tuple(self._via))

    def _find(self, model: str) -> Branch | Target:
        for name in self._hops(model):
            if combo := self._combos.combos.get(name):
                return self._branch(combo)
            self._via.append(name)
        self._via.pop()
        try:
            target = self._prefixed(name) or self._bare(name)
        except ModelNotFound as error:
            raise error if name == model else _astray(model, name) from None
        if self._combos.blocks(target.provider.id, target.model):
            raise Forbidden(f"The model {target.name!r} is blocked here", code="model_blocked", param="model")
        return target

    def _branch(self, combo: ComboConfig, weight: int = 1, above: tuple[ComboConfig, ...] = ()) -> Branch:
        """A combo's choices. What cannot be used (a removed provider) is left out."""
        path = (*above, combo)
        said = NOTHING_SAID
        for each in path:
            said = each.settings.over(said)
        choices: list[Choice] = []
        for line in combo.targets:
            nested = self._combos.combos.get(line.model)
            if nested is None:
                target = self._usable(line.model)
                if target is not None:
                    settings = self._combos.settings_for(target.provider.id, said)
                    choices.append(Target(target.provider, target.model, line.weight, settings))
            elif nested in path or len(path) >= MAX_DEPTH:
                self._left_out.append(LeftOut(line.model, "combos nest in a circle, or too deeply"))
            else:
                choices.append(self._branch(nested, line.weight, path))
        return Branch(combo, tuple(choices), weight)

    def _fallbacks(
        self, model: str, targets: tuple[Target, ...], chain: tuple[str, ...]
    ) -> tuple[Target, ...]:
        """What the chains name and the route does not have yet."""
        known = {(target.provider.id, target.model) for target in targets}
        found: list[Target] = []
        for entry in (*chain, *self._combos.last_resorts):
            for target in self._entry(entry, model, targets):
                if (target.provider.id, target.model) not in known:
                    known.add((target.provider.id, target.model))
                    found.append(target)
        return tuple(found)

    def _entry(self, entry: str, model: str, targets: tuple[Target, ...]) -> list[Target]:
        """A combo, a model, or a provider that is asked for the same model."""
        if combo := self._combos.combos.get(entry):
            return list(self._branch(combo).targets())
        spec = self._providers.find(entry)
        name = entry
        if spec is not None:
            wanted = targets[0].model if len(targets) == 1 else model
            name = f"{spec.shown_prefix}/{wanted}"
        target = self._usable(name)
        return [target] if target else []

    def _usable(self, name: str) -> Target | None:
        """A line of a combo or chain; None, with the reason taken down, for one that leads nowhere."""
        try:
            target = self._prefixed(name) or self._named(name)
        except (ModelNotFound, InvalidRequest) as error:
            self._left_out.append(LeftOut(name, error.message))
            return None
        if self._combos.blocks(target.provider.id, target.model):
            self._left_out.append(LeftOut(name, "blocked"))
            return None
        return target

    def _named(self, name: str) -> Target:
        for hop in self._hops(name):
            if hop in self._combos.combos:
                raise ModelNotFound(
                    f"It is an alias of the combo {hop!r}; write the combo's name", param="model"
                )
            if target := self._prefixed(hop):
                return target
        return self._bare(hop)

    def _hops(self, name: str) -> Iterator[str]:
        """The name, and what aliases make of it, one after the other. None is followed in a circle."""
        seen: set[str] = set()
        hop: str | None = name
        while hop is not None and hop not in seen and len(seen) <= MAX_ALIAS_HOPS:
            seen.add(hop)
            yield hop
            hop = self._alias(hop)

    def _prefixed(self, name: str) -> Target | None:
        """`prefix/model`, split at the first slash only: ids may hold slashes themselves."""
        prefix, slash, rest = name.partition("/")
        if not slash or not rest:
            return None
        spec = self._providers.find(prefix)
        return Target(spec, spec.upstream_model(rest)) if spec else None

    def _alias(self, name: str) -> str | None:
        """What the user says that the name stands for. A wildcard without a slash is about bare names only."""
        combos = self._combos
        exact = combos.aliases.get(name) or combos.folded.get(name.lower())
        if exact is not None or not combos.patterns:
            return exact
        is_prefixed = "/" in name and self._providers.find(name.partition("/")[0]) is not None
        for pattern, target in combos.patterns:
            if (not is_prefixed or "/" in pattern.pattern) and pattern.match(name):
                return target
        return None

    def _bare(self, name: str) -> Target:
        """A model id without a provider: the one that serves it, connected ones first, blocked ones last."""
        providers = self._providers
        serving = [spec for spec in providers.specs.values() if spec.model_spec(name) is not None]
        allowed = [spec for spec in serving if not self._combos.blocks(spec.id, spec.upstream_model(name))]
        connected = [spec for spec in allowed if providers.is_connected(spec.id)]
        candidates = connected or allowed or serving
        if len(candidates) == 1:
            return Target(candidates[0], candidates[0].upstream_model(name))
        family = _family(name)
        native = [spec for spec in candidates if spec.id == family]
        if native:
            return Target(native[0], native[0].upstream_model(name))
        if candidates:
            raise _ambiguous(name, candidates)
        if family and family in providers.specs and "/" not in name:
            return Target(providers.specs[family], name)
        raise ModelNotFound(
            f"The model {name!r} is not known here. Use provider/model, a combo or an alias; "
            "GET /v1/models lists what can be used.",
            param="model",
        )


def _astray(alias: str, name: str) -> ModelNotFound:
    return ModelNotFound(
        f"The model {alias!r} is an alias of {name!r}, which is not known here. "
        "Its provider is gone, or it is misspelt.",
        param="model",
    )


def _ambiguous(name: str, candidates: list[ProviderSpec]) -> AmbiguousModel:
    names = ", ".join(f"{spec.shown_prefix}/{name}" for spec in candidates)
    return AmbiguousModel(
        f"Several providers serve the model {name!r}. Write one of: {names}",
        tuple(spec.id for spec in candidates),
    )


def _family(name: str) -> str | None:
    return next((provider for starts, provider in _FAMILIES if name.startswith(starts)), None)
