"""What a model answers: whole, and as the events of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.wire.ir.parts import Extra, Part, Reasoning, Refusal, Text
from omniroute.types import JSONDict, Usage

FinishReason = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "pause", "error"]
"""`error`: the model broke off by a fault of its own (a malformed call, a failed generation)."""


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


def is_meaningful(event: Event) -> bool:
    """Does this event show the client something of the answer? The first such event is the commit point."""
    match event:
        case PartStarted(part=Text(text="") | Reasoning(text="", redacted=None) | Refusal(text="")):
            return False
        case Finished(reason=reason):
            return reason != "error"  # broken off before a word: another provider may do better
        case PartStarted():
            return True
        case PartDelta(text=text):
            return bool(text)
        case _:
            return False
