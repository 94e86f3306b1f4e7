"""One choice of a chat stream into the events of one candidate, whatever its server makes of the grammar.

What occurs (docs/protocol-notes.md, Chat streams): no index, one index for several calls, whole calls, cumulative
arguments, repeated names, arguments that come only in a last whole message, content behind the finish reason.
"""

from __future__ import annotations

from typing import Any

from gateway.wire import ir
from gateway.wire.openai_chat import thinking
from gateway.wire.openai_chat.calls import LEGACY
from gateway.wire.openai_chat.citations import parse_annotations, place
from gateway.wire.openai_chat.content import parse_content
from gateway.wire.openai_chat.finish import parse_finish
from gateway.wire.openai_chat.keep import CHAT, SHAPE
from gateway.wire.openai_chat.streamed_calls import Calls, Events
from omniroute.types import JSONDict

Kind = type[ir.Text] | type[ir.Reasoning] | type[ir.Refusal]
_PLAIN = frozenset({"role", "content", "refusal"})
"""Fields of a delta that hold nothing but text."""


class Choice:
    """The parts of one candidate that are open, and what must be remembered until they end."""

    def __init__(self, number: int, sources: list[ir.Citation]) -> None:
        """`sources`: what the chunks list beside the choices, for the first text that ends. It may still grow."""
        self.number = number
        self.finish: JSONDict | None = None
        self.ended = False
        self._next = 0
        self._open: Kind | None = None
        self._open_index = -1
        self._late: ir.Part | None = None
        self._thought: list[str] = []
        self._text: list[str] = []
        self._text_from = 0
        """Where in `_text` the open text begins."""
        self._sources = sources
        self._cited = False
        self._used_delta = False
        self._audio: JSONDict = {}
        self._logprobs: JSONDict | None = None
        self._calls = Calls(self)

    # ---- Input -------------------------------------------------------------------------------------------

    def take(self, raw: JSONDict, events: Events) -> None:
        if self.ended:
            return
        delta = raw.get("delta")
        if isinstance(delta, dict):
            self._used_delta = True
            self._take_delta(delta, events)
        message = raw.get("message")
        if isinstance(message, dict):
            self._take_message(message, events)
        logprobs = raw.get("logprobs")
        if isinstance(logprobs, dict):
            self._add_logprobs(logprobs)
        if self.finish is None and raw.get("finish_reason"):
            self.finish = {name: raw.get(name) for name in ("finish_reason", "stop_reason")}

    def _take_delta(self, delta: JSONDict, events: Events) -> None:
        if not delta.keys() <= _PLAIN:
            self._take_reasoning(delta, events)
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                self.say(ir.Text, content, events)
            else:
                self._take_parts(content, events)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self.say(ir.Refusal, refusal, events)
        if len(delta) > 1 or not content:
            self._take_rest(delta, events)

    def _take_rest(self, delta: JSONDict, events: Events) -> None:
        images = delta.get("images")
        if isinstance(images, list):
            self._take_parts(images, events)
        audio = delta.get("audio")
        if isinstance(audio, dict):
            self._take_audio(audio, events)
        annotations = delta.get("annotations")
        if isinstance(annotations, list) and annotations:
            self._annotate(annotations, events)
        tool_calls = delta.get("tool_calls")
        if isinstance(tool_calls, list):
            for call in tool_calls:
                if isinstance(call, dict):
                    self._calls.take(call, events)
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            self._calls.take({"index": LEGACY, "function": legacy}, events)

    def _take_message(self, message: JSONDict, events: Events) -> None:
        """In the place of a delta, or at the end as a repetition that fills what the deltas left out."""
        if not self._used_delta:
            content = message.get("content")
            said = "".join(self._text)
            if said and isinstance(content, str) and len(content) >= len(said) and content.startswith(said):
                message = {**message, "content": content[len(said) :]}
            self._take_delta(message, events)
            return
        missing = dict(message)
        if self._text:
            missing.pop("content", None)
            missing.pop("refusal", None)
        if self._thought:
            for name in ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"):
                missing.pop(name, None)
        tool_calls = missing.pop("tool_calls", None)
        self._take_delta(missing, events)
        if isinstance(tool_calls, list):
            self._calls.complete([call for call in tool_calls if isinstance(call, dict)], events)

    def _take_reasoning(self, delta: JSONDict, events: Events) -> None:
        text = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(text, str) and text:
            self.say(ir.Reasoning, text, events)
        blocks = thinking.parse_thinking_blocks(delta.get("thinking_blocks"))
        if not blocks and delta.get("reasoning_details"):
            blocks = thinking.parse_details(delta["reasoning_details"], self._calls.known)
        said = "".join(self._thought)
        repeats = bool(text) or (bool(said) and _same("".join(block.text for block in blocks), said))
        for block in blocks:
            self._take_block(block, repeats, events)

    def _take_block(self, block: ir.Reasoning, repeats: bool, events: Events) -> None:
        """Signatures come when the thought is complete; a whole block may repeat what was streamed before."""
        if block.redacted is not None:
            self.put(block, events)
            return
        if block.text and not repeats and block.text != "".join(self._thought):
            self.say(ir.Reasoning, block.text, events)
        if block.signature is None and block.vendor is None:
            return
        late = ir.Reasoning(signature=block.signature, vendor=block.vendor, id=block.id)
        if self._open is not ir.Reasoning:
            if block.signature is not None:
                self.put(late, events)
            return
        known = self._late if isinstance(self._late, ir.Reasoning) else late
        known.signature = block.signature or known.signature
        known.vendor, known.id = block.vendor or known.vendor, block.id or known.id
        self._late = known

    def _take_parts(self, content: Any, events: Events) -> None:
        for part in parse_content(content, "delta.content"):
            if isinstance(part, ir.Text | ir.Refusal | ir.Reasoning):
                if part.text:
                    self.say(type(part), part.text, events)
            else:
                self.put(part, events)

    def _take_audio(self, audio: JSONDict, events: Events) -> None:
        for name, value in audio.items():
            known = self._audio.get(name)
            grows = name in ("data", "transcript") and isinstance(known, str) and isinstance(value, str)
            self._audio[name] = known + value if grows else value
        transcript = audio.get("transcript")
        if isinstance(transcript, str) and transcript:
            self.say(ir.Text, transcript, events, {SHAPE: "transcript"})

    def _annotate(self, annotations: list[Any], events: Events) -> None:
        if self._open is not ir.Text:
            self._start(ir.Text, events)
        if self._late is None:
            self._late = ir.Text("", {CHAT: {"annotations": []}})
        self._late.extra[CHAT]["annotations"] += annotations
        if isinstance(self._late, ir.Text):
            self._late.citations += parse_annotations(annotations)
            self._cited = True

    def _add_logprobs(self, logprobs: JSONDict) -> None:
        if self._logprobs is None:
            self._logprobs = {name: value for name, value in logprobs.items() if not isinstance(value, list)}
        for name, value in logprobs.items():
            if isinstance(value, list):
                self._logprobs[name] = [*(self._logprobs.get(name) or ()), *value]

    # ---- Output ------------------------------------------------------------------------------------------

    def say(self, kind: Kind, text: str, events: Events, extra: ir.Extra | None = None) -> None:
        if self._open is not kind:
            self._start(kind, events, extra)
        (self._thought if kind is ir.Reasoning else self._text).append(text)
        events.append(ir.PartDelta(self._open_index, text, self.number))

    def _start(self, kind: Kind, events: Events, extra: ir.Extra | None = None) -> None:
        self._calls.settle(events)
        self.stop(events)
        self._open, self._open_index, self._text_from = kind, self.take_index(), len(self._text)
        events.append(ir.PartStarted(self._open_index, kind("", extra=extra or {}), self.number))

    def take_index(self) -> int:
        self._next += 1
        return self._next - 1

    def stop(self, events: Events) -> None:
        """End the text, reasoning or refusal that is open."""
        if self._open is not None:
            if self._sources and self._open is ir.Text and not self._cited:
                text = "".join(self._text[self._text_from :])
                self._late = ir.Text("", citations=place(self._sources, text))
                self._cited = True
            events.append(ir.PartEnded(self._open_index, self._late, self.number))
            self._open = self._late = None

    def put(self, part: ir.Part, events: Events) -> None:
        """A part that comes whole."""
        self.stop(events)
        index = self.take_index()
        events.append(ir.PartStarted(index, part, self.number))
        events.append(ir.PartEnded(index, None, self.number))

    @property
    def has_said(self) -> bool:
        return self._next > 0

    def end(self, events: Events) -> None:
        """All parts, then `Finished`. Without a finish reason the end is what its content says."""
        if self.ended:
            return
        self.ended = True
        self.stop(events)
        self._calls.end(events)
        if self._audio.get("data"):
            self.put(ir.Audio("audio/wav", str(self._audio["data"]), extra={SHAPE: self._audio}), events)
        reason, sequence = parse_finish(self.finish or {}, bool(self._calls.known))
        events.append(ir.Finished(reason, sequence, self.number, self._logprobs))


def _same(one: str, other: str) -> bool:
    """White space aside: blocks are joined by some."""
    return "".join(one.split()) == "".join(other.split())
