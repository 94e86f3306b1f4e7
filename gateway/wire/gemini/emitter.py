"""streamGenerateContent: events into chunks, as SSE or as the JSON array of clients without `alt=sse`."""

from __future__ import annotations

from dataclasses import replace

from gateway.wire import ir, json
from gateway.wire.base import StreamEmitter
from gateway.wire.gemini import array
from gateway.wire.gemini.citations import emit_citations
from gateway.wire.gemini.errors import emit_error
from gateway.wire.gemini.fields import FORMAT, own
from gateway.wire.gemini.finish import emit_finish, emit_logprobs
from gateway.wire.gemini.parts import CLIENT, emit_part
from gateway.wire.gemini.sealed import Sealer, is_foreign
from gateway.wire.gemini.stream import CUT
from gateway.wire.gemini.usage import emit_usage
from gateway.wire.sse import encode
from omniroute.errors import UpstreamBroken
from omniroute.types import JSONDict


class GeminiStreamEmitter(StreamEmitter):
    """Text goes out as it comes, a call when its arguments are whole, finish and usage together at last."""

    def __init__(self, request: ir.Request) -> None:
        self._array = own(request.extra).get("array") is True
        self._head: JSONDict = {"modelVersion": request.model} if request.model else {}
        self._parts: dict[tuple[int, int], ir.Part] = {}
        self._said: dict[int, ir.Text] = {}
        """{candidate: its text as far as it is complete, with its sources}"""
        self._pieces: dict[tuple[int, int], list[str]] = {}
        self._sealers: dict[int, Sealer] = {}
        self._finished: dict[int, JSONDict] = {}
        self._blocked = False
        self._usage: JSONDict | None = None
        self._tail: JSONDict = {}
        self._sent = False
        self._broken = False

    def emit(self, event: ir.Event) -> bytes:
        match event:
            case ir.PartDelta():
                return self._delta(event)
            case ir.PartStarted():
                return self._start(event)
            case ir.PartEnded():
                return self._end(event)
            case ir.Started():
                if event.model:
                    self._head["modelVersion"] = event.model
                if event.id:
                    self._head["responseId"] = event.id
                self._usage = emit_usage(event.usage) if event.usage else None
            case ir.Finished():
                self._finish(event)
            case ir.UsageReported():
                self._usage = emit_usage(event.usage)
                self._tail.update(own(event.extra))
            case ir.Errored():
                self._broken = True
                error = UpstreamBroken(event.message, status=event.status, code=event.code)
                return self._write(emit_error(error))
        return b""

    def close(self) -> bytes:
        if self._broken:
            return array.end(not self._sent) if self._array else b""
        if not self._finished and not self._blocked:
            self._broken = True
            return self._write(emit_error(UpstreamBroken(CUT))) + self.close()
        last: JSONDict = {}
        if self._finished:
            last["candidates"] = [self._finished[number] for number in sorted(self._finished)]
        if self._usage is not None:
            last["usageMetadata"] = self._usage
        written = self._write({**last, **self._tail, **self._head})
        return written + array.end(empty=False) if self._array else written

    def _start(self, event: ir.PartStarted) -> bytes:
        part = event.part
        if isinstance(part, ir.Text | ir.Reasoning | ir.Refusal | ir.ToolCall):
            if isinstance(part, ir.ToolCall):
                part = ir.ToolCall(part.id, part.name, part.arguments, part.kind, part.signature, part.extra)
            key = event.candidate, event.index
            self._parts[key] = part
            if isinstance(part, ir.Text | ir.Reasoning):
                self._pieces[key] = [part.text]
            if isinstance(part, ir.Reasoning) and is_foreign(part):
                part = replace(
                    part, signature=None, redacted=None
                )  # the proof goes out with the thought's end
            if isinstance(part, ir.ToolCall) or not _is_worth_sending(part):
                return b""
        emitted = emit_part(part, CLIENT, [])
        return b"" if emitted is None else self._chunk(emitted, event.candidate)

    def _delta(self, event: ir.PartDelta) -> bytes:
        key = event.candidate, event.index
        part = self._parts.get(key)
        if isinstance(part, ir.ToolCall):
            part.arguments += event.text
            return b""
        if isinstance(part, ir.Text | ir.Reasoning):
            self._pieces[key].append(event.text)
        built: JSONDict = {"text": event.text}
        if isinstance(part, ir.Reasoning):
            built["thought"] = True
        signature = own(event.extra).get("thoughtSignature") if event.extra else None
        if signature:
            built["thoughtSignature"] = signature
        elif not event.text:
            return b""
        return self._chunk(built, event.candidate)

    def _end(self, event: ir.PartEnded) -> bytes:
        part = self._parts.pop((event.candidate, event.index), None)
        late = event.part
        if isinstance(part, ir.ToolCall):
            if isinstance(late, ir.ToolCall) and late.signature:
                part.signature = late.signature
            emitted = emit_part(part, CLIENT, [])
            if emitted is None:
                return b""
            return self._chunk(self._sealer(event.candidate).sign(emitted), event.candidate)
        if isinstance(part, ir.Reasoning):
            return self._end_thought(event, part)
        if isinstance(part, ir.Text):
            text = "".join(self._pieces.pop((event.candidate, event.index)))
            self._note_sources(event.candidate, text, late.citations if isinstance(late, ir.Text) else [])
        return b""

    def _end_thought(self, event: ir.PartEnded, part: ir.Reasoning) -> bytes:
        """Behind the text that was sent, an empty thought with the proof, where there is one."""
        text = "".join(self._pieces.pop((event.candidate, event.index)))
        late = event.part if isinstance(event.part, ir.Reasoning) else ir.Reasoning()
        thought = ir.Reasoning(
            text,
            late.signature or part.signature,
            late.redacted or part.redacted,
            late.vendor or part.vendor,
            late.id or part.id,
        )
        self._sealer(event.candidate).note(thought)
        if not (late.signature if thought.vendor == FORMAT else is_foreign(thought)):
            return b""
        emitted = emit_part(replace(thought, text=""), CLIENT, [])
        return b"" if emitted is None else self._chunk(emitted, event.candidate)

    def _sealer(self, candidate: int) -> Sealer:
        return self._sealers.setdefault(candidate, Sealer())

    def _note_sources(self, candidate: int, text: str, cited: list[ir.Citation]) -> None:
        said = self._said.setdefault(candidate, ir.Text(""))
        before = len(said.text)
        said.text += text
        for source in cited:
            if source.start is not None and source.end is not None:
                source = replace(source, start=before + source.start, end=before + source.end)
            said.citations.append(source)

    def _finish(self, event: ir.Finished) -> None:
        noted = {key: value for key, value in own(event.extra).items() if key != "content"}
        if noted.get("blocked"):
            self._blocked = True
            return
        logprobs = emit_logprobs(event.logprobs)
        said = self._said.get(event.candidate)
        sources = emit_citations([(0, said)]) if said else None
        self._finished[event.candidate] = {
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": emit_finish(event.reason),
            "index": event.candidate,
            **({"logprobsResult": logprobs} if logprobs else {}),
            **({"groundingMetadata": sources} if sources and not noted else {}),
            **noted,
        }

    def _chunk(self, part: JSONDict, candidate: int) -> bytes:
        content = {"parts": [part], "role": "model"}
        return self._write({"candidates": [{"content": content, "index": candidate}], **self._head})

    def _write(self, chunk: JSONDict) -> bytes:
        first, self._sent = not self._sent, True
        data = json.dumps(chunk)
        return array.frame(data, first) if self._array else encode(data)


def _is_worth_sending(part: ir.Text | ir.Reasoning | ir.Refusal) -> bool:
    return bool(part.text) or bool(own(part.extra))
