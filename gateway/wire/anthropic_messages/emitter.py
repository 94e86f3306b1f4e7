"""Streams of Anthropic Messages: events into a client's stream (docs/protocol-notes.md, Messages streams)."""

from __future__ import annotations

from typing import Any

from gateway.wire import ir, json, tokens
from gateway.wire.anthropic_messages import response
from gateway.wire.anthropic_messages.blocks import NAME
from gateway.wire.anthropic_messages.citations import emit_citations
from gateway.wire.anthropic_messages.errors import emit_stream_error
from gateway.wire.anthropic_messages.parts import own_fields
from gateway.wire.base import StreamEmitter
from gateway.wire.linear import Linearizer
from gateway.wire.sse import encode
from omniroute.errors import UpstreamBroken, UpstreamError
from omniroute.types import JSONDict, Usage

_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":%s}}\n\n'
)
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_TEXT, _THINKING = (b"text_delta", b"text"), (b"thinking_delta", b"thinking")
_INPUT, _SIGNATURE = (b"input_json_delta", b"partial_json"), (b"signature_delta", b"signature")


class AnthropicStreamEmitter(StreamEmitter):
    """One block open at a time, contiguous indexes, message_delta once the usage is known.

    A text or a reasoning begins with its first character: an empty text block is refused when it comes back.
    """

    def __init__(self, request: ir.Request) -> None:
        self._request = request
        self._linear = Linearizer()
        self._started = False
        self._failed = False
        self._index = 0  # of the block that is open, or comes next
        self._part: ir.Part = ir.Text("")
        self._begun = False
        self._names = _TEXT
        self._usage: Usage | None = None
        self._tier: str | None = None
        self._finished: ir.Finished | None = None
        self._late: JSONDict = {}
        self._said = 0  # characters

    def emit(self, event: ir.Event) -> bytes:
        return b"".join(map(self._emit, self._linear.feed(event)))

    def _emit(self, event: ir.Event) -> bytes:
        if self._failed:
            return b""
        match event:
            case ir.PartDelta():
                return self._delta(event)
            case ir.PartStarted():
                return self._start() + self._open(event.part)
            case ir.PartEnded():
                return self._end(event.part)
            case ir.Started():
                return self._start(event)
            case ir.Finished():
                self._finished = event
            case ir.UsageReported():
                self._usage, self._tier = event.usage, event.service_tier or self._tier
                self._late = event.extra.get(NAME, self._late)
            case ir.Errored():
                self._failed = True
                return emit_stream_error(UpstreamError(event.message, status=event.status, code=event.code))
        return b""

    def close(self) -> bytes:
        if self._failed:
            return b""
        if self._finished is None:
            self._failed = True
            return emit_stream_error(UpstreamBroken("The answer ended before it was whole"))
        stop_reason = self._late.get("$stop_reason") or response.stop_reason_of(self._finished.reason, [])
        delta = {"stop_reason": stop_reason, "stop_sequence": self._finished.stop_sequence}
        delta |= {key: self._late[key] for key in ("container", "stop_details") if key in self._late}
        event: JSONDict = {"type": "message_delta", "delta": delta}
        usage = self._usage or response.estimated_usage(self._request, self._said)
        event["usage"] = _usage(response.emit_usage(usage), self._late)
        if "context_management" in self._late:
            event["context_management"] = self._late["context_management"]
        return self._start() + encode(json.dumps(event), "message_delta") + _MESSAGE_STOP

    def _start(self, started: ir.Started | None = None) -> bytes:
        if self._started:
            return b""
        self._started = True
        started = started or ir.Started()
        message = response.envelope(started.id, started.model or self._request.model)
        usage = started.usage or Usage(input_tokens=tokens.estimate(self._request), estimated=True)
        counts = {**response.emit_usage(usage), "output_tokens": max(usage.output_tokens, 1)}
        message["usage"] = _usage(counts, started.extra.get(NAME, {}))
        message |= own_fields(started.extra)
        return encode(json.dumps({"type": "message_start", "message": message}), "message_start")

    # -- blocks

    def _open(self, part: ir.Part) -> bytes:
        self._part, self._begun = part, False
        own = own_fields(part.extra)
        match part:
            case ir.Text(text=text) | ir.Refusal(text=text):
                self._names = _TEXT
                return self._grow(text) if text else b""
            case ir.Reasoning(redacted=str()):
                return self._begin({**response.reply_blocks(part)[0], **own})
            case ir.Reasoning(text=text):
                self._names = _THINKING
                return self._grow(text) if text else b""
            case ir.ToolCall():
                proofs = b"".join(self._whole(block) for block in response.proof_blocks(part))
                self._names = _INPUT
                block = {
                    "type": "tool_use",
                    "id": response.call_id(part.id),
                    "name": part.name,
                    "input": {},
                    **own,
                }
                return proofs + self._begin(block) + (self._grow(part.arguments) if part.arguments else b"")
            case ir.Unknown(format=format, raw=raw) if format == NAME:
                return self._begin(raw)
        return b""

    def _delta(self, event: ir.PartDelta) -> bytes:
        out = self._grow(event.text) if event.text else b""
        return out + self._cite(event.extra) if event.extra else out

    def _grow(self, text: str) -> bytes:
        self._said += len(text)
        out = b"" if self._begun else self._begin(self._empty_block())
        return out + _DELTA % (self._index, *self._names, json.dumps(text))

    def _cite(self, extra: ir.Extra) -> bytes:
        return self._cite_all(extra.get(NAME, {}).get("citations") or [])

    def _cite_all(self, citations: list[Any]) -> bytes:
        out = b""
        for citation in citations:
            if not self._begun:
                out += self._begin(self._empty_block())
            delta = {"type": "citations_delta", "citation": citation}
            event = {"type": "content_block_delta", "index": self._index, "delta": delta}
            out += encode(json.dumps(event), "content_block_delta")
        return out

    def _empty_block(self) -> JSONDict:
        own = own_fields(self._part.extra)
        if self._names is _THINKING:
            return {"type": "thinking", "thinking": "", "signature": "", **own}
        return {"type": "text", "text": "", **own}

    def _begin(self, block: JSONDict) -> bytes:
        """A server tool's input goes behind the start, as Claude sends it."""
        self._begun = True
        value = block.get("input")
        grows = isinstance(value, dict) and value
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        if grows:
            start["content_block"] = {**block, "input": {}}
        out = encode(json.dumps(start), "content_block_start")
        if grows:
            out += _DELTA % (self._index, *_INPUT, json.dumps(json.dumps(value).decode()))
        return out

    def _end(self, late: ir.Part | None) -> bytes:
        part, out = self._part, b""
        if isinstance(part, ir.Reasoning) and part.redacted is None:
            out = self._sign(part, late if isinstance(late, ir.Reasoning) else ir.Reasoning())
        elif isinstance(part, ir.Text) and isinstance(late, ir.Text):
            out = self._cite(late.extra) + self._cite_all(emit_citations(late.citations))
        return out + self._stop() if self._begun else out

    def _sign(self, part: ir.Reasoning, late: ir.Reasoning) -> bytes:
        """Claude Code and the SDKs want a signature on each block; another vendor's is marked as such."""
        known = ir.Reasoning(
            signature=late.signature or part.signature,
            redacted=late.redacted,
            vendor=late.vendor or part.vendor,
            id=late.id or part.id,
        )
        if not (self._begun or known.signature or known.redacted):
            return b""
        out = b"" if self._begun else self._begin(self._empty_block())
        return out + _DELTA % (self._index, *_SIGNATURE, json.dumps(response.signature_of(known)))

    def _whole(self, block: JSONDict) -> bytes:
        """A thinking block that is only a signature."""
        out = self._begin({**block, "signature": ""})
        return out + _DELTA % (self._index, *_SIGNATURE, json.dumps(block["signature"])) + self._stop()

    def _stop(self) -> bytes:
        out = _STOP % self._index
        self._index += 1
        self._begun = False
        return out


def _usage(counts: JSONDict, own: JSONDict) -> JSONDict:
    """Claude's own object where there is one, with the two counts that must be in it."""
    told = own.get("$usage")
    if not isinstance(told, dict):
        return counts
    return {"input_tokens": counts["input_tokens"], "output_tokens": counts["output_tokens"], **told}
