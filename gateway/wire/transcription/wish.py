"""What a client wants of a recording, independent of the vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omniroute.errors import InvalidRequest
from omniroute.types import Upload

SHAPES = ("json", "text", "verbose_json", "srt", "vtt")
TIMED = frozenset({"verbose_json", "srt", "vtt"})
"""Shapes that say when something was said."""


@dataclass(frozen=True, slots=True)
class Wish:
    file: Upload
    shape: str = "json"
    """OpenAI's `response_format`."""
    language: str = ""
    """A code such as `en`; "": to be found out."""
    prompt: str = ""
    stream: bool = False
    granularities: tuple[str, ...] = ()
    extra: Mapping[str, Any] | None = None
    """The other fields of the form: for vendors that know them."""

    @property
    def words(self) -> bool:
        return "word" in self.granularities

    @property
    def segments(self) -> bool:
        return not self.granularities or "segment" in self.granularities


_KNOWN = frozenset({
    "model", "response_format", "language", "prompt", "timestamp_granularities", "temperature", "stream",
})  # fmt: skip


def parse(fields: Mapping[str, Any], file: Upload, stream: bool = False) -> Wish:
    """`fields` are decoded: texts and lists of texts. Raise `InvalidRequest` for an empty file, and for a stream of
    subtitles."""
    if not len(file.data):
        raise InvalidRequest("The file is empty", param="file")
    granularities = fields.get("timestamp_granularities") or ()
    shape = _text(fields, "response_format") or "json"
    if stream and shape in TIMED:
        raise InvalidRequest(f"A transcript is not streamed as {shape}", param="response_format")
    if stream and shape == "text":
        shape = "json"  # events are what they are; the text is within
    return Wish(
        file=file,
        shape=shape,
        stream=stream,
        language=_text(fields, "language"),
        prompt=_text(fields, "prompt"),
        granularities=(granularities,) if isinstance(granularities, str) else tuple(granularities),
        extra={name: value for name, value in fields.items() if name not in _KNOWN},
    )


def check_shape(wish: Wish) -> None:
    """Raise `InvalidRequest` for a shape that only some of OpenAI's models know."""
    if wish.shape not in SHAPES:
        raise InvalidRequest(
            f"This model answers as {', '.join(SHAPES)}, not as {wish.shape[:40]!r}", param="response_format"
        )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""
