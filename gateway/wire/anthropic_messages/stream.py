"""Streams of Anthropic Messages: a provider's into events (docs/protocol-notes.md, Messages streams)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.wire import ir, json
from gateway.wire.anthropic_messages.blocks import JSON_TOOL, NAME, VENDOR, parse_block
from gateway.wire.anthropic_messages.citations import parse_citations
from gateway.wire.anthropic_messages.errors import code_of, describe, status_of
from gateway.wire.anthropic_messages.response import answered, finish_reason, tier_of
from gateway.wire.anthropic_messages.tap import UsageBody, parse_usage
from gateway.wire.base import StreamParser
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import InvalidRequest
from omniroute.types import JSONDict

_TEXT_OF = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_STARTS: dict[str, JSONDict] = {
    "text_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": ""},
    "signature_delta": {"type": "thinking", "thinking": ""},
}
"""The block that a delta belongs to, where an imitator forgot to begin it."""
_ENVELOPE = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")


@dataclass(slots=True)
class _Block:
    """An open content block. `index` is the part's; None while the part waits for the block's end."""

    raw: JSONDict
    index: int | None = None
    signature: str | None = None
    grown: bool = False
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    cited: list[Any] = field(default_factory=list)


class AnthropicStreamParser(StreamParser):
    """Tolerates what imitators do: no indexes, no block starts or stops, no message_stop, a `[DONE]`."""

    def __init__(self) -> None:
        self._open: dict[Any, _Block] = {}
        self._next = 0
        self._started = False
        self._over = False
        self._calls = False
        self._usage: UsageBody | None = None
        self._tier: str | None = None
        self._stop: JSONDict = {}
        self._extra: JSONDict = {}

    def feed(self, event: ServerEvent) -> list[ir.Event]:
        if self._over or not event.data or event.data == DONE:
            return []
        try:
            value = json.loads(event.data)
        except InvalidRequest:
            return self._fail("The provider sent an event that is not JSON")
        if not isinstance(value, dict):
            return []
        try:
            return self._read(value)
        except InvalidRequest as error:
            return self._fail(f"The provider sent a malformed event: {error.message}")

    def close(self) -> list[ir.Event]:
        if self._over:
            return []
        if self._stop.get("stop_reason"):
            return self._finish()
        return self._fail("The provider's stream ended before the answer was whole")

    def _read(self, value: JSONDict) -> list[ir.Event]:
        match value.get("type"):
            case "content_block_delta":
                return self._delta(value)
            case "content_block_start":
                return [*self._start(), *self._begin(_key(value), value.get("content_block"))]
            case "content_block_stop":
                return self._end(_key(value))
            case "message_start":
                return self._start(value.get("message"))
            case "message_delta":
                self._note_end(value)
                return []
            case "message_stop":
                return [*self._start(), *self._finish()]
            case "ping":
                return []
        return self._error(value) if value.get("error") else []

    def _start(self, message: Any = None) -> list[ir.Event]:
        if self._started:
            return []
        self._started = True
        message = message if isinstance(message, dict) else {}
        self._count(message.get("usage"))
        self._extra.update({key: item for key, item in message.items() if key not in _ENVELOPE})
        id, model = message.get("id"), message.get("model")
        return [
            ir.Started(
                id if isinstance(id, str) else "",
                model if isinstance(model, str) else "",
                usage=self._usage.to_usage() if self._usage else None,
                extra={NAME: dict(self._extra)},
            )
        ]

    def _count(self, value: Any) -> None:
        self._tier = tier_of(value) or self._tier
        usage = parse_usage(value)
        if usage is None:
            return
        self._usage = self._usage.merge(usage) if self._usage else usage
        told = {**self._extra.get("$usage", {}), **{k: v for k, v in value.items() if v is not None}}
        counts = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        self._extra["$usage"] = told | {key: getattr(self._usage, key) for key in counts if key in told}

    def _begin(self, key: Any, raw: Any) -> list[ir.Event]:
        if not isinstance(raw, dict):
            return []
        out = self._end(key) if key in self._open else []
        block = self._open[key] = _Block(raw)
        part = parse_block(_completed(raw), "content_block")
        if isinstance(part, ir.Unknown):
            return out  # its input may still come; shown whole at its end
        if isinstance(part, ir.ToolCall):
            block.pieces = [part.arguments] if raw.get("input") else []
            self._calls = self._calls or part.name != JSON_TOOL
            part.arguments = ""
            part = answered(part)
        return out + self._open_part(block, part)

    def _open_part(self, block: _Block, part: ir.Part) -> list[ir.Event]:
        block.index = self._next
        self._next += 1
        first = ""
        if isinstance(part, ir.Text | ir.Reasoning):
            first, part.text = part.text, ""
            block.length = len(first)
        if isinstance(part, ir.Text) and part.citations:
            block.cited, part.citations = list(block.raw["citations"]), []
        if isinstance(part, ir.Reasoning) and part.redacted is None:
            part.vendor = VENDOR
        out: list[ir.Event] = [ir.PartStarted(block.index, part)]
        if first:
            out.append(ir.PartDelta(block.index, first))
        return out

    def _delta(self, value: JSONDict) -> list[ir.Event]:
        delta, key = value.get("delta"), _key(value)
        if not isinstance(delta, dict):
            return []
        kind = delta.get("type")
        if not isinstance(kind, str):
            return []
        block = self._open.get(key)
        out: list[ir.Event] = []
        if block is None:
            if kind not in _STARTS:
                return []
            out = [*self._start(), *self._begin(key, _STARTS[kind])]
            block = self._open[key]
        text = delta.get(_TEXT_OF.get(kind, ""))
        if isinstance(text, str):
            return [*out, *self._grow(block, text)] if text else out
        if kind == "signature_delta" and isinstance(delta.get("signature"), str):
            block.signature = (block.signature or "") + delta["signature"]
        elif kind == "citations_delta" and block.index is not None:
            block.cited.append(delta.get("citation"))
            out.append(ir.PartDelta(block.index, "", extra={NAME: {"citations": [delta.get("citation")]}}))
        return out

    def _grow(self, block: _Block, text: str) -> list[ir.Event]:
        block.grown = True
        block.length += len(text)
        if block.index is not None:
            return [ir.PartDelta(block.index, text)]
        block.pieces.append(text)
        return []

    def _end(self, key: Any) -> list[ir.Event]:
        block = self._open.pop(key, None)
        if block is None:
            return []
        if block.index is None:
            raw = block.raw
            if block.grown:
                raw = {**raw, "input": _input("".join(block.pieces))}
            part = ir.Unknown(NAME, str(raw.get("type")), raw)
            return [*self._open_part(block, part), ir.PartEnded(self._next - 1)]
        out: list[ir.Event] = []
        if block.pieces and not block.grown:
            out.append(ir.PartDelta(block.index, block.pieces[0]))
        return [*out, ir.PartEnded(block.index, _late(block))]

    def _note_end(self, value: JSONDict) -> None:
        delta = value.get("delta")
        if isinstance(delta, dict):
            self._stop.update({name: item for name, item in delta.items() if item is not None})
            self._extra.update({k: v for k, v in delta.items() if k not in ("stop_reason", "stop_sequence")})
        self._count(value.get("usage"))
        self._extra.update({k: v for k, v in value.items() if k not in ("type", "delta", "usage")})

    def _finish(self) -> list[ir.Event]:
        self._over = True
        out = [event for key in list(self._open) for event in self._end(key)]
        reason, sequence = self._stop.get("stop_reason"), self._stop.get("stop_sequence")
        finish = finish_reason(reason, self._calls)
        out.append(ir.Finished(finish, sequence if isinstance(sequence, str) else None))
        if self._usage is not None:
            extra = {**self._extra, "$stop_reason": reason}
            out.append(ir.UsageReported(self._usage.to_usage(), self._tier, {NAME: extra}))
        return out

    def _error(self, value: JSONDict) -> list[ir.Event]:
        message, kind = describe(value)
        status = status_of(kind)
        return self._fail(message or "The provider reported an error", status, code_of(kind, message, status))

    def _fail(self, message: str, status: int = 502, code: str | None = "upstream_broken") -> list[ir.Event]:
        self._over = True
        return [ir.Errored(message, status, code)]


def _key(value: JSONDict) -> int | None:
    """Which block an event is about. None is a block too: imitators leave all indexes out."""
    return json.integer(value.get("index"))


def _completed(raw: JSONDict) -> JSONDict:
    """With what imitators leave out; without the signature, which comes at the end."""
    match raw.get("type"):
        case "text":
            return {**raw, "text": raw.get("text") or ""}
        case "thinking":
            return {"type": "thinking", "thinking": raw.get("thinking") or ""}
        case "tool_use":
            return {"input": {}, **raw, "id": raw.get("id") or ""}
    return raw


def _late(block: _Block) -> ir.Part | None:
    """What came beside or after the text: its sources; Claude's signature."""
    if block.cited:
        return ir.Text("", citations=parse_citations(block.cited, block.length))
    signature = block.signature or block.raw.get("signature")
    if block.raw.get("type") == "thinking" and isinstance(signature, str) and signature:
        return ir.Reasoning(signature=signature, vendor=VENDOR)
    return None


def _input(text: str) -> Any:
    try:
        return json.loads(text.encode())
    except (InvalidRequest, UnicodeEncodeError):
        return text
