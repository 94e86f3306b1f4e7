"""What a client asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.wire.ir.parts import Extra, Part, Text
from omniroute.types import JSONDict

Role = Literal["user", "assistant", "system", "developer"]


@dataclass(slots=True)
class Message:
    role: Role
    parts: list[Part]
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Tool:
    """A function the model may call, or (`custom`) one with free text, or (`hosted`) one that the vendor runs.

    `parameters` is the JSON Schema as the client sent it, or None. `namespace` names the group (Codex) it came in.
    A hosted tool is in `raw`, and its `name` is the vendor's type.
    """

    name: str
    description: str | None = None
    parameters: JSONDict | None = None
    strict: bool | None = None
    kind: Literal["function", "custom", "hosted"] = "function"
    namespace: str | None = None
    grammar: JSONDict | None = None
    format: str | None = None
    raw: JSONDict | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class ToolChoice:
    """`names` narrows `any` to those tools: one name forces it. With `auto` it is the list of allowed tools."""

    mode: Literal["auto", "any", "none"]
    names: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class ResponseFormat:
    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: JSONDict | None = None
    strict: bool | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class ReasoningRequest:
    """How much the model shall think. `enabled` False: not at all; None: the model decides.

    `effort`: none, minimal, low, medium, high, xhigh, max. `budget`: tokens. `visible`: whether the client wants to see
    the thoughts (None: the format's default). A format fills what the client said; the emitter derives the rest.
    """

    enabled: bool | None = None
    effort: str | None = None
    budget: int | None = None
    visible: bool | None = None
    summary: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Request:
    """`system` holds the leading instructions; system or developer messages further down stay in `messages`."""

    model: str
    messages: list[Message]
    stream: bool = False
    include_usage: bool | None = None
    system: list[Text] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: ReasoningRequest | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = field(default_factory=list)
    seed: int | None = None
    n: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user: str | None = None
    metadata: JSONDict | None = None
    service_tier: str | None = None
    extra: Extra = field(default_factory=dict)
    """Top-level fields of the client's format that nothing above covers, values untouched."""
    dropped: list[str] = field(default_factory=list)
    """What `emit_request` could not say and nothing makes up for, e.g. `top_k`, `tools.web_search`. It is logged."""
