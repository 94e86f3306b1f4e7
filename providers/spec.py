"""A provider as a value. Built-in providers, overlay and custom nodes all become a `ProviderSpec`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal

from providers.oauth.spec import OAuthSpec

Tier = Literal["subscription", "api_key", "cheap", "free", "custom"]
Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "x-api-key+bearer", "token", "key", "none"]
"""`token`: `Authorization: Token ...`; `key`: `Authorization` with the key alone."""
ModelKind = Literal["chat", "embedding", "image", "transcription"]

FORMATS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
"""Wire formats that clients and endpoints can speak, by the names that `gateway.wire` gives them."""
PROVIDER_FORMATS = ("kiro", "deepgram", "assemblyai")
"""Those that only endpoints speak."""
ADAPTERS = (
    "claude_code",
    "code_assist",
    "codex",
    "cohere",
    "copilot",
    "deepseek",
    "fireworks",
    "iflow",
    "kiro",
    "qwen",
)
"""By the names that `providers.adapters` registers them under."""
BODIES = (
    *FORMATS,
    "openai_embeddings",
    "openai_images",
    "openai_transcriptions",
    "openai_moderations",
    "openai_speech",
    "rerank",
)
"""Bodies that a quirk can be about."""


def matches(globs: Sequence[str], model: str) -> bool:
    """Whether one of the globs fits, and none of those behind a `!`. Case-insensitive; no globs: all."""
    name = model.lower()
    if any(fnmatchcase(name, glob[1:].lower()) for glob in globs if glob.startswith("!")):
        return False
    wanted = [glob for glob in globs if not glob.startswith("!")]
    return not wanted or any(fnmatchcase(name, glob.lower()) for glob in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of a provider: where, in which wire format, with which authentication.

    A provider that speaks several formats has several endpoints; the attempt takes the one in the client's
    format, so that nothing is translated without need, else the first. `variant` and `region` name the
    choice that an account makes (GLM: coding, anthropic, paas; intl, cn); "" fits every account.
    """

    format: str
    base_url: str
    auth: Auth = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    region: str = ""
    models: tuple[str, ...] = ()
    """Globs of the models that this endpoint serves, see `matches`; empty: all."""
    preferred_url: str = ""
    """Another host with the same paths, which is asked first for the accounts that the adapter finds fit for it."""
    forward_headers: tuple[str, ...] = ()
    """Headers of the client that the provider wants to see, in lower case, beside those of the format itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    id: str
    name: str = ""
    kind: ModelKind = "chat"
    context_window: int | None = None
    """Tokens."""
    max_output_tokens: int | None = None
    reasoning: str = ""
    """See `gateway.wire.base.ModelProfile.reasoning`."""
    vision: bool | None = None
    upstream_id: str = ""
    """What the provider calls it, where that differs from `id`."""
    missing: bool = False
    """It vanished from the provider's own list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """What one provider's models take differently from the format's standard. Applied in field order.

    Top-level fields: `drop`, `rename` {old: new}, `clamp` {field: (low, high)}, `force` {field: value},
    `default` {field: value}, `map_values` {field: {old: new}}. A dot reaches one level deeper
    (`reasoning.effort`); in `drop`, `clamp` and `map_values` any number of levels, with `*` for every item of a list
    (`messages.*.reasoning_content`). `rename` leaves a new name that is there already alone; `clamp` and
    `map_values` touch only fields that are there. `messages`, `tools` and `edits` name functions of
    `quirks.MESSAGE_EDITS`, `TOOL_EDITS` and `BODY_EDITS`.
    """

    models: tuple[str, ...] = ("*",)
    """Globs, see `matches`."""
    formats: tuple[str, ...] = ("openai_chat",)
    """Wire formats of the body that this is about."""
    drop: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    clamp: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    force: Mapping[str, Any] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)
    map_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    traits: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `gateway.wire.base.ModelProfile`, for where a request is written anew."""


Means = Literal[
    "rate_limited", "quota", "overloaded", "model", "sign_in", "disabled", "terms", "request", "context"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """What one provider means by a refusal, where that is not what `resilience.classify` makes of it. The first that
    fits counts; `providers.meanings` reads them.

    `means`: rate_limited and quota put the account aside; overloaded is the provider's trouble; model is about the
    model alone; sign_in waits for the operator; disabled switches the account off; terms is a refusal of this kind of
    client; request and context are the client's own affair.
    """

    means: Means
    statuses: tuple[int, ...] = ()
    text: str = ""
    """Regular expression, in any letter case, for something in the error's code, message or body."""
    header: tuple[str, str] | None = None
    """A header of the answer (lower case), and a regular expression for its value."""
    model_only: bool = False
    """Only this model of the account is put aside."""
    wait_s: float | None = None
    """How long, where nothing below tells; None: backing off exponentially."""
    reset: tuple[str, ...] = ()
    """Where the real end of the wait is; the first that is there counts: `header:NAME`, `find:KEY` (anywhere in the
    body), `text` ("try again in 5s"), `midnight:+8` (the next one, by offset from UTC), `month` (its first day)."""
    repeats: int = 0
    """How often the request is repeated on the same account before that, since the refusal passes within seconds."""
    pause_s: float = 2.0
    """Seconds before each repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How a key is checked. `probe`: GET this and believe its 401 and 403; "" sends a one-token chat instead.

    Behind the base URL when it starts with a slash, else relative to it, as in `../user/balance`.
    """

    probe: str = "/models"
    probe_is_public: bool = False
    """The probe's 200 says nothing about the key, so the chat decides."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProviderSpec:
    """Compared and hashed by identity, so that look-ups about it can be cached."""

    id: str
    name: str
    endpoints: tuple[Endpoint, ...]
    prefix: str = ""
    """What users write before the slash; "" means the id. The id works as well."""
    aliases: tuple[str, ...] = ()
    tier: Tier = "api_key"
    cost_note: str = ""
    signup_url: str = ""
    key_hint: str = ""
    """What a key looks like, for the form."""
    models: tuple[ModelSpec, ...] = ()
    model_aliases: Mapping[str, str] = field(default_factory=dict)
    """Ids that users know -> the provider's own."""
    quirks: tuple[Quirk, ...] = ()
    validation: Validation = Validation()
    models_path: str = "/models"
    """Where the live list of models is, as in `Validation.probe`; "" where there is none."""
    pricing_id: str = ""
    """The provider's id in genai-prices; "" means `id`."""
    vendor: str = ""
    """See `gateway.wire.base.ModelProfile.vendor`."""
    status: Literal["active", "deprecated", "discontinued"] = "active"
    status_note: str = ""
    discontinued_at: str = ""
    """The day, as in 2026-04-15, since when the vendor refuses it."""
    terms_warning: str = ""
    """What the vendor's terms say about use through a gateway; shown before anybody connects."""
    oauth: OAuthSpec | None = None
    """How one signs in; None where there are only API keys."""
    timeout_first_event_s: float | None = None
    """Overrides the gateway's own; local models may load for minutes."""
    errors: tuple[ErrorRule, ...] = ()
    quota: str = ""
    """Registered code that knows what is left of an account's plan (`providers.quota.sources`)."""
    quota_url: str = ""
    """Where that is asked; "" where it is asked beside the endpoint, or nowhere."""
    adapter: str | None = None
    """Registered code for a provider that data cannot describe."""

    @property
    def shown_prefix(self) -> str:
        return self.prefix or self.id

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(e.variant for e in self.endpoints if e.variant))

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(e.region for e in self.endpoints if e.region))

    @property
    def needs_key(self) -> bool:
        """Custom servers often run without one, and where one signs in there is none."""
        return not self.oauth and self.tier != "custom" and any(e.auth != "none" for e in self.endpoints)

    def named_models(self) -> Iterator[tuple[str, ModelSpec]]:
        """Every name that clients may write behind the prefix, with its model: ids, then aliases."""
        ids = {model.id: model for model in self.models}
        yield from ids.items()
        for alias, id in self.model_aliases.items():
            if id in ids and alias not in ids:
                yield alias, ids[id]

    def upstream_model(self, model: str) -> str:
        """The id to send for the one that was asked for; letter case is put right for ids that are known."""
        return _upstream_model(self, model)

    def model_spec(self, model: str) -> ModelSpec | None:
        """The listed model of this id or alias. `families.profile_of` also knows what is not listed."""
        wanted = self.upstream_model(model)
        return next((spec for spec in self.models if wanted in (spec.upstream_id, spec.id)), None)


@lru_cache(maxsize=4096)
def _upstream_model(spec: ProviderSpec, model: str) -> str:
    ids = {known.id: known.upstream_id or known.id for known in spec.models}
    wanted = spec.model_aliases.get(model, model)
    if wanted in ids:
        return ids[wanted]
    folded = {alias.lower(): target for alias, target in spec.model_aliases.items()}
    wanted = folded.get(wanted.lower(), wanted)
    return {known.lower(): upstream for known, upstream in ids.items()}.get(wanted.lower(), wanted)
