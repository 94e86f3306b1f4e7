"""Moderation, reranking, speech and compaction: one shape everywhere, so bodies pass as they are.

Shapes: OpenAI's `moderations` and `audio/speech` (platform.openai.com/docs/api-reference), which Mistral, Groq and
others copy; `rerank` as Cohere, Jina, Voyage, Together and vLLM have it.
"""

from __future__ import annotations

from typing import Any

from gateway.passage.base import Whole, WholeAnswer, as_upstream_error
from gateway.wire import json
from gateway.wire.embeddings import error_of, estimate_texts
from gateway.wire.priced import apart
from omniroute.errors import InvalidRequest, UpstreamBroken
from omniroute.types import Fields, JSONDict, Usage

MODERATION_MODEL = "openai/omni-moderation-latest"
"""Of requests that name none, which OpenAI allows."""
_SOUNDS = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_RIFF = b"RIFF"
_SOUND_TOKENS = 5
"""For each estimated token of the text, where a model is paid for the tokens of its sound: OpenAI billed about 5,260
for 4,096 characters (https://raw.githubusercontent.com/sanand0/blog/main/posts/2025/openai-tts-cost.md)."""


class _PassedOn(WholeAnswer):
    """The client's own body; only the model is another."""

    def fields(self) -> Fields:
        return {**self.inbound.fields, "model": self.profile.model}

    def _asked(self, name: str) -> Any:
        return json.field(dict(self.inbound.fields), name)

    def _answer(self, body: bytes, expected: str) -> JSONDict:
        """Raise `UpstreamBroken` for an error, and for an answer without what was asked for."""
        value, said = error_of(body)
        if said:
            raise UpstreamBroken(said)
        if not isinstance(value.get(expected), list):
            raise UpstreamBroken(f"The provider's answer has no {expected}")
        return value


class Moderation(_PassedOn):
    body_format = "openai_moderations"
    path = "/moderations"

    def whole(self, body: bytes) -> Whole:
        self._answer(body, "results")
        return Whole(body, _estimated(self._asked("input")))


class Reranking(_PassedOn):
    body_format = "rerank"
    path = "/rerank"

    def fields(self) -> Fields:
        for name, kind, said in (("query", str, "a string"), ("documents", list, "a list")):
            if not isinstance(self._asked(name), kind):
                raise InvalidRequest(f"The field '{name}' must be {said}", param=name)
        return super().fields()

    def whole(self, body: bytes) -> Whole:
        value = self._answer(body, "results" if b'"results"' in body else "data")
        return Whole(body, _billed(value) or _estimated([self._asked("query"), *self._asked("documents")]))


class Speech(_PassedOn):
    """Sound, for which most vendors are paid by the character."""

    body_format = "openai_speech"
    path = "/audio/speech"
    is_sound = True

    def fields(self) -> Fields:
        if not isinstance(self._asked("input"), str):
            raise InvalidRequest("The field 'input' must be a string", param="input")
        if self._asked("stream_format") not in (None, "audio"):
            raise InvalidRequest("Speech comes as sound, not as events", param="stream_format")
        return super().fields()

    def whole(self, body: bytes) -> Whole:
        if body[:1] == b"{":
            raise UpstreamBroken(error_of(body)[1] or "The provider sent no sound")
        if not body:
            raise UpstreamBroken("The provider sent no sound")
        text = self._asked("input")
        tokens = estimate_texts([text])
        usage = Usage(
            input_tokens=tokens,
            output_tokens=_SOUND_TOKENS * tokens,
            estimated=True,
            priced_apart=apart(input_characters=len(text)),
        )
        return Whole(body, usage, self._media_type(body))

    def _media_type(self, body: bytes) -> str:
        wanted = _SOUNDS.get(str(self._asked("response_format") or "mp3"), "application/octet-stream")
        return "audio/wav" if body.startswith(_RIFF) else wanted


class Compaction(_PassedOn):
    """A conversation in OpenAI's newer format into a shorter one, as Codex asks for it. Never a stream."""

    path = "/responses/compact"
    only_streams = False

    def fields(self) -> Fields:
        kept = super().fields().items()
        return {name: value for name, value in kept if name not in ("stream", "stream_options")}

    def whole(self, body: bytes) -> Whole:
        found = self.provider.inspect(body)
        if found.error is not None:
            raise as_upstream_error(found.error)
        return Whole(body, found.usage)


def _estimated(given: Any) -> Usage:
    items = given if isinstance(given, list) else [given]
    texts = (item.get("text") if isinstance(item, dict) else item for item in items)
    return Usage(
        input_tokens=estimate_texts([text for text in texts if isinstance(text, str)]), estimated=True
    )


def _billed(value: JSONDict) -> Usage | None:
    """Jina, Voyage and vLLM count tokens, Cohere searches; None where nothing is counted."""
    usage, meta = value.get("usage"), value.get("meta")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    searches = billed.get("search_units") if isinstance(billed, dict) else None
    if not isinstance(tokens, int) and not isinstance(searches, int | float):
        return None
    return Usage(
        input_tokens=tokens if isinstance(tokens, int) and tokens > 0 else 0,
        priced_apart=apart(rerank_searches=searches if isinstance(searches, int | float) else None),
    )
