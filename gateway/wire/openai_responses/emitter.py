"""Neutral events into this format's event stream (docs/protocol-notes.md, Responses streams).

One item is open at a time. A part is finished when the next one begins or the answer ends: by then its
signature, annotations and log probabilities are known, and whether it was cut.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.wire import ir, json
from gateway.wire.base import StreamEmitter
from gateway.wire.linear import Linearizer
from gateway.wire.openai_responses import envelope, output, search, shell
from gateway.wire.openai_responses.errors import error_object
from gateway.wire.openai_responses.fields import NAME, own
from gateway.wire.openai_responses.usage import estimate_usage, usage_object
from gateway.wire.sse import encode
from omniroute.types import JSONDict, Usage

_CUT = ("length", "content_filter", "error")


class ResponsesStreamEmitter(StreamEmitter):
    """`request` is what the client asked: the closing event echoes it and holds all items before it."""

    def __init__(self, request: ir.Request) -> None:
        self._request = request
        self._proof = output.wants_proof(request)
        self._linear = Linearizer()
        self._sequence = 0
        self._envelope: JSONDict = {}
        self._output: list[JSONDict] = []
        self._part: ir.Part | None = None
        self._pieces: list[str] = []
        self._item: JSONDict | None = None  # the open item, as it was added
        self._first: ir.Part = ir.Text("")  # of the open message
        self._content: list[JSONDict] = []  # finished parts of the open message
        self._shown = False  # whether the part's own events have begun
        self._head = self._tail = b""  # around the sequence number and the text of a delta
        self._usage: Usage | None = None
        self._kept_usage: Any = None
        self._tier: str | None = None
        self._reason: ir.FinishReason | None = None
        self._failed = False

    def emit(self, event: ir.Event) -> bytes:
        return b"".join(self._emit(linear) for linear in self._linear.feed(event))

    def close(self) -> bytes:
        if self._failed:
            return b""
        if self._reason is None:
            return self._fail(ir.Errored("The answer ended before it was complete"))
        usage = self._usage or estimate_usage(self._request, self._output)
        self._envelope["usage"] = usage_object(usage, self._kept_usage)
        if self._tier:
            self._envelope["service_tier"] = self._tier
        return self._send(f"response.{self._envelope['status']}", response=self._envelope)

    def _emit(self, event: ir.Event) -> bytes:
        match event:
            case ir.PartDelta():
                return self._more(event.text)
            case ir.PartStarted():
                return self._start() + self._begin(event.part)
            case ir.PartEnded():
                self._learn(event.part)
                return b""
            case ir.Started():
                self._usage = event.usage or self._usage
                return self._start(event)
            case ir.Finished():
                return self._start() + self._finish(event)
            case ir.UsageReported():
                self._usage = event.usage
                self._tier = envelope.tier(event.service_tier, event.extra) or self._tier
                self._kept_usage = own(event.extra).get("usage")
                return b""
            case ir.Errored():
                return self._fail(event)

    def _send(self, kind: str, **fields: Any) -> bytes:
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return encode(json.dumps(event), kind)

    # -- the response as a whole

    def _start(self, started: ir.Started | None = None) -> bytes:
        if self._envelope:
            return b""
        self._envelope = envelope.opening(self._request, started or ir.Started())
        created = self._send("response.created", response=self._envelope)
        return created + self._send("response.in_progress", response=self._envelope)

    def _finish(self, event: ir.Finished) -> bytes:
        self._reason = event.reason
        status = "incomplete" if event.reason in _CUT else "completed"
        sent = self._end_part(status, output.output_logprobs(event.logprobs)) + self._end_message(status)
        envelope.close(self._envelope, event.reason, self._output)
        return sent

    def _fail(self, error: ir.Errored) -> bytes:
        if self._failed:
            return b""
        sent = self._start()
        self._failed = True
        self._envelope.update(status="failed", output=self._output, incomplete_details=None)
        self._envelope["error"] = error_object(error.message, error.status, error.code)
        return sent + self._send("response.failed", response=self._envelope)

    # -- parts

    def _begin(self, part: ir.Part) -> bytes:
        sent = self._end_part("completed")
        goes_on = isinstance(part, ir.Text | ir.Refusal) and "item" not in own(part.extra)
        if self._item is not None and not goes_on:
            sent += self._end_message("completed")
        self._part, self._pieces, self._shown = replace(part), [], False
        match part:
            case ir.Text(text=text) | ir.Refusal(text=text) | ir.Reasoning(text=text):
                return sent + self._more(text)
            case ir.ToolCall():
                return sent + self._begin_call(part)
            case _:
                self._part = None
                item = output.other_item(part)
                return sent + (self._add(item) + self._done(item) if item is not None else b"")

    def _more(self, text: str) -> bytes:
        if not text or self._part is None:
            return b""
        sent = b"" if self._shown else self._show(self._part)
        self._pieces.append(text)
        if not self._head:
            return sent
        number = self._sequence
        self._sequence += 1
        return sent + b"%b%d,%b%b" % (self._head, number, b'"delta":' + json.dumps(text), self._tail)

    def _show(self, part: ir.Part) -> bytes:
        """The events in front of a part's first delta."""
        self._shown = True
        if isinstance(part, ir.Reasoning):
            return self._show_reasoning(part)
        sent = b""
        if self._item is None:
            self._first, self._content = part, []
            self._item = {**output.message_item(part, [], "in_progress"), "status": "in_progress"}
            self._item.setdefault("id", envelope.new_id("msg"))
            sent = self._add(self._item)
        kind = "refusal" if isinstance(part, ir.Refusal) else "output_text"
        place = self._place(content_index=len(self._content))
        self._prepare(f"response.{kind}.delta", place, b',"logprobs":[]}' if kind == "output_text" else b"}")
        empty: JSONDict = {"type": kind, "refusal": ""} if kind == "refusal" else _empty_text()
        return sent + self._send("response.content_part.added", **place, part=empty)

    def _show_reasoning(self, part: ir.Reasoning) -> bytes:
        self._item = {**output.reasoning_item(ir.Reasoning(id=part.id), False), "status": "in_progress"}
        if NAME in part.extra and part.id is not None:
            self._item["id"] = part.id
        sent = self._add(self._item)
        place = self._place(summary_index=0)
        self._prepare("response.reasoning_summary_text.delta", place, b"}")
        return sent + self._send("response.reasoning_summary_part.added", **place, part=_summary(""))

    def _begin_call(self, call: ir.ToolCall) -> bytes:
        sent = b""
        if call.signature and self._proof:
            item = output.signature_item(call)
            sent = self._add(item) + self._done(item)
        self._shown = True
        item = output.call_item(replace(call, arguments=""), self._request, "in_progress")
        item.setdefault("id", envelope.new_id("fc"))
        if item["type"] in (shell.CALL, search.CALL):
            self._head = b""
            self._item = {**item, "status": "in_progress"}
            self._pieces.append(call.arguments)
            return sent + self._add(self._item)
        custom = call.kind == "custom"
        self._item = {**item, "input" if custom else "arguments": ""}
        sent += self._add(self._item)
        kind = "custom_tool_call_input" if custom else "function_call_arguments"
        self._prepare(f"response.{kind}.delta", self._place(), b"}")
        return sent + self._more(call.arguments)

    def _learn(self, late: ir.Part | None) -> None:
        """What came at the part's end."""
        part = self._part
        if part is None or late is None:
            return
        if late.extra:
            part.extra = {**part.extra, **late.extra}
        if isinstance(part, ir.Reasoning) and isinstance(late, ir.Reasoning):
            part.signature, part.redacted = late.signature or part.signature, late.redacted or part.redacted
            part.vendor, part.id = late.vendor or part.vendor, part.id or late.id
        elif isinstance(part, ir.Text) and isinstance(late, ir.Text):
            part.citations = [*part.citations, *late.citations]
        elif isinstance(part, ir.ToolCall) and isinstance(late, ir.ToolCall) and not part.signature:
            part.signature = late.signature

    def _end_part(self, status: str, logprobs: list[JSONDict] | None = None) -> bytes:
        part, self._part = self._part, None
        text = "".join(self._pieces)
        match part:
            case ir.Text() | ir.Refusal() if self._shown:
                return self._end_text(replace(part, text=text), logprobs or [])
            case ir.Reasoning():
                return self._end_reasoning(replace(part, text=text, summaries=()), status)
            case ir.ToolCall():
                return self._end_call(part, text, status)
            case _:
                return b""

    def _end_text(self, part: ir.Text | ir.Refusal, logprobs: list[JSONDict]) -> bytes:
        place = self._place(content_index=len(self._content))
        whole = output.text_part(part, logprobs)
        self._content.append(whole)
        if isinstance(part, ir.Refusal):
            sent = self._send("response.refusal.done", **place, refusal=part.text)
        else:
            notes = whole.get("annotations")
            sent = b"".join(
                self._send(
                    "response.output_text.annotation.added", **place, annotation_index=index, annotation=note
                )
                for index, note in enumerate(notes if isinstance(notes, list) else ())
            )
            sent += self._send("response.output_text.done", **place, text=part.text, logprobs=logprobs)
        return sent + self._send("response.content_part.done", **place, part=whole)

    def _end_reasoning(self, part: ir.Reasoning, status: str) -> bytes:
        sent = b""
        if self._shown and self._item is not None:
            place = self._place(summary_index=0)
            sent += self._send("response.reasoning_summary_text.done", **place, text=part.text)
            sent += self._send("response.reasoning_summary_part.done", **place, part=_summary(part.text))
            item = {**output.reasoning_item(part, self._proof), "id": self._item["id"]}
        else:
            item = output.reasoning_item(part, self._proof)
            if NAME not in part.extra and "encrypted_content" not in item:
                return b""
            sent += self._add({**item, "summary": [], "status": "in_progress"})
        return sent + self._done({**item, "status": status} if NAME not in part.extra else item)

    def _end_call(self, call: ir.ToolCall, arguments: str, status: str) -> bytes:
        opened = self._item or {}
        item = output.call_item(replace(call, arguments=arguments), self._request, status)
        item = {**item, "id": opened.get("id", item.get("id"))}
        sent = b""
        if item["type"] == "custom_tool_call":
            sent = self._send("response.custom_tool_call_input.done", **self._place(), input=arguments)
        elif item["type"] == "function_call":
            arguments = item["arguments"]
            done = {"arguments": arguments, "name": call.name}
            sent = self._send("response.function_call_arguments.done", **self._place(), **done)
        return sent + self._done(item)

    def _end_message(self, status: str) -> bytes:
        if self._item is None:
            return b""
        item = {**output.message_item(self._first, self._content, status), "id": self._item["id"]}
        return self._done(item)

    # -- items

    def _add(self, item: JSONDict) -> bytes:
        return self._send("response.output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: JSONDict) -> bytes:
        sent = self._send("response.output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)
        self._item = None
        return sent

    def _place(self, **indexes: int) -> JSONDict:
        item_id = self._item["id"] if self._item is not None else ""
        return {"item_id": item_id, "output_index": len(self._output), **indexes}

    def _prepare(self, kind: str, place: JSONDict, tail: bytes) -> None:
        fields = json.dumps({"type": kind, **place})
        self._head = b"event: " + kind.encode() + b"\ndata: " + fields[:-1] + b',"sequence_number":'
        self._tail = tail + b"\n\n"


def _empty_text() -> JSONDict:
    return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def _summary(text: str) -> JSONDict:
    return {"type": "summary_text", "text": text}
