"""A provider's event stream into neutral events (docs/protocol-notes.md, Responses streams).

Providers differ: some leave out `content_part.added`, some the deltas, some all but `response.completed`.
So each event is compared with what was already passed on, and only what is missing follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import StreamParser
from gateway.wire.openai_responses.citations import cite, found_by, unique
from gateway.wire.openai_responses.errors import parse_error_value
from gateway.wire.openai_responses.fields import NAME, leftover
from gateway.wire.openai_responses.items import SUMMARY_JOINT, joined, parse_output_item
from gateway.wire.openai_responses.open_parts import OpenParts
from gateway.wire.openai_responses.response import created, finish_reason, parse_logprobs
from gateway.wire.openai_responses.usage import usage_in
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_NOT_OPENING = ("id", "model", "output", "status", "usage", "completed_at", "incomplete_details", "error")
_CALLS = ("function_call", "custom_tool_call")


class ResponsesStreamParser(StreamParser):
    def __init__(self) -> None:
        self._started = False
        self._over = False
        self._parts = OpenParts()
        self._thinking: dict[Any, str] = {}  # by item: whether its summary or its full text came first
        self._full: dict[Any, str] = {}  # by item: the full text behind a summary
        self._summary: dict[Any, int] = {}
        self._sources: list[ir.Citation] = []
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
        kind = _text(value.get("type")) or event.name.decode("utf-8", "replace")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, value)
        return self._error(value) if value.get("error") and not kind.startswith("response.") else []

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
        events += self._untold(response.get("output"))
        events += [event for key in list(self._full) for event in self._end_thought(key, "")]
        events += self._parts.end_all()
        self._over = True
        kept = leftover(response, ("id", "model", "output"))
        usage = usage_in(response)
        logprobs = (
            {"content": self._logprobs, "refusal": None}
            if self._logprobs
            else parse_logprobs(self._parts.all)
        )
        extra = {} if usage is not None else {NAME: kept}
        events.append(ir.Finished(finish_reason(response, self._parts.all), logprobs=logprobs, extra=extra))
        if usage is not None:
            tier = response.get("service_tier")
            events.append(ir.UsageReported(usage, tier if isinstance(tier, str) else None, {NAME: kept}))
        return events

    def _untold(self, output: Any) -> list[ir.Event]:
        """Items that only the end tells of. Without indexes, items that were told cannot be told apart from them."""
        if not isinstance(output, list) or any(isinstance(key, str) for key in self._parts.keys):
            return []
        return [
            event
            for index, item in enumerate(output)
            if isinstance(item, dict) and index not in self._parts.keys
            for event in self._end_item({"output_index": index, "item": item})
        ]

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
            (part,) = parse_output_item(item, "item")
        except InvalidRequest:
            return events  # a call without a name: `output_item.done` knows it
        key = _key(value)
        text = part.arguments if isinstance(part, ir.ToolCall) else ""
        if isinstance(part, ir.ToolCall):
            part.arguments = ""
        elif isinstance(part, ir.Reasoning):
            part = ir.Reasoning(id=part.id, extra=part.extra)
        events += self._parts.open((key,), part)
        return events + self._parts.more((key,), text) if text else events

    def _end_item(self, value: JSONDict) -> list[ir.Event]:
        item, key = _dict(value.get("item")), _key(value)
        if key in self._parts.keys and not self._parts.is_open(key):
            return []
        events = self._start({})
        try:
            parts = parse_output_item(item, "item")
        except InvalidRequest as error:
            return events + self._fail(f"The provider's answer cannot be read. {error.message}")
        self._parts.keys.add(key)
        if item.get("type") == "message":
            cite(parts, unique(self._sources))
            for name, part in zip(self._parts.names(key, len(parts)), parts, strict=True):
                events += self._parts.complete(name, part)
            return events + self._parts.end(key)
        self._sources += found_by(item)
        if item.get("type") == "reasoning":
            events += self._end_thought(key, joined(item.get("content")))
        return events + [event for part in parts for event in self._parts.complete((key,), part)]

    # -- parts

    def _begin_content(self, value: JSONDict) -> list[ir.Event]:
        part, name = _dict(value.get("part")), _content_name(value)
        if name in self._parts or part.get("type") not in ("output_text", "refusal"):
            return []
        empty: ir.Part = ir.Refusal("") if part["type"] == "refusal" else ir.Text("")
        return [*self._start({}), *self._parts.open(name, empty)]

    def _delta(self, value: JSONDict, empty: Callable[[], ir.Part]) -> list[ir.Event]:
        text, name = value.get("delta"), _content_name(value)
        if not isinstance(text, str) or not text:
            return []
        if name in self._parts:
            return self._parts.more(name, text)
        return [*self._start({}), *self._parts.open(name, empty()), *self._parts.more(name, text)]

    def _text_delta(self, value: JSONDict) -> list[ir.Event]:
        if value.get("logprobs"):
            self._logprobs += value["logprobs"] if isinstance(value["logprobs"], list) else []
        return self._delta(value, lambda: ir.Text(""))

    def _refusal_delta(self, value: JSONDict) -> list[ir.Event]:
        return self._delta(value, lambda: ir.Refusal(""))

    def _call_delta(self, value: JSONDict) -> list[ir.Event]:
        text, name = value.get("delta"), (_key(value),)
        return self._parts.more(name, text) if isinstance(text, str) and text and name in self._parts else []

    def _call_told(self, value: JSONDict) -> list[ir.Event]:
        """LM Studio sends no deltas, and all of it here."""
        whole, name = value.get("arguments", value.get("input")), (_key(value),)
        if not isinstance(whole, str) or name not in self._parts:
            return []
        said = self._parts.said(name)
        rest = whole[len(said) :] if whole.startswith(said) else ""
        return self._parts.more(name, rest) if rest else []

    def _summary_delta(self, value: JSONDict) -> list[ir.Event]:
        return self._thought(value, "summary", _number(value.get("summary_index")))

    def _reasoning_delta(self, value: JSONDict) -> list[ir.Event]:
        return self._thought(value, "text", 0)

    def _thought(self, value: JSONDict, kind: str, number: int) -> list[ir.Event]:
        """Whichever comes first is shown at once. A summary behind the full text says nothing new."""
        text, key = value.get("delta"), _key(value)
        if not isinstance(text, str) or not text:
            return []
        if self._thinking.setdefault(key, kind) != kind:
            if kind == "text":
                self._full[key] = self._full.get(key, "") + text
            return []
        events: list[ir.Event] = []
        if (key,) not in self._parts:
            events += [
                *self._start({}),
                *self._parts.open((key,), ir.Reasoning(id=_text(value.get("item_id")) or None)),
            ]
        if self._summary and key not in self._summary:
            events += self._parts.more((key,), SUMMARY_JOINT)
        if self._summary.setdefault(key, number) != number:
            self._summary[key] = number
            events += self._parts.more((key,), SUMMARY_JOINT)
        return events + self._parts.more((key,), text)

    def _end_thought(self, key: Any, full: str) -> list[ir.Event]:
        """The full text behind a summary that was shown: whole, so that both keep their order, and never twice."""
        full = full or self._full.pop(key, "")
        if self._thinking.get(key) != "summary" or not full or (key,) not in self._parts:
            return []
        shown = self._parts.said((key,))
        if shown.startswith(full):
            return []
        return self._parts.more(
            (key,), full[len(shown) :] if full.startswith(shown) else SUMMARY_JOINT + full
        )


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
    "response.function_call_arguments.done": ResponsesStreamParser._call_told,
    "response.custom_tool_call_input.done": ResponsesStreamParser._call_told,
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


def _key(value: JSONDict) -> int | str:
    """Which item an event is about: its index, or with providers that leave that out, its id."""
    index = json.integer(value.get("output_index"))
    if index is not None:
        return index
    return _text(value.get("item_id")) or _text(_dict(value.get("item")).get("id"))


def _content_name(value: JSONDict) -> tuple[int | str, int]:
    return _key(value), _number(value.get("content_index"))


def _number(value: Any) -> int:
    return json.integer(value) or 0


def _dict(value: Any) -> JSONDict:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
