"""What a turn is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Extra: TypeAlias = dict[str, Any]
"""{wire format name: whatever it needs to say this thing again}"""


@dataclass(slots=True)
class Citation:
    """A source of a text. `start` and `end` are the characters of that text which it supports; None: not told.

    `quote` is what the source itself says. Without a `url` it is a document that the client sent, or a vendor's file.
    """

    url: str | None = None
    title: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Text:
    """`citations` are of replies only: no vendor takes another's back."""

    text: str
    extra: Extra = field(default_factory=dict)
    citations: list[Citation] = field(default_factory=list)


@dataclass(slots=True)
class Image:
    """Exactly one of `data` (base64 without line breaks), `url` (http, https, gs) and `file_id` is set."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class File:
    """A document or video. One of `data` (base64), `url`, `file_id` and `text` (a plain-text document) is set."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    text: str | None = None
    filename: str | None = None
    title: str | None = None
    context: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Audio:
    """`data` is base64; `media_type` as in `audio/wav`, `audio/mpeg`."""

    media_type: str
    data: str | None = None
    url: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Reasoning:
    """What the model thought.

    `signature` is the vendor's proof, opaque and valid only for `vendor` ("anthropic", "gemini", "openai", ...): a
    Claude signature, a Responses `encrypted_content`. `redacted` is a block that the vendor hides whole (Claude's
    redacted_thinking `data`). `summaries` keeps the borders of a Responses summary; `text` is always their joined text.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    vendor: str | None = None
    id: str | None = None
    summaries: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class ToolCall:
    """`arguments` is JSON text for kind `function`, free text for kind `custom`.

    `signature` is Gemini's thoughtSignature, which must come back on the same call.
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    signature: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class ToolResult:
    """`name` is the called function's, where the format says it (Gemini) or the history tells it."""

    call_id: str
    parts: list[Part]
    name: str | None = None
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Refusal:
    text: str
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Unknown:
    """A part that only its own format understands (server tools, citations blocks). Emitted elsewhere it is dropped."""

    format: str
    type: str
    raw: Any
    extra: Extra = field(default_factory=dict)


Part: TypeAlias = Text | Image | File | Audio | Reasoning | ToolCall | ToolResult | Refusal | Unknown
