"""A recording in which nobody speaks: an answer like any other, in every shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.wire.transcription import assemblyai, deepgram, openai
from gateway.wire.transcription.transcript import Transcript, emit
from gateway.wire.transcription.wish import SHAPES, Wish
from omniroute.types import Upload

FILE = Upload("quiet.wav", "audio/wav", memoryview(bytes(16_000)))
EMPTY_ALTERNATIVE: dict[str, Any] = {"transcript": "", "confidence": 0, "words": []}
DEEPGRAM = {"metadata": {"duration": 2.5}, "results": {"channels": [{"alternatives": [EMPTY_ALTERNATIVE]}]}}
ASSEMBLYAI: dict[str, Any] = {
    "id": "1",
    "status": "completed",
    "text": None,
    "words": [],
    "audio_duration": 2.5,
}
OPENAI = {"text": "", "duration": 2.5, "segments": []}


def transcripts(wish: Wish) -> dict[str, Transcript]:
    return {
        "deepgram": deepgram.parse(DEEPGRAM),
        "assemblyai": assemblyai.parse(ASSEMBLYAI),
        "openai": openai.parse(OPENAI, wish),
    }


@pytest.mark.parametrize("vendor", ["deepgram", "assemblyai", "openai"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_said_is_an_empty_transcript(vendor, shape):
    wish = Wish(FILE, shape)
    content_type, body = emit(transcripts(wish)[vendor], wish)
    if shape in ("json", "verbose_json"):
        value = json.loads(body)
        assert value["text"] == ""
        assert value.get("segments", []) == []
        assert shape == "json" or float(value["duration"]) == 2.5
    else:
        assert body.strip() == (b"WEBVTT" if shape == "vtt" else b"")
        assert content_type.startswith(("text/", "application/x-subrip"))
