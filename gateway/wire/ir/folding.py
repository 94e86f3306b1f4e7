"""A stream into a whole reply, and back."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.wire.ir.parts import Extra, Part, Reasoning, Refusal, Text, ToolCall
from gateway.wire.ir.replies import (
    Candidate,
    Errored,
    Event,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Response,
    Started,
    UsageReported,
)


class BrokenStream(Exception):
    """Events that cannot follow one another, or an `Errored` where a whole reply is needed."""

    def __init__(self, message: str, error: Errored | None = None) -> None:
        super().__init__(message)
        self.error = error


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
