"""A provider's event stream into neutral events (facts/translators.md §3.5).

Providers differ: some leave out `content_part.added`, some the deltas, some all but `response.completed`.
So each event is compared with what was already passed on, and only what is missing follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import StreamParser
from gateway.wire.openai_responses import shell
from gateway.wire.openai_responses.errors import parse_error_value
from gateway.wire.openai_responses.fields import NAME, VENDOR, leftover, own
from gateway.wire.openai_responses.items import SUMMARY_JOINT, parse_item
from gateway.wire.openai_responses.response import created, finish_reason, parse_logprobs
from gateway.wire.openai_responses.usage import parse_usage
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_NOT_OPENING = ("id", "model", "output", "status", "usage", "completed_at", "incomplete_details", "error")
_CALLS = ("function_call", "custom_tool_call")


@dataclass(slots=True)
class _Open:
    """A part that has begun, and what of its text was passed on."""

    index: int
    part: ir.Part
    sent: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.sent)


class ResponsesStreamParser(StreamParser):
    def __init__(self) -> None:
        self._started = False
        self._over = False
        self._next = 0
        self._open: dict[tuple[Any, ...], _Open] = {}
        self._known: set[Any] = set()  # items of which something was passed on
        self._thinking: dict[Any, str] = {}  # by item: whether its summary or its full text is shown
        self._summary: dict[Any, int] = {}
        self._parts: list[ir.Part] = []
        self._logprobs: list[Any] = []

    def feed(self, event: ServerEvent) -> list[ir.Event]:
        data = event.data
        if self._over or not data or data == DONE:
            return []
        try:
            value = json.loads(data)
        except InvalidRequest:
            return self._fail("The provider sent an event that is not JSON")
        if not isinstance(value, dict):
            return self._fail("The provider sent an event that is no object")
        kind = value.get("type") or event.name.decode("utf-8", "replace")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, value)
        return self._error(value) if value.get("error") and not str(kind).startswith("response.") else []

    def close(self) -> list[ir.Event]:
        return (
            [] if self._over else self._fail("The provider's stream ended before the response was complete")
        )

    # -- the response as a whole

    def _start(self, value: JSONDict) -> list[ir.Event]:
        if self._started:
            return []
        self._started = True
        response = _dict(value.get("response"))
        return [
            ir.Started(
                _text(response.get("id")),
                _text(response.get("model")),
                created(response),
                None,
                {NAME: leftover(response, _NOT_OPENING)},
            )
        ]

    def _finish(self, value: JSONDict) -> list[ir.Event]:
        response = _dict(value.get("response"))
        if response.get("error") or response.get("status") == "failed":
            return self._failed(value)
        events = self._start(value)
        for index, item in enumerate(response["output"] if isinstance(response.get("output"), list) else []):
            if isinstance(item, dict) and index not in self._known and item.get("id") not in self._known:
                events += self._end_item({"output_index": index, "item": item})
        events += self._end_all()
        self._over = True
        kept = leftover(response, ("id", "model", "output"))
        usage = parse_usage(response.get("usage"))
        logprobs = (
            {"content": self._logprobs, "refusal": None} if self._logprobs else parse_logprobs(self._parts)
        )
        extra = {} if usage is not None else {NAME: kept}
        events.append(ir.Finished(finish_reason(response, self._parts), logprobs=logprobs, extra=extra))
        if usage is not None:
            tier = response.get("service_tier")
            events.append(ir.UsageReported(usage, tier if isinstance(tier, str) else None, {NAME: kept}))
        return events

    def _failed(self, value: JSONDict) -> list[ir.Event]:
        return self._error(_dict(value.get("response")))

    def _error(self, value: JSONDict) -> list[ir.Event]:
        """`error` events say it at the top or, as OpenAI does in fact, in `error`."""
        self._over = True
        refused = parse_error_value(
            json.dumps(value.get("error") or leftover(value, ("type", "sequence_number")))
        )
        return [ir.Errored(refused.message, refused.status, refused.code)]

    def _fail(self, message: str) -> list[ir.Event]:
        self._over = True
        return [ir.Errored(message)]

    # -- items

    def _begin_item(self, value: JSONDict) -> list[ir.Event]:
        item = _dict(value.get("item"))
        if item.get("type") not in (*_CALLS, "reasoning"):
            return []
        events = self._start({})
        try:
            _, (part,) = parse_item(item, "item")
        except InvalidRequest:
            return events  # a call without a name: `output_item.done` knows it
        key = _key(value)
        text = part.arguments if isinstance(part, ir.ToolCall) else ""
        if isinstance(part, ir.ToolCall):
            part.arguments = ""
        elif isinstance(part, ir.Reasoning):
            part = ir.Reasoning(id=part.id, extra=part.extra)
        events += self._open_part((key,), part)
        return events + self._more((key,), text) if text else events

    def _end_item(self, value: JSONDict) -> list[ir.Event]:
        item, key = _dict(value.get("item")), _key(value)
        if key in self._known and not any(name[0] == key for name in self._open):
            return []
        events = self._start({})
        try:
            parts = parse_item(item, "item")[1]
        except InvalidRequest as error:
            return events + self._fail(f"The provider's answer cannot be read. {error.message}")
        self._known.update({key, item.get("id")} - {None})
        if item.get("type") == "message":
            for index, part in enumerate(parts):
                events += self._complete((key, index), part)
            return events + self._end_where(key)
        return events + [event for part in parts for event in self._complete((key,), part)]

    def _complete(self, name: tuple[Any, ...], whole: ir.Part) -> list[ir.Event]:
        """The rest of a part whose final state is known, and its end."""
        text = _said(whole)
        known = self._open.get(name)
        events: list[ir.Event] = []
        if known is None:
            events += self._open_part(name, _emptied(whole))
        sent = self._open[name].text
        if text.startswith(sent) and len(text) > len(sent):
            events += self._more(name, text[len(sent) :])
        return events + self._end(name, _late(whole))

    # -- parts

    def _open_part(self, name: tuple[Any, ...], part: ir.Part) -> list[ir.Event]:
        self._known.add(name[0])
        self._open[name] = _Open(self._next, part)
        self._next += 1
        self._parts.append(part)
        return [ir.PartStarted(self._open[name].index, part)]

    def _more(self, name: tuple[Any, ...], text: str) -> list[ir.Event]:
        opened = self._open[name]
        opened.sent.append(text)
        return [ir.PartDelta(opened.index, text)]

    def _end(self, name: tuple[Any, ...], late: ir.Part | None) -> list[ir.Event]:
        opened = self._open.pop(name)
        return [ir.PartEnded(opened.index, late)]

    def _end_where(self, key: Any) -> list[ir.Event]:
        return [event for name in list(self._open) if name[0] == key for event in self._end(name, None)]

    def _end_all(self) -> list[ir.Event]:
        return [event for name in list(self._open) for event in self._end(name, None)]

    def _begin_content(self, value: JSONDict) -> list[ir.Event]:
        part, name = _dict(value.get("part")), _content_name(value)
        if name in self._open or part.get("type") not in ("output_text", "refusal"):
            return []
        empty: ir.Part = ir.Refusal("") if part["type"] == "refusal" else ir.Text("")
        return [*self._start({}), *self._open_part(name, empty)]

    def _delta(self, value: JSONDict, empty: Callable[[], ir.Part]) -> list[ir.Event]:
        text, name = value.get("delta"), _content_name(value)
        if not isinstance(text, str) or not text:
            return []
        opened = self._open.get(name)
        if opened is None:
            return [*self._start({}), *self._open_part(name, empty()), *self._more(name, text)]
        opened.sent.append(text)
        return [ir.PartDelta(opened.index, text)]

    def _text_delta(self, value: JSONDict) -> list[ir.Event]:
        if value.get("logprobs"):
            self._logprobs += value["logprobs"] if isinstance(value["logprobs"], list) else []
        return self._delta(value, lambda: ir.Text(""))

    def _refusal_delta(self, value: JSONDict) -> list[ir.Event]:
        return self._delta(value, lambda: ir.Refusal(""))

    def _call_delta(self, value: JSONDict) -> list[ir.Event]:
        text, name = value.get("delta"), (_key(value),)
        return self._more(name, text) if isinstance(text, str) and text and name in self._open else []

    def _summary_delta(self, value: JSONDict) -> list[ir.Event]:
        return self._thought(value, "summary", int(value.get("summary_index") or 0))

    def _reasoning_delta(self, value: JSONDict) -> list[ir.Event]:
        return self._thought(value, "text", 0)

    def _thought(self, value: JSONDict, kind: str, number: int) -> list[ir.Event]:
        """Summary or full text, whichever comes first: together they would say the same twice."""
        text, key = value.get("delta"), _key(value)
        if not isinstance(text, str) or not text or self._thinking.setdefault(key, kind) != kind:
            return []
        events: list[ir.Event] = []
        if (key,) not in self._open:
            events += [*self._start({}), *self._open_part((key,), ir.Reasoning(id=value.get("item_id")))]
        if self._summary.setdefault(key, number) != number:
            self._summary[key] = number
            events += self._more((key,), SUMMARY_JOINT)
        return events + self._more((key,), text)


_Handler = Callable[[ResponsesStreamParser, JSONDict], list[ir.Event]]
_HANDLERS: dict[Any, _Handler] = {
    "response.created": ResponsesStreamParser._start,
    "response.in_progress": ResponsesStreamParser._start,
    "response.queued": ResponsesStreamParser._start,
    "response.output_item.added": ResponsesStreamParser._begin_item,
    "response.output_item.done": ResponsesStreamParser._end_item,
    "response.content_part.added": ResponsesStreamParser._begin_content,
    "response.output_text.delta": ResponsesStreamParser._text_delta,
    "response.refusal.delta": ResponsesStreamParser._refusal_delta,
    "response.function_call_arguments.delta": ResponsesStreamParser._call_delta,
    "response.custom_tool_call_input.delta": ResponsesStreamParser._call_delta,
    "response.reasoning_summary_text.delta": ResponsesStreamParser._summary_delta,
    "response.reasoning_summary.delta": ResponsesStreamParser._summary_delta,
    "response.reasoning_text.delta": ResponsesStreamParser._reasoning_delta,
    "response.reasoning.delta": ResponsesStreamParser._reasoning_delta,
    "response.completed": ResponsesStreamParser._finish,
    "response.done": ResponsesStreamParser._finish,
    "response.incomplete": ResponsesStreamParser._finish,
    "response.failed": ResponsesStreamParser._failed,
    "error": ResponsesStreamParser._error,
}


def _key(value: JSONDict) -> Any:
    index = value.get("output_index")
    return index if isinstance(index, int) else value.get("item_id") or _dict(value.get("item")).get("id")


def _content_name(value: JSONDict) -> tuple[Any, ...]:
    index = value.get("content_index")
    return _key(value), index if isinstance(index, int) else 0


def _dict(value: Any) -> JSONDict:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _said(part: ir.Part) -> str:
    if isinstance(part, ir.ToolCall):
        return part.arguments
    return part.text if isinstance(part, ir.Text | ir.Refusal | ir.Reasoning) else ""


def _emptied(part: ir.Part) -> ir.Part:
    match part:
        case ir.Text():
            return ir.Text("")
        case ir.Refusal():
            return ir.Refusal("")
        case ir.Reasoning():
            return ir.Reasoning(id=part.id)
        case ir.ToolCall(name=shell.TOOL) if "item" in own(part.extra):
            return ir.ToolCall(part.id, part.name, extra=part.extra)
        case ir.ToolCall():
            return ir.ToolCall(part.id, part.name, "", part.kind, extra=part.extra)
        case _:
            return part


def _late(part: ir.Part) -> ir.Part | None:
    """What only the finished item tells."""
    match part:
        case ir.Reasoning():
            return ir.Reasoning(
                "", part.signature, part.redacted, part.vendor or VENDOR, part.id, part.summaries, part.extra
            )
        case ir.Text() | ir.Refusal():
            return type(part)("", part.extra)
        case ir.ToolCall():
            return ir.ToolCall(part.id, part.name, "", part.kind, part.signature, part.extra)
        case _:
            return None
