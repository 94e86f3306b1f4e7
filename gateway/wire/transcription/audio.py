"""What a file of sound is, and how long it lasts as far as its beginning tells."""

from __future__ import annotations

from omniroute.types import Upload

UNKNOWN = "application/octet-stream"
_TYPES = {
    "mp3": "audio/mpeg", "mpga": "audio/mpeg", "mpeg": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4",
    "mp4": "audio/mp4", "aac": "audio/aac", "flac": "audio/flac", "ogg": "audio/ogg", "oga": "audio/ogg",
    "opus": "audio/ogg", "webm": "audio/webm",
}  # fmt: skip
_BYTES_PER_SECOND = {
    "audio/mpeg": 16_000, "audio/mp4": 12_000, "audio/aac": 12_000, "audio/flac": 60_000, "audio/wav": 32_000,
    "audio/ogg": 6_000, "audio/webm": 6_000,
}  # fmt: skip
"""Usual ones. Speech is often kept at lower rates, so that an estimate is rather too short than too long."""
_TYPICAL = 16_000
_RATE_AT, _DATA_AT = 28, 44
"""Where WAV has its bytes per second, and where its sound begins in nearly every file."""


def media_type(file: Upload) -> str:
    """By its first bytes, else by its name, else what the client says. `video/*` is taken for its sound."""
    head = bytes(file.data[:16])
    ending = file.name.rpartition(".")[2].lower()
    known = _sniffed(head) or _TYPES.get(ending) or file.content_type.partition(";")[0].strip().lower()
    known = known.replace("video/", "audio/", 1)
    return known if known.startswith("audio/") else UNKNOWN


def _sniffed(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mpeg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    starts = {b"fLaC": "audio/flac", b"OggS": "audio/ogg", b"\x1a\x45\xdf\xa3": "audio/webm"}
    return starts.get(head[:4], "")


def seconds(file: Upload) -> float:
    """Exact for WAV; for what is compressed an estimate by the size."""
    size = len(file.data)
    kind = media_type(file)
    if kind == "audio/wav" and size > _DATA_AT:
        rate = int.from_bytes(file.data[_RATE_AT : _RATE_AT + 4], "little")
        if rate:
            return round((size - _DATA_AT) / rate, 3)
    return round(size / _BYTES_PER_SECOND.get(kind, _TYPICAL), 3)
