"""OpenAI's `audio/transcriptions`, which most vendors copy. They are always asked for JSON: nothing else counts."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeGuard

from gateway.wire import json
from gateway.wire.priced import apart
from gateway.wire.transcription import audio
from gateway.wire.transcription.transcript import Segment, Transcript, Word, by_pauses
from gateway.wire.transcription.wish import SHAPES, Wish
from omniroute.errors import UpstreamRefused
from omniroute.types import Fields, JSONDict, Upload, Usage

VERBOSE = "verbose_json"


def answer_shape(wish: Wish, model: str) -> str:
    """The `response_format` to ask the vendor for. Raise `UpstreamRefused` for what the model cannot do.

    Whisper tells how long the recording was in its verbose answers only; OpenAI's newer models count tokens, and know
    no times.
    """
    if wish.shape in ("srt", "vtt") and _has_no_times(model):
        raise UpstreamRefused(
            f"{model} does not tell when something was said; ask for json or text, or another model",
            status=400,
            code="unsupported_value",
            param="response_format",
        )
    if wish.stream:
        return wish.shape
    if wish.shape in ("srt", "vtt") or (wish.shape in ("json", "text") and "whisper" in model.lower()):
        return VERBOSE
    return "json" if wish.shape == "text" else wish.shape


def _has_no_times(model: str) -> bool:
    return "transcribe" in model.lower()


def passes_as_it_is(wish: Wish, asked: str) -> bool:
    """Does the client get the vendor's own bytes?"""
    return wish.shape == asked or wish.shape not in SHAPES


def form_fields(fields: Fields) -> Iterator[tuple[str, str]]:
    """Decoded fields as a form has them. A list is one field for each item, and called `name[]`."""
    for name, raw in fields.items():
        value = json.value(raw)
        if isinstance(value, list):
            yield from ((f"{name}[]", _text(item)) for item in value)
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value).decode()


def sendable(file: Upload) -> Upload:
    """As the vendor knows it by its name and type: Whisper refuses `.opus`, which is Ogg."""
    kind = audio.media_type(file)
    name = file.name.rpartition("/")[2].rpartition("\\")[2] or "audio"
    if name.lower().endswith(".opus"):
        name = name[:-5] + ".ogg"
    elif "." not in name and kind != audio.UNKNOWN:
        name = f"{name}.{_ENDINGS.get(kind, kind.partition('/')[2])}"
    return replace(file, name=name, content_type=kind)


_ENDINGS = {"audio/mpeg": "mp3", "audio/mp4": "m4a"}


def as_json(fields: Fields, file: Upload) -> JSONDict:
    """OpenRouter's body: the sound as base64 (https://openrouter.ai/docs/guides/overview/multimodal/stt)."""
    sent = sendable(file)
    sound = {"data": base64.b64encode(sent.data).decode(), "format": sent.name.rpartition(".")[2].lower()}
    return {**fields, "input_audio": sound}


def parse(value: JSONDict, wish: Wish) -> Transcript:
    """The transcript of an answer whose `text` is there. Without any times it is one segment."""
    words = [
        Word(str(each.get("word") or ""), _number(each.get("start")), _number(each.get("end")))
        for each in _dicts(value.get("words"))
    ]
    segments = [
        Segment(str(each.get("text") or "").strip(), _number(each.get("start")), _number(each.get("end")))
        for each in _dicts(value.get("segments"))
    ]
    duration = seconds_of(value)
    if duration is None:
        duration = audio.seconds(wish.file)
    text = str(value["text"])
    if text and not segments:
        segments = by_pauses(words) or [Segment(text, 0.0, duration)]
    return Transcript(text, duration, str(value.get("language") or ""), segments, words)


def usage_of(value: JSONDict, wish: Wish) -> Usage:
    """Tokens and seconds, whichever the vendor counts; seconds by the file where it counts nothing."""
    usage = value.get("usage")
    counted: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    asked = _first(counted, "input_tokens", "prompt_tokens")
    made = _first(counted, "output_tokens", "completion_tokens")
    details = counted.get("input_token_details") or counted.get("input_tokens_details")
    sound = details.get("audio_tokens") if isinstance(details, dict) else None
    seconds = seconds_of(value)
    estimated = seconds is None and not (asked or made)
    if estimated:
        seconds = audio.seconds(wish.file)
    cost = counted.get("cost")
    return Usage(
        input_tokens=asked,
        output_tokens=made,
        cost=Decimal(str(cost)) if _is_number(cost) and cost > 0 else None,
        estimated=estimated,
        priced_apart=apart(
            input_audio_tokens=sound if isinstance(sound, int) else None, audio_seconds=seconds
        ),
    )


def seconds_of(value: JSONDict) -> float | None:
    """OpenAI says `usage.seconds` (rounded up, which is what it bills), Mistral `usage.prompt_audio_seconds`, verbose
    answers `duration`."""
    usage = value.get("usage")
    counted: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    for found in (counted.get("seconds"), counted.get("prompt_audio_seconds"), value.get("duration")):
        if isinstance(found, str):
            found = _parsed(found)
        if _is_number(found) and found >= 0:
            return float(found)
    return None


def _parsed(text: str) -> float | None:
    """OpenAI's older verbose answers have the duration as a text."""
    try:
        return float(text)
    except ValueError:
        return None


def _first(counted: Mapping[str, Any], *names: str) -> int:
    return next((counted[name] for name in names if isinstance(counted.get(name), int)), 0)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0


def _dicts(value: Any) -> Sequence[JSONDict]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
