"""The neutral form between wire formats. Pure values: no Django, no I/O, no wire format's vocabulary.

Rules that every format package keeps:

* A part holds in `extra[format]` whatever its own format said about it and the neutral fields do not, so that
  `emit(parse(body))` of one format loses nothing. `emit` of another format ignores it. `note_dropped` records what a
  format could not say at all.
* Unset is None (or an empty tuple/list), never a default that the client did not send.
* JSON text stays text: a tool call's `arguments` are the model's own, so that number precision and key order live.
* A reply is a `Response`; a stream is the same reply as a sequence of `Event`s. `fold` and `unfold` turn one into the
  other, so each direction has one logic.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from omniroute.types import JSONDict, Usage

Extra: TypeAlias = dict[str, Any]
"""{wire format name: whatever it needs to say this thing again}"""

Role = Literal["user", "assistant", "system", "developer"]
FinishReason = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "pause", "error"]
"""`error`: the model broke off by a fault of its own (a malformed call, a failed generation)."""

# ---- Parts ------------------------------------------------------------------------------------------------------


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

# ---- Requests ---------------------------------------------------------------------------------------------------


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
    """What `emit_request` could not say in its format, e.g. `top_k`, `tools.web_search`. Logged, never silent."""


# ---- Replies ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Candidate:
    """One answer. `logprobs` is OpenAI Chat's object, which Responses and Gemini convert."""

    parts: list[Part] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    stop_sequence: str | None = None
    logprobs: JSONDict | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Response:
    id: str = ""
    model: str = ""
    created: int | None = None
    """Unix seconds."""
    candidates: list[Candidate] = field(default_factory=list)
    usage: Usage | None = None
    service_tier: str | None = None
    extra: Extra = field(default_factory=dict)


# ---- Events of a streamed reply ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Started:
    """First event of every stream. `usage` is what is known of the input by then."""

    id: str = ""
    model: str = ""
    created: int | None = None
    usage: Usage | None = None
    extra: Extra = field(default_factory=dict)
    service_tier: str | None = None


@dataclass(slots=True)
class PartStarted:
    """`part` is a Text, Reasoning, ToolCall or Refusal with whatever is known of it (an empty text, a call's id and
    name), or any other part whole. Indexes are unique per candidate and ascend; several parts may be open at once."""

    index: int
    part: Part
    candidate: int = 0


@dataclass(slots=True)
class PartDelta:
    """More of an open part: text of a Text, Reasoning or Refusal; argument text of a ToolCall."""

    index: int
    text: str
    candidate: int = 0
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class PartEnded:
    """`part` carries what came late (a signature, summaries, citations) or None. Never text."""

    index: int
    part: Part | None = None
    candidate: int = 0


@dataclass(slots=True)
class Finished:
    """The candidate's end, after all of its parts ended."""

    reason: FinishReason
    stop_sequence: str | None = None
    candidate: int = 0
    logprobs: JSONDict | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class UsageReported:
    """The whole usage so far: a later one replaces an earlier one."""

    usage: Usage
    service_tier: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(slots=True)
class Errored:
    """The upstream reported an error inside of the stream. Nothing follows."""

    message: str
    status: int = 502
    code: str | None = None


Event: TypeAlias = Started | PartStarted | PartDelta | PartEnded | Finished | UsageReported | Errored


class BrokenStream(Exception):
    """Events that cannot follow one another, or an `Errored` where a whole reply is needed."""

    def __init__(self, message: str, error: Errored | None = None) -> None:
        super().__init__(message)
        self.error = error


def is_meaningful(event: Event) -> bool:
    """Does this event show the client something of the answer? The first such event is the commit point."""
    match event:
        case PartStarted(part=Text(text="") | Reasoning(text="", redacted=None) | Refusal(text="")):
            return False
        case PartStarted() | Finished():
            return True
        case PartDelta(text=text):
            return bool(text)
        case _:
            return False


def fold(events: Iterable[Event]) -> Response:
    """A whole reply out of a stream. Raise `BrokenStream` on an `Errored` or on an impossible sequence."""
    response = Response()
    parts: dict[tuple[int, int], Part] = {}
    for event in events:
        match event:
            case Started():
                response.id, response.model, response.created = event.id, event.model, event.created
                response.usage = event.usage or response.usage
                response.service_tier = event.service_tier or response.service_tier
                response.extra.update(event.extra)
            case PartStarted():
                part = copy.copy(event.part)
                part.extra = dict(part.extra)
                parts[event.candidate, event.index] = part
                _candidate(response, event.candidate).parts.append(part)
            case PartDelta():
                _grow(parts.get((event.candidate, event.index)), event)
            case PartEnded():
                _complete(parts.get((event.candidate, event.index)), event.part)
            case Finished():
                candidate = _candidate(response, event.candidate)
                candidate.finish_reason, candidate.stop_sequence = event.reason, event.stop_sequence
                candidate.logprobs = event.logprobs or candidate.logprobs
                candidate.extra.update(event.extra)
            case UsageReported():
                response.usage = event.usage
                response.service_tier = event.service_tier or response.service_tier
                response.extra.update(event.extra)
            case Errored():
                raise BrokenStream(event.message, event)
    return response


def _candidate(response: Response, index: int) -> Candidate:
    while len(response.candidates) <= index:
        response.candidates.append(Candidate())
    return response.candidates[index]


def _grow(part: Part | None, delta: PartDelta) -> None:
    match part:
        case Text() | Reasoning() | Refusal():
            part.text += delta.text
        case ToolCall():
            part.arguments += delta.text
        case _:
            raise BrokenStream(f"A delta for part {delta.index}, which takes none")
    for format, value in delta.extra.items():
        _merge(part.extra, format, value)


def _complete(part: Part | None, late: Part | None) -> None:
    if part is None or late is None:
        return
    if isinstance(part, Reasoning) and isinstance(late, Reasoning):
        part.signature = late.signature or part.signature
        part.redacted = late.redacted or part.redacted
        part.vendor = late.vendor or part.vendor
        part.id = late.id or part.id
        part.summaries = late.summaries or part.summaries
    elif isinstance(part, ToolCall) and isinstance(late, ToolCall):
        part.signature = late.signature or part.signature
    elif isinstance(part, Text) and isinstance(late, Text):
        part.citations = [*part.citations, *late.citations]
    for format, value in late.extra.items():
        _merge(part.extra, format, value)


def _merge(extra: Extra, format: str, value: Any) -> None:
    """Dicts are united, lists joined, anything else replaced."""
    old = extra.get(format)
    if isinstance(old, dict) and isinstance(value, dict):
        merged = dict(old)
        for key, item in value.items():
            known = merged.get(key)
            merged[key] = known + item if isinstance(known, list) and isinstance(item, list) else item
        extra[format] = merged
    else:
        extra[format] = value


def unfold(response: Response) -> Iterable[Event]:
    """A stream out of a whole reply: `fold(unfold(r))` equals `r`."""
    extra, tier = dict(response.extra), response.service_tier
    yield Started(response.id, response.model, response.created, None, extra, tier)
    for number, candidate in enumerate(response.candidates):
        for index, part in enumerate(candidate.parts):
            match part:
                case Text(text=text):
                    yield PartStarted(index, Text("", part.extra), number)
                    if text:
                        yield PartDelta(index, text, number)
                case Reasoning(text=text) | Refusal(text=text) if text:
                    yield PartStarted(index, replace(part, text=""), number)
                    yield PartDelta(index, text, number)
                case ToolCall(arguments=arguments) if arguments:
                    yield PartStarted(index, replace(part, arguments=""), number)
                    yield PartDelta(index, arguments, number)
                case _:
                    yield PartStarted(index, part, number)
            cited = isinstance(part, Text) and part.citations
            yield PartEnded(index, Text("", citations=list(cited)) if cited else None, number)
        if candidate.finish_reason is not None:
            yield Finished(
                candidate.finish_reason, candidate.stop_sequence, number, candidate.logprobs, candidate.extra
            )
    if response.usage is not None:
        yield UsageReported(response.usage, response.service_tier)
