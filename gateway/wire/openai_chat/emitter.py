"""Events into a stream of chat completion chunks."""

from __future__ import annotations

import time
from collections import Counter

from gateway.wire import freetext, ir, json
from gateway.wire.base import StreamEmitter
from gateway.wire.openai_chat import calls, thinking, toolbox
from gateway.wire.openai_chat.citations import emit_annotations
from gateway.wire.openai_chat.errors import emit_stream_error
from gateway.wire.openai_chat.finish import emit_finish
from gateway.wire.openai_chat.keep import CHAT, SHAPE
from gateway.wire.openai_chat.response import SERVICE_TIERS, emit_image_part, foreign_audio, new_id
from gateway.wire.openai_chat.usage import emit_usage
from gateway.wire.sse import DONE, encode
from omniroute.errors import GatewayError, UpstreamBroken
from omniroute.types import JSONDict, Usage


class _Open:
    """An open part. Its deltas are written as `head`, a JSON string, `tail`: nothing is built per event."""

    __slots__ = ("head", "offset", "part", "pieces", "separator", "tail")

    def __init__(self, part: ir.Part, head: bytes, tail: bytes) -> None:
        self.part = part
        self.head = head
        self.tail = tail
        self.pieces: list[str] = []
        self.separator = ""
        self.offset = 0
        """Where in the content a text begins."""


class ChatStreamEmitter(StreamEmitter):
    """`request` says whether the client wants a usage chunk, and whether it knows `tool_calls` at all."""

    def __init__(self, request: ir.Request) -> None:
        self._model = request.model
        self._wants_usage = bool(request.include_usage)
        self._legacy = any(tool.extra.get(SHAPE) == toolbox.LEGACY for tool in request.tools)
        self._custom = {tool.name for tool in request.tools if tool.kind == "custom"}
        self._usage: Usage | None = None
        self._parts: dict[tuple[int, int], _Open] = {}
        self._calls: dict[int, int] = {}
        """{candidate that has begun: its number of calls}"""
        self._call_numbers: dict[tuple[int, int], int] = {}
        self._thought: set[int] = set()
        self._lengths: dict[int, int] = {}
        """{candidate: characters of its content so far}"""
        self._lists: dict[int, dict[str, list[JSONDict]]] = {}
        """{candidate: what its last chunk but one tells}. Once: OpenAI's SDK for Python refuses a second delta of a
        list whose entries have no `index`, the one for JavaScript keeps the last delta only."""
        self._images: Counter[int] = Counter()
        self._finished = self._failed = False
        self._set_envelope(ir.Started())

    def emit(self, event: ir.Event) -> bytes:
        match event:
            case ir.PartDelta():
                return self._emit_delta(event)
            case ir.PartStarted():
                return self._begin(event.candidate, event.part) + self._emit_start(event)
            case ir.PartEnded():
                return self._emit_end(event)
            case ir.Finished():
                return self._begin(event.candidate, None) + self._emit_finish(event)
            case ir.UsageReported():
                self._usage = event.usage
            case ir.Started():
                self._usage = event.usage or self._usage
                self._set_envelope(event)
            case ir.Errored():
                self._failed = True
                return emit_stream_error(GatewayError(event.message, status=event.status, code=event.code))
        return b""

    def close(self) -> bytes:
        if self._failed:
            return b""
        if not self._finished:
            return emit_stream_error(UpstreamBroken("The stream ended before the answer was complete"))
        usage = b""
        if self._wants_usage and self._usage is not None:
            usage = encode(json.dumps({**self._envelope, "choices": [], "usage": emit_usage(self._usage)}))
        return usage + encode(DONE)

    # ---- Chunks ------------------------------------------------------------------------------------------

    def _set_envelope(self, started: ir.Started) -> None:
        own = started.extra.get(CHAT)
        self._envelope: JSONDict = {
            "id": started.id if own is not None and started.id else new_id(started.id),
            "object": "chat.completion.chunk",
            "created": started.created or int(time.time()),
            "model": started.model or self._model,
            "system_fingerprint": (own or {}).get("system_fingerprint"),
        }
        if started.service_tier in SERVICE_TIERS:
            self._envelope["service_tier"] = started.service_tier
        self._head = b"data: " + json.dumps(self._envelope)[:-1] + b',"choices":[{"index":'
        self._end = b"}]" + (b',"usage":null' if self._wants_usage else b"") + b"}\n\n"
        self._tail = b',"logprobs":null,"finish_reason":null' + self._end

    def _chunk(self, candidate: int, delta: JSONDict) -> bytes:
        return self._head + b'%d,"delta":' % candidate + json.dumps(delta) + self._tail

    def _begin(self, candidate: int, part: ir.Part | None) -> bytes:
        if candidate in self._calls:
            return b""
        self._calls[candidate] = 0
        content = None if isinstance(part, ir.ToolCall) else ""
        return self._chunk(candidate, {"role": "assistant", "content": content, "refusal": None})

    def _emit_start(self, event: ir.PartStarted) -> bytes:
        part, key = event.part, (event.candidate, event.index)
        match part:
            case ir.Text(text=text) if part.extra.get(SHAPE) == "transcript":
                return self._open(key, part, b'{"audio":{"transcript":', b"}}", text)
            case ir.Text(text=text):
                return self._open(key, part, b'{"content":', b"}", text)
            case ir.Refusal(text=text):
                return self._open(key, part, b'{"refusal":', b"}", text)
            case ir.Reasoning(text=text):
                return self._open(key, part, b'{"reasoning_content":', b"}", text)
            case ir.ToolCall():
                return self._start_call(key, part)
            case ir.Image():
                image = emit_image_part(part)
                return self._emit_image(event.candidate, image) if image else b""
            case ir.Audio() if part.data is not None:
                audio = part.extra.get(SHAPE) or foreign_audio(part)
                said = {name: value for name, value in audio.items() if name != "transcript"}
                return self._chunk(event.candidate, {"audio": said})
        return b""

    def _open(self, key: tuple[int, int], part: ir.Part, head: bytes, tail: bytes, text: str) -> bytes:
        opened = _Open(part, self._head + b'%d,"delta":' % key[0] + head, tail + self._tail if tail else b"")
        if isinstance(part, ir.Reasoning) and key[0] in self._thought:
            opened.separator = thinking.SEPARATOR
        elif isinstance(part, ir.Text):
            opened.offset = self._lengths.setdefault(key[0], 0)
        self._parts[key] = opened
        return self._emit_delta(ir.PartDelta(key[1], text, key[0])) if text else b""

    def _start_call(self, key: tuple[int, int], call: ir.ToolCall) -> bytes:
        number = self._call_numbers[key] = self._calls[key[0]]
        self._calls[key[0]] += 1
        if self._legacy:
            if number:
                return b""  # the legacy form has room for one call
            opened = self._open(key, call, b'{"function_call":{"arguments":', b"}}", "")
            return opened + self._chunk(
                key[0], {"function_call": {"name": call.name, "arguments": call.arguments}}
            )
        if call.kind == "custom" and call.name not in self._custom:
            self._open(key, call, b"", b"", "")
            return b""
        kind, text = ("custom", "input") if call.kind == "custom" else ("function", "arguments")
        said: JSONDict = {
            "index": number,
            "id": call.id,
            "type": kind,
            kind: {"name": call.name, text: call.arguments},
        }
        if call.signature:
            said["extra_content"] = calls.signature_content(call.signature)
        head = b'{"tool_calls":[{"index":%d,"%s":{"%s":' % (number, kind.encode(), text.encode())
        self._open(key, call, head, b"}}]}", "")
        return self._chunk(key[0], {"tool_calls": [said]})

    def _emit_image(self, candidate: int, image: JSONDict) -> bytes:
        number = self._images[candidate]
        self._images[candidate] += 1
        return self._chunk(candidate, {"images": [{**image, "index": number}]})

    def _as_function(self, key: tuple[int, int], call: ir.ToolCall, text: str) -> JSONDict:
        """A custom call that the client did not ask for, which this format's chunks have no room for."""
        said = {"name": call.name, "arguments": freetext.as_arguments(text)}
        number = self._call_numbers[key]
        return {"tool_calls": [{"index": number, "id": call.id, "type": "function", "function": said}]}

    def _emit_delta(self, event: ir.PartDelta) -> bytes:
        opened = self._parts.get((event.candidate, event.index))
        text = event.text
        if opened is None or not text:
            return b""
        if not opened.tail:
            opened.pieces.append(text)
            return b""
        if isinstance(opened.part, ir.Reasoning):
            opened.pieces.append(text)
            self._thought.add(event.candidate)
            if opened.separator:
                needed = thinking.needs_separator(opened.part, text)
                text, opened.separator = (opened.separator if needed else "") + text, ""
        elif isinstance(opened.part, ir.Text):
            self._lengths[event.candidate] += len(text)
        return opened.head + json.dumps(text) + opened.tail

    def _emit_end(self, event: ir.PartEnded) -> bytes:
        """What a vendor's client must send back, once it is whole."""
        key = (event.candidate, event.index)
        opened = self._parts.pop(key, None)
        if opened is None:
            return b""
        delta: JSONDict = {}
        match opened.part, event.part:
            case ir.ToolCall() as call, _ if not opened.tail:
                delta = self._as_function(key, call, call.arguments + "".join(opened.pieces))
            case ir.Reasoning() as begun, late:
                whole = ir.Reasoning(
                    "".join(opened.pieces), begun.signature, begun.redacted, begun.vendor, begun.id
                )
                if isinstance(late, ir.Reasoning):
                    whole.signature = late.signature or whole.signature
                    whole.redacted = late.redacted or whole.redacted
                    whole.vendor, whole.id = late.vendor or whole.vendor, late.id or whole.id
                self._add_lists(event.candidate, thinking.proofs_for_client([whole]))
            case ir.ToolCall(), ir.ToolCall(signature=str() as signature) if not self._legacy:
                content = calls.signature_content(signature)
                delta = {"tool_calls": [{"index": self._call_numbers[key], "extra_content": content}]}
            case ir.Text(), ir.Text() as late:
                annotations = late.extra.get(CHAT, {}).get("annotations")
                annotations = annotations or emit_annotations(late.citations, opened.offset)
                self._add_lists(event.candidate, {"annotations": annotations} if annotations else {})
        return self._chunk(event.candidate, delta) if delta else b""

    def _add_lists(self, candidate: int, lists: JSONDict) -> None:
        told = self._lists.setdefault(candidate, {})
        for name, entries in lists.items():
            told.setdefault(name, []).extend(entries)

    def _emit_finish(self, event: ir.Finished) -> bytes:
        lists = self._lists.pop(event.candidate, None)
        told = self._chunk(event.candidate, lists) if lists else b""
        return told + self._emit_reason(event)

    def _emit_reason(self, event: ir.Finished) -> bytes:
        self._finished = True
        reason = emit_finish(event.reason, self._legacy)
        logprobs = json.dumps(event.logprobs)
        head = self._head + b'%d,"delta":{},"logprobs":' % event.candidate
        return head + logprobs + b',"finish_reason":"' + reason.encode() + b'"' + self._end
