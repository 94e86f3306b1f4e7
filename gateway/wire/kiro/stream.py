"""A stream of events into neutral ones (docs/protocol-notes.md, Kiro). There is no other kind of answer.

Nothing marks the end but the end, and tokens are rarely counted: the share of the context that is used tells how many
there were.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import ModelProfile, StreamParser
from gateway.wire.kiro.errors import NAME, parse_exception
from gateway.wire.kiro.frames import EXCEPTION
from gateway.wire.kiro.thinking import Splitter
from gateway.wire.sse import ServerEvent
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict, Usage

DEFAULT_WINDOW = 200_000
_CHARACTERS_PER_TOKEN = 4
VENDOR = "kiro"
EMPTY = "The provider's stream ended without any content"


class _Call:
    """An open tool call. Its input comes in pieces of JSON text, or as an object that grows from event to event."""

    __slots__ = ("grown", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self.grown: Any = None


class KiroStreamParser(StreamParser):
    def __init__(self, profile: ModelProfile) -> None:
        self._window = profile.context_window or DEFAULT_WINDOW
        self._model = profile.model
        self._started = self._over = False
        self._next = 0
        self._open: tuple[int, type[ir.Part]] | None = None
        self._calls: dict[str, _Call] = {}
        self._called = False
        self._characters = 0
        self._splitter = Splitter()
        self._used_percent: float | None = None
        self._usage: Usage | None = None
        self._credits: float | None = None

    def feed(self, event: ServerEvent) -> list[ir.Event]:
        if self._over:
            return []
        name = event.name.decode("utf-8", "replace")
        if event.name.startswith(EXCEPTION):
            return self._fail(parse_exception(name[len(EXCEPTION) :], event.data))
        handler = _HANDLERS.get(name)
        if handler is None:
            return []
        try:
            value = json.loads(event.data) if event.data else {}
        except InvalidRequest:
            return self._broken(f"The provider sent a {name} that is not JSON")
        return handler(self, value) if isinstance(value, dict) else []

    def close(self) -> list[ir.Event]:
        if self._over:
            return []
        events = self._say_all(self._splitter.end())
        if not self._started:
            return self._broken(EMPTY)
        events += self._end_text()
        for id in list(self._calls):
            events += self._end_call(id)
        self._over = True
        extra: ir.Extra = {NAME: {"credits": self._credits}} if self._credits is not None else {}
        events.append(ir.Finished("tool_calls" if self._called else "stop", extra=extra))
        usage = self._usage or self._estimated()
        return [*events, ir.UsageReported(usage)] if usage is not None else events

    # -- text and thoughts

    def _content(self, value: JSONDict) -> list[ir.Event]:
        text = value.get("content")
        return self._say_all(self._splitter.feed(text)) if isinstance(text, str) else []

    def _say_all(self, pieces: list[tuple[bool, str]]) -> list[ir.Event]:
        return [
            event
            for is_thought, text in pieces
            for event in self._say(ir.Reasoning if is_thought else ir.Text, text)
        ]

    def _say(self, kind: type[ir.Reasoning] | type[ir.Text], text: str) -> list[ir.Event]:
        events = self._start()
        if self._open is None or self._open[1] is not kind:
            events += self._end_text()
            part: ir.Part = ir.Text("") if kind is ir.Text else ir.Reasoning(vendor=VENDOR)
            self._open = (self._next, kind)
            events.append(ir.PartStarted(self._next, part))
            self._next += 1
        self._characters += len(text)
        return [*events, ir.PartDelta(self._open[0], text)]

    def _thought(self, value: JSONDict) -> list[ir.Event]:
        text = value.get("text")
        events = self._say(ir.Reasoning, text) if isinstance(text, str) and text else []
        signature = value.get("signature")
        if isinstance(signature, str) and signature and self._open and self._open[1] is ir.Reasoning:
            late = ir.Reasoning(signature=signature, vendor=VENDOR)
            events.append(ir.PartEnded(self._open[0], late))
            self._open = None
        return events

    def _end_text(self) -> list[ir.Event]:
        if self._open is None:
            return []
        index, self._open = self._open[0], None
        return [ir.PartEnded(index)]

    # -- tool calls

    def _tool_use(self, value: JSONDict) -> list[ir.Event]:
        id, name = value.get("toolUseId"), value.get("name")
        events: list[ir.Event] = []
        if not isinstance(id, str) or not id:
            return events
        call = self._calls.get(id)
        if call is None:
            if not isinstance(name, str) or not name:
                return events
            events += [*self._say_all(self._splitter.end()), *self._start(), *self._end_text()]
            call = self._calls[id] = _Call(self._next)
            self._next += 1
            self._called = True
            events.append(ir.PartStarted(call.index, ir.ToolCall(id, name)))
        given = value.get("input")
        if isinstance(given, str) and given:
            self._characters += len(given)
            events.append(ir.PartDelta(call.index, given))
        elif given is not None and not isinstance(given, str):
            call.grown = given
        return events + self._end_call(id) if value.get("stop") is True else events

    def _end_call(self, id: str) -> list[ir.Event]:
        call = self._calls.pop(id)
        ended: list[ir.Event] = [ir.PartEnded(call.index)]
        if call.grown is None:
            return ended
        text = json.dumps(call.grown).decode()
        self._characters += len(text)
        return [ir.PartDelta(call.index, text), *ended]

    # -- usage

    def _context(self, value: JSONDict) -> list[ir.Event]:
        percent = value.get("contextUsagePercentage")
        if isinstance(percent, int | float) and math.isfinite(percent):
            self._used_percent = float(percent)
        return []

    def _metering(self, value: JSONDict) -> list[ir.Event]:
        spent = value.get("usage")
        if isinstance(spent, int | float) and math.isfinite(spent):
            self._credits = (self._credits or 0.0) + spent
        return []

    def _metrics(self, value: JSONDict) -> list[ir.Event]:
        """Counts where the service gives them. Input that came from its cache is counted apart from the rest."""
        found = value.get("usage", value.get("tokenUsage"))
        counts = found if isinstance(found, dict) else value
        fresh = _count(counts, "inputTokens", "uncachedInputTokens")
        output = _count(counts, "outputTokens")
        read, written = _count(counts, "cacheReadInputTokens"), _count(counts, "cacheWriteInputTokens")
        if fresh or output or read or written:
            self._usage = Usage(
                input_tokens=fresh + read + written,
                output_tokens=output,
                cache_read_tokens=read,
                cache_write_tokens=written,
            )
        return []

    def _estimated(self) -> Usage | None:
        if self._used_percent is None:
            return None
        output = math.ceil(self._characters / _CHARACTERS_PER_TOKEN)
        total = round(self._used_percent / 100 * self._window)
        return Usage(input_tokens=max(total - output, 0), output_tokens=output, estimated=True)

    # -- the answer as a whole

    def _start(self) -> list[ir.Event]:
        if self._started:
            return []
        self._started = True
        return [ir.Started(f"kiro_{uuid.uuid4().hex[:24]}", self._model)]

    def _invalid_state(self, value: JSONDict) -> list[ir.Event]:
        return self._fail(parse_exception("ValidationException", json.dumps(value)))

    def _fail(self, error: Any) -> list[ir.Event]:
        self._over = True
        return [ir.Errored(error.message, error.status, error.code)]

    def _broken(self, message: str) -> list[ir.Event]:
        self._over = True
        return [ir.Errored(message)]


def _count(value: JSONDict, *names: str) -> int:
    numbers = (value.get(name) for name in names)
    return next((int(n) for n in numbers if isinstance(n, int | float) and math.isfinite(n) and n > 0), 0)


_HANDLERS: dict[str, Callable[[KiroStreamParser, JSONDict], list[ir.Event]]] = {
    "assistantResponseEvent": KiroStreamParser._content,
    "codeEvent": KiroStreamParser._content,
    "reasoningContentEvent": KiroStreamParser._thought,
    "toolUseEvent": KiroStreamParser._tool_use,
    "contextUsageEvent": KiroStreamParser._context,
    "meteringEvent": KiroStreamParser._metering,
    "metricsEvent": KiroStreamParser._metrics,
    "metadataEvent": KiroStreamParser._metrics,
    "invalidStateEvent": KiroStreamParser._invalid_state,
}
"""Every other event is passed over."""
