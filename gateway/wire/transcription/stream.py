"""Streams of transcripts, whatever the vendor calls its events, as OpenAI's.

OpenAI sends `transcript.text.delta` and, last, `transcript.text.done` with the whole text and the usage
(https://developers.openai.com/api/reference/resources/audio/subresources/transcriptions/streaming-events); it says no
`[DONE]`. Mistral says `transcription.text.delta` and `transcription.done` (its OpenAPI document). vLLM and Z.AI send
chunks in the shape of Chat Completions, the text in `choices[0].delta.content`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.wire import json
from gateway.wire.embeddings import error_of
from gateway.wire.sse import DONE, ServerEvent, encode
from omniroute.errors import UpstreamBroken
from omniroute.types import JSONDict

DELTA = "transcript.text.delta"
DONE_TYPE = "transcript.text.done"


class Events:
    """`read` returns what the client gets of an event; the end is held back in `last`."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self.has_begun = self.has_ended = False
        """Something was said; and that nothing more follows."""
        self.answer: JSONDict = {}
        """What a whole answer would be, as far as it is known: `text`, and `usage`."""
        self.last = b""

    def read(self, event: ServerEvent) -> bytes:
        """Raise `UpstreamBroken` for an error that the vendor reports."""
        if not event.data:
            return b""
        if event.data == DONE:
            self._end({}, b"")
            return b""
        value, error = error_of(event.data)
        if error:
            raise UpstreamBroken(error)
        kind = str(value.get("type") or event.name.decode("utf-8", "replace"))
        if kind == DONE_TYPE:
            self._end(value, event.raw)
        elif kind == "transcription.done":
            self._end(value, b"")
        elif kind.startswith("transcript."):
            self._note(value.get("delta"))
            self.has_begun = True
            return event.raw
        elif kind == "transcription.text.delta":
            return self._delta(value.get("text"))
        elif isinstance(value.get("choices"), list):
            return self._chunk(value)
        return b""

    def _chunk(self, value: JSONDict) -> bytes:
        if isinstance(value.get("usage"), dict):
            self.answer["usage"] = value["usage"]
        choice: Any = next(iter(value["choices"]), None)
        if not isinstance(choice, dict):
            return b""
        delta = choice.get("delta")
        out = self._delta(delta.get("content")) if isinstance(delta, dict) else b""
        if choice.get("finish_reason"):
            self.has_begun = self.has_ended = True
        return out

    def _delta(self, text: object) -> bytes:
        if not self._note(text):
            return b""
        self.has_begun = True
        return _event({"type": DELTA, "delta": text})

    def _note(self, text: object) -> bool:
        if not isinstance(text, str) or not text:
            return False
        self._said.append(text)
        return True

    def _end(self, value: Mapping[str, Any], raw: bytes) -> None:
        """A bare `[DONE]` ends what has begun; alone it is no answer."""
        self.has_begun = self.has_begun or bool(value)
        self.has_ended = self.has_begun
        self.answer.update({name: value[name] for name in ("text", "usage", "language") if value.get(name)})
        self.last = raw or self.last

    def close(self) -> bytes:
        """The client's last event."""
        self.answer.setdefault("text", "".join(self._said))
        return self.last or done(self.answer)


def whole(answer: JSONDict) -> bytes:
    """A transcript that came at once, as a stream."""
    text = str(answer.get("text") or "")
    return (_event({"type": DELTA, "delta": text}) if text else b"") + done(answer)


def done(answer: JSONDict) -> bytes:
    usage = answer.get("usage")
    more = {"usage": usage} if isinstance(usage, dict) else {}
    return _event({"type": DONE_TYPE, "text": str(answer.get("text") or ""), **more})


def _event(value: JSONDict) -> bytes:
    return encode(json.dumps(value))
