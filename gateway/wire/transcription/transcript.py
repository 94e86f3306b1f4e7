"""What was said, and how a client gets it: JSON, plain text, or subtitles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.wire import json
from gateway.wire.transcription.languages import name_of
from gateway.wire.transcription.wish import Wish
from omniroute.types import JSONDict

PAUSE_S = 0.8
LONG_S = 10.0
"""A segment of words ends at a pause, or when it has become this long."""
SENTENCE_S = 2.0
"""From then on it also ends with a sentence."""
_CONTENT_TYPES = {"text": "text/plain; charset=utf-8", "srt": "application/x-subrip", "vtt": "text/vtt"}


@dataclass(frozen=True, slots=True)
class Word:
    """Times are in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    duration: float
    """Seconds of sound, as the vendor measured it."""
    language: str = ""
    segments: Sequence[Segment] = field(default_factory=tuple)
    words: Sequence[Word] = field(default_factory=tuple)


def by_pauses(words: Iterable[Word]) -> list[Segment]:
    """Words as segments that can be read as subtitles."""
    segments: list[Segment] = []
    open_: list[Word] = []
    for word in words:
        if open_ and _ends(open_, word):
            segments.append(_joined(open_))
            open_ = []
        open_.append(word)
    if open_:
        segments.append(_joined(open_))
    return segments


def _ends(words: Sequence[Word], following: Word) -> bool:
    last, length = words[-1], following.end - words[0].start
    return (
        following.start - last.end > PAUSE_S
        or length > LONG_S
        or (length > SENTENCE_S and last.text.endswith((".", "?", "!", "\u3002", "\uff1f", "\uff01")))
    )


def _joined(words: Sequence[Word]) -> Segment:
    return Segment(" ".join(word.text for word in words), words[0].start, words[-1].end)


def emit(transcript: Transcript, wish: Wish) -> tuple[str, bytes]:
    """(content type, body) in the shape that the client asks for, one of `SHAPES`."""
    shape = wish.shape
    if shape == "text":
        body = f"{transcript.text}\n"
    elif shape == "srt":
        cues = (f"{number}\n{_cue(each, ',')}" for number, each in enumerate(transcript.segments, 1))
        body = "".join(cues)
    elif shape == "vtt":
        body = "WEBVTT\n\n" + "".join(_cue(each, ".") for each in transcript.segments)
    else:
        shown: JSONDict = {"text": transcript.text}
        if shape == "verbose_json":
            shown = _verbose(transcript, wish)
        shown["usage"] = {"type": "duration", "seconds": math.ceil(transcript.duration)}
        return "application/json", json.dumps(shown)
    return _CONTENT_TYPES[shape], body.encode("utf-8", "replace")


def _cue(segment: Segment, point: str) -> str:
    return f"{_clock(segment.start, point)} --> {_clock(segment.end, point)}\n{segment.text.strip()}\n\n"


def _clock(seconds: float, point: str) -> str:
    whole, milliseconds = divmod(max(0, round(seconds * 1000)), 1000)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _verbose(transcript: Transcript, wish: Wish) -> JSONDict:
    shown: JSONDict = {
        "task": "transcribe",
        "language": name_of(transcript.language),
        "duration": transcript.duration,
        "text": transcript.text,
    }
    if wish.words:
        shown["words"] = [
            {"word": each.text, "start": each.start, "end": each.end} for each in transcript.words
        ]
    if wish.segments:
        shown["segments"] = [_segment(number, each) for number, each in enumerate(transcript.segments)]
    return shown


def _segment(number: int, segment: Segment) -> JSONDict:
    """Every key that OpenAI's SDKs require; what only Whisper knows is 0."""
    return {
        "id": number,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(segment.confidence), 4) if segment.confidence else 0.0,
        "compression_ratio": 0.0,
        "no_speech_prob": 0.0,
    }
