"""Values that cross app borders. Frozen, without behaviour, without Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

JSONDict = dict[str, Any]
"""A JSON object that somebody else defined."""

Fields = dict[str, Any]
"""The top level of a request body: each value a `msgspec.Raw` (its bytes as received) or a plain JSON value."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, each counted once, whatever the wire format's own habit.

    `input_tokens` is the whole prompt: fresh, read from cache and written to cache together. `output_tokens`
    includes reasoning. So fresh input = input - cache_read - cache_write.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal | None = None
    """USD, where the provider itself reports it."""
    estimated: bool = False
    priced_apart: tuple[tuple[str, int | float], ...] = ()
    """What some vendors price otherwise than the counts above, of which it may be part: (name, quantity). The names are
    genai-prices' own (`cache_write_1h_tokens`, `input_audio_tokens`, `web_searches`, `audio_seconds`), and
    `output_images`."""
    service_tier: str = ""
    """As the provider reports it, where its prices depend on it: `flex`, `priority`."""


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A file that a client sent."""

    name: str
    content_type: str
    data: memoryview


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """What a client asked, before anything is decided. Never mutated: every attempt starts from it."""

    id: str
    format: str
    """Wire format of the endpoint that was called, e.g. `openai_chat`."""
    operation: str
    """What is asked of the model: `generate`, `count`, `embed`, `image` or `transcribe`."""
    model: str
    stream: bool
    body: bytes
    fields: Mapping[str, msgspec.Raw]
    """The body's top level, undecoded; of a form, its fields as JSON texts and lists of texts."""
    headers: Mapping[str, str]
    """Lower-case names."""
    path: str
    array: bool = False
    """The client wants its stream as one JSON array (Gemini without `alt=sse`)."""
    thinking: Literal["client", "replaced", "added"] = "client"
    """Whose the fields are that ask for thinking: the client's; or a policy's, in the place of the client's or where
    the client said nothing."""
    upload: Upload | None = None
    """The file of a form."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One HTTP request to a provider, complete: `upstream.send` adds nothing to it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    format: str
    stream: bool
    dropped: tuple[str, ...] = ()
    """What the client asked for and the provider's wire format has no words for."""
