"""A provider as a value. Built-in providers, the overlay file and custom nodes all become a `ProviderSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Tier = Literal["subscription", "api_key", "cheap", "free", "custom"]
Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "x-api-key+bearer", "none"]
ModelKind = Literal["chat", "embedding", "image", "transcription"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of a provider: where, in which wire format, with which authentication.

    A provider that speaks several formats has several endpoints; the attempt takes the one in the client's format, so
    that nothing is translated without need, else the first. `variant` and `region` name the choice that an account
    makes (GLM: anthropic, coding, paas; intl, cn); "" fits every account.
    """

    format: str
    base_url: str
    auth: Auth = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    region: str = ""
    models: tuple[str, ...] = ()
    """Globs of the models that this endpoint serves; empty: all."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """What one provider's models take differently from the format's standard. Applied to the body, in field order.

    Top-level fields: `drop`, `rename` {old: new}, `clamp` {field: (low, high)}, `force` {field: value}, `default`
    {field: value}, `map_values` {field: {old: new}}. `messages` names message-level edits of `quirks.MESSAGE_EDITS`,
    `tools` those of `quirks.TOOL_EDITS`.
    """

    models: tuple[str, ...] = ("*",)
    """Globs, case-insensitive."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How a key is checked. `probe`: GET this path and believe its 401 and 403; "" sends a one-token chat instead."""

    probe: str = "/models"
    probe_is_public: bool = False
    """The probe's 200 says nothing about the key, so the chat decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
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
    pricing_id: str = ""
    """The provider's id in genai-prices; "" means `id`."""
    vendor: str = ""
    """See `gateway.wire.base.ModelProfile.vendor`."""
    status: Literal["active", "deprecated", "discontinued"] = "active"
    status_note: str = ""
    timeout_first_event_s: float | None = None
    """Overrides the gateway's own; local models may load for minutes."""
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

    def upstream_model(self, model: str) -> str:
        """The id to send for the one that was asked for."""
        return self.model_aliases.get(model, model)

    def model_spec(self, model: str) -> ModelSpec | None:
        wanted = self.upstream_model(model)
        return next((spec for spec in self.models if wanted in (spec.id, spec.upstream_id)), None)
