"""streamGenerateContent: chunks into events. The way back is in `emitter.py`.

A chunk is a small GenerateContentResponse: parts come whole, usage is cumulative, nothing marks the end but a
finish reason, behind which more chunks may come (docs/protocol-notes.md, Gemini streams).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import StreamParser
from gateway.wire.gemini import array
from gateway.wire.gemini.citations import parse_citations
from gateway.wire.gemini.errors import parse_error_value
from gateway.wire.gemini.fields import FORMAT, as_list, get, own
from gateway.wire.gemini.finish import parse_finish, parse_logprobs
from gateway.wire.gemini.parts import parse_part
from gateway.wire.gemini.request import made_id
from gateway.wire.gemini.response import is_blocked, text_of
from gateway.wire.gemini.usage import parse_usage
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict, Usage

_HANDLED = ("content", "index", "finishReason", "finish_reason", "logprobsResult")
CUT = "The provider's stream ended without a finish reason"


class _Open:
    """The state of one candidate: which text or thought is open, and how many parts and calls there were."""

    __slots__ = ("calls", "extra", "index", "logprobs", "next", "part", "reason", "said", "said_before")

    def __init__(self) -> None:
        self.part: ir.Text | ir.Reasoning | None = None
        self.index = 0
        self.next = 0
        self.calls = 0
        self.reason: Any = None
        self.logprobs: JSONDict | None = None
        self.extra: JSONDict = {}
        self.said: list[str] = []
        self.said_before = 0
        """Characters of the answer in front of the open text."""

    def sources(self) -> list[ir.Citation]:
        """Of the open text. Google's places are in the answer as a whole, and come with its end."""
        text = "".join(self.said)
        cited = parse_citations(self.extra, {0: text}).get(0, [])
        before = self.said_before
        return [_moved(citation, before) for citation in cited] if before else cited


class GeminiStreamParser(StreamParser):
    def __init__(self) -> None:
        self._seed = ""
        self._started = False
        self._broken = False
        self._blocked = False
        self._usage: Usage | None = None
        self._extra: JSONDict = {}
        self._candidates: dict[int, _Open] = {}

    def feed(self, event: ServerEvent) -> list[ir.Event]:
        data = event.data
        if not data or self._broken or data in (array.END, DONE):
            return []
        try:
            value = json.loads(data)
            events: list[ir.Event] = []
            for chunk in value if isinstance(value, list) else [value]:
                self._chunk(chunk, events)
        except (InvalidRequest, RecursionError) as error:
            self._broken = True
            return [ir.Errored(f"The provider's stream is malformed: {error}", 502)]
        return events

    def close(self) -> list[ir.Event]:
        if self._broken:
            return []
        open_ = {number: state for number, state in self._candidates.items() if state.reason is None}
        if not self._started or (not self._blocked and (open_ or not self._candidates)):
            self._broken = True
            return [*self._report(), ir.Errored(CUT, 502)]
        events: list[ir.Event] = []
        for number, state in sorted(self._candidates.items()):
            self._end_part(state, number, events, state.sources() if state.part is not None else [])
            reason = parse_finish(state.reason, state.calls > 0) or "content_filter"
            extra = {FORMAT: state.extra} if state.extra else {}
            events.append(ir.Finished(reason, None, number, state.logprobs, extra))
        if not self._candidates:
            events.append(ir.Finished("content_filter", extra={FORMAT: {"blocked": True}}))
        return [*events, *self._report()]

    def _report(self) -> list[ir.Event]:
        return [] if self._usage is None else [ir.UsageReported(self._usage, extra=_noted(self._extra))]

    def _chunk(self, chunk: Any, events: list[ir.Event]) -> None:
        if not isinstance(chunk, dict):
            raise InvalidRequest("a chunk is no object")
        if chunk.get("error"):
            refused = parse_error_value(json.dumps(chunk["error"]))
            self._broken = True
            events += [*self._report(), ir.Errored(refused.message, refused.status, refused.code)]
            return
        usage = parse_usage(get(chunk, "usageMetadata"))
        self._usage = usage or self._usage
        if not self._started:
            self._start(chunk, usage, events)
        feedback = get(chunk, "promptFeedback")
        if feedback is not None:
            self._extra["promptFeedback"] = feedback
            self._blocked = self._blocked or is_blocked(chunk)
        candidates = chunk.get("candidates")
        if isinstance(candidates, list):
            for raw in candidates:
                self._candidate(raw, events)

    def _start(self, chunk: JSONDict, usage: Usage | None, events: list[ir.Event]) -> None:
        self._started = True
        id = text_of(chunk, "responseId")
        self._seed = id or secrets.token_hex(8)
        events.append(ir.Started(id, text_of(chunk, "modelVersion"), None, usage))

    def _candidate(self, raw: Any, events: list[ir.Event]) -> None:
        if not isinstance(raw, dict):
            raise InvalidRequest("a candidate is no object")
        index = json.integer(raw.get("index"))
        number = index if index is not None and 0 <= index < 128 else 0
        state = self._candidates.get(number)
        if state is None:
            state = self._candidates[number] = _Open()
        content = raw.get("content")
        if isinstance(content, dict):
            for part in as_list(content.get("parts")):
                self._part(part, state, number, events)
        for key, value in raw.items():
            if key not in _HANDLED and (value or key not in state.extra):
                state.extra[key] = value
        state.reason = get(raw, "finishReason") or state.reason
        state.logprobs = parse_logprobs(get(raw, "logprobsResult")) or state.logprobs

    def _part(self, raw: Any, state: _Open, number: int, events: list[ir.Event]) -> None:
        part = parse_part(raw, "content.parts")
        if isinstance(part, ir.Text | ir.Reasoning):
            self._text(part, state, number, events)
            return
        self._end_part(state, number, events)
        index, state.next = state.next, state.next + 1
        text = ""
        if isinstance(part, ir.ToolCall):
            part.id = part.id or made_id(self._seed, number, state.calls, part.name, part.arguments)
            state.calls += 1
            text, part.arguments = part.arguments, ""
        events.append(ir.PartStarted(index, part, number))
        if text:
            events.append(ir.PartDelta(index, text, number))
        events.append(ir.PartEnded(index, None, number))

    def _text(self, part: ir.Text | ir.Reasoning, state: _Open, number: int, events: list[ir.Event]) -> None:
        signature = get(own(part.extra), "thoughtSignature")
        extra: ir.Extra = {FORMAT: {"thoughtSignature": signature}} if signature else {}
        if state.part is None or type(state.part) is not type(part):
            if not part.text and not signature:
                return
            self._end_part(state, number, events)
            state.index, state.next = state.next, state.next + 1
            state.part = ir.Text("") if isinstance(part, ir.Text) else ir.Reasoning(vendor=FORMAT)
            state.said_before = sum(map(len, state.said))
            events.append(ir.PartStarted(state.index, state.part, number))
        if isinstance(part, ir.Text):
            state.said.append(part.text)
        if part.text or extra:
            events.append(ir.PartDelta(state.index, part.text, number, extra))
        if isinstance(part, ir.Reasoning) and part.signature:
            events.append(
                ir.PartEnded(state.index, ir.Reasoning(signature=part.signature, vendor=FORMAT), number)
            )
            state.part = None

    @staticmethod
    def _end_part(
        state: _Open, number: int, events: list[ir.Event], sources: Sequence[ir.Citation] = ()
    ) -> None:
        if state.part is None:
            return
        cited = isinstance(state.part, ir.Text) and sources
        state.part = None
        late = ir.Text("", citations=list(sources)) if cited else None
        events.append(ir.PartEnded(state.index, late, number))


def _moved(citation: ir.Citation, by: int) -> ir.Citation:
    """Counted from the open text's beginning; without a place where it stands for an earlier one."""
    if citation.start is None or citation.end is None or citation.end <= by:
        return replace(citation, start=None, end=None)
    return replace(citation, start=max(citation.start - by, 0), end=citation.end - by)


def _noted(extra: JSONDict) -> ir.Extra:
    return {FORMAT: dict(extra)} if extra else {}
