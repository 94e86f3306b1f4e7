"""Media in messages: data URIs, media types told by the first bytes, OpenAI's names of audio formats."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

_DATA_URI = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
)
_HEIF = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}
_AUDIO_FORMATS = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "opus": "audio/opus",
    "ogg": "audio/ogg",
    "pcm16": "audio/pcm",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
    "aiff": "audio/aiff",
}
_AUDIO_NAMES = {
    **{media_type: name for name, media_type in _AUDIO_FORMATS.items()},
    "audio/mp3": "mp3",
    "audio/mpeg3": "mp3",
    "audio/x-mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/x-flac": "flac",
    "audio/x-m4a": "m4a",
    "audio/m4a": "m4a",
    "audio/l16": "pcm16",
    "audio/x-aiff": "aiff",
}
_EXTENSIONS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "xml": "application/xml",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
}
_BEHIND_PATH = re.compile(r"[?#]")
IMAGES_EVERYWHERE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What all four vendors take; Gemini also takes HEIC and HEIF."""


class DataURI(NamedTuple):
    media_type: str
    data: str
    """Base64 without line breaks, in the standard alphabet."""


def parse_data_uri(url: str) -> DataURI | None:
    """None for anything but a `data:` URI. A payload of percent-encoded text is brought to base64."""
    match = _DATA_URI.match(url)
    if match is None:
        return None
    media_type = match[1].strip().lower() or "text/plain"
    payload = url[match.end() :]
    if ";base64" in match[2].lower():
        return DataURI(media_type, clean_base64(payload))
    return DataURI(media_type, base64.b64encode(unquote_to_bytes(payload)).decode())


def build_data_uri(media_type: str | None, data: str) -> str:
    return f"data:{media_type or 'application/octet-stream'};base64,{data}"


def clean_base64(data: str) -> str:
    """Padded, without line breaks and in the standard alphabet, which not all clients keep to."""
    if _BASE64.fullmatch(data) and len(data) % 4 == 0:
        return data
    data = unquote("".join(data.split())).replace("-", "+").replace("_", "/").rstrip("=")
    return data + "=" * (-len(data) % 4)


def decode_base64(data: str) -> bytes | None:
    """The bytes, or None where it is not base64."""
    try:
        return base64.b64decode(clean_base64(data), validate=True)
    except (binascii.Error, ValueError):
        return None


def sniff(data: str) -> str | None:
    """The media type that the first bytes of base64 `data` show (images and PDF), or None."""
    try:
        head = base64.b64decode(clean_base64(data[:64])[:40])
    except (binascii.Error, ValueError):
        return None
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return _HEIF.get(head[8:12]) if head[4:8] == b"ftyp" else None


def image_type(media_type: str | None, data: str) -> str:
    """The media type to label an image with: what its bytes show, else what it is said to be, else PNG."""
    said = (media_type or "").lower().replace("image/jpg", "image/jpeg")
    return sniff(data) or (said if said.startswith("image/") else "image/png")


def media_type_of_url(url: str) -> str | None:
    """Guessed from the path's extension, also for bare file names."""
    _, dot, extension = _BEHIND_PATH.split(url, 1)[0].rpartition(".")
    return _EXTENSIONS.get(extension.lower()) if dot else None


def audio_format(media_type: str) -> str | None:
    """OpenAI's `input_audio.format` for a media type, e.g. `mp3`; None where OpenAI has no name for it."""
    return _AUDIO_NAMES.get(media_type.lower().partition(";")[0].strip())


def audio_type(format: str) -> str:
    """The media type of an OpenAI audio format name."""
    name = format.lower()
    return _AUDIO_FORMATS.get(name, f"audio/{name or 'wav'}")
