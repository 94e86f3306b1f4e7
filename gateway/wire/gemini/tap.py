"""What the gateway reads from a Gemini answer that it passes on untouched."""

from __future__ import annotations

import msgspec

from gateway.wire.base import Inspection, Seen, Tap
from gateway.wire.gemini.array import END
from gateway.wire.gemini.errors import parse_error_value
from gateway.wire.gemini.usage import UsageBody
from gateway.wire.sse import DONE, ServerEvent
from omniroute.errors import UpstreamBroken
from omniroute.types import Usage


class _Content(msgspec.Struct):
    parts: list[msgspec.Raw] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: UsageBody | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Chunk).decode
_NOTHING = (b"", b"null", b"{}", b'""', b"[]")
_SILENT = (b'{"text":""}', b"{}")
_SPACE = b" \t\r\n"


class GeminiTap(Tap):
    """Usage is cumulative, so the last one counts. Chunks may follow the finish reason, so only the `]` of an
    array stream is known to be the last event; behind an SSE stream's finish the end of input is regular."""

    def look(self, event: ServerEvent) -> Seen:
        data = event.data
        if not data:
            return (
                Seen.UNASKED if b":" in event.raw else Seen.NOTHING
            )  # a comment: Google's SDKs read it as JSON
        if data in (END, DONE):
            return Seen.LAST
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._look_at_odd(data)
        if bytes(chunk.error) not in _NOTHING:
            self.error = parse_error_value(bytes(chunk.error))
            return Seen.ERROR
        if chunk.usage_metadata is not None:
            self.usage = chunk.usage_metadata.to_usage()
        seen = Seen.NOTHING
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self.finished = True
            seen = Seen.CONTENT
        for candidate in chunk.candidates or ():
            if candidate.finish_reason:
                self.finished = True
                seen = Seen.CONTENT
            elif candidate.content is not None and _says_something(candidate.content):
                seen = Seen.CONTENT
        return seen

    def _look_at_odd(self, data: bytes) -> Seen:
        """A chunk of another shape than the types above. Whatever it is, the client gets it."""
        self.finished = self.finished or b'"finishReason"' in data
        return Seen.CONTENT if b'"candidates"' in data else Seen.NOTHING


def _says_something(content: _Content) -> bool:
    return any(bytes(part).translate(None, _SPACE) not in _SILENT for part in content.parts or ())


def inspect(body: bytes) -> Inspection:
    """Also of a whole array stream, whose objects are taken together."""
    try:
        chunks = [_decode(body)] if not body.lstrip().startswith(b"[") else _decode_all(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Inspection() if b'"candidates"' in body else Inspection(error=_nothing())
    usage: Usage | None = None
    answered = False
    for chunk in chunks:
        if bytes(chunk.error) not in _NOTHING:
            return Inspection(usage, parse_error_value(bytes(chunk.error)))
        usage = chunk.usage_metadata.to_usage() if chunk.usage_metadata else usage
        blocked = chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason
        answered = answered or bool(chunk.candidates) or bool(blocked)
    return Inspection(usage) if answered else Inspection(usage, _nothing())


_decode_all = msgspec.json.Decoder(list[_Chunk]).decode


def _nothing() -> UpstreamBroken:
    return UpstreamBroken("The provider answered without any candidate")
